package account

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"stint/internal/db"
)

// User is a person of the tracker.
type User struct {
	ID      int64
	Name    string // as given; unique in any case
	Zone    string // IANA name
	Created time.Time
}

// AddUser adds a person. The name has 1 to 50 bytes of printable characters and
// differs from every other by more than case; the zone is an IANA name.
func (s *Store) AddUser(ctx context.Context, name, zone string) (User, error) {
	if err := checkName("name", name); err != nil {
		return User{}, err
	}
	if _, err := loadZone(zone); err != nil {
		return User{}, err
	}
	u := User{Name: name, Zone: zone}
	err := s.write(ctx, func(tx *db.Tx) (err error) {
		if u.ID, err = tx.NextID("person"); err != nil {
			return err
		}
		u.Created = instant(tx.Now.Unix())
		n, err := tx.Exec(`insert into person (id, name, folded, zone, created) values ($1, $2, $3, $4, $5)
			on conflict (folded) do nothing`, u.ID, name, fold(name), zone, u.Created.Unix())
		if err == nil && n == 0 {
			err = refuse(ErrExists, "there is a user %q already", name)
		}
		return err
	})
	if err != nil {
		return User{}, err
	}
	return u, nil
}

// Users lists everyone by name.
func (s *Store) Users(ctx context.Context) ([]User, error) {
	var list []User
	err := s.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query("select id, name, zone, created from person")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var u User
			var created int64
			if err := rows.Scan(&u.ID, &u.Name, &u.Zone, &created); err != nil {
				return err
			}
			u.Created = instant(created)
			list = append(list, u)
		}
		return rows.Err()
	})
	slices.SortFunc(list, func(a, b User) int { return cmp.Compare(fold(a.Name), fold(b.Name)) })
	return list, err
}

// User finds a person by name, in any case.
func (s *Store) User(ctx context.Context, name string) (u User, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		u, err = findUser(tx, name)
		return err
	})
	return u, err
}

// UserByID finds a person by id.
func (s *Store) UserByID(ctx context.Context, id int64) (u User, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		var created int64
		err := tx.QueryRow("select id, name, zone, created from person where id = $1", id).Scan(&u.ID, &u.Name, &u.Zone, &created)
		if err == sql.ErrNoRows {
			err = refuse(ErrNotFound, "there is no user with the id %d", id)
		}
		u.Created = instant(created)
		return err
	})
	return u, err
}

// Zone is a person's zone, read inside the caller's transaction.
func Zone(tx *db.Tx, userID int64) (*time.Location, error) {
	var zone string
	err := tx.QueryRow("select zone from person where id = $1", userID).Scan(&zone)
	if err == sql.ErrNoRows {
		return nil, refuse(ErrNotFound, "there is no user with the id %d", userID)
	}
	if err != nil {
		return nil, err
	}
	return loadZone(zone)
}

// SetZone changes a person's zone. Times that are stored keep the offsets they
// were made with.
func (s *Store) SetZone(ctx context.Context, name, zone string) error {
	if _, err := loadZone(zone); err != nil {
		return err
	}
	return s.write(ctx, func(tx *db.Tx) error {
		u, err := findUser(tx, name)
		if err == nil {
			_, err = tx.Exec("update person set zone = $1 where id = $2", zone, u.ID)
		}
		return err
	})
}

// RemoveUser removes a person with all tokens. The erase functions run first,
// in the same transaction, to take away what other rooms keep about the
// person; an error from one of them leaves everything as it was.
func (s *Store) RemoveUser(ctx context.Context, name string, erase ...func(tx *db.Tx, userID int64) error) error {
	return s.write(ctx, func(tx *db.Tx) error {
		u, err := findUser(tx, name)
		if err != nil {
			return err
		}
		for _, fn := range erase {
			if err := fn(tx, u.ID); err != nil {
				return err
			}
		}
		if _, err := tx.Exec("delete from token where person = $1", u.ID); err != nil {
			return err
		}
		_, err = tx.Exec("delete from person where id = $1", u.ID)
		return err
	})
}

func findUser(tx *db.Tx, name string) (User, error) {
	var u User
	var created int64
	err := tx.QueryRow("select id, name, zone, created from person where folded = $1", fold(name)).Scan(&u.ID, &u.Name, &u.Zone, &created)
	if err == sql.ErrNoRows {
		err = refuse(ErrNotFound, "there is no user %q", name)
	}
	u.Created = instant(created)
	return u, err
}

// fold makes names that differ only in case equal.
func fold(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// notZones are names that time.LoadLocation knows on some machines and that
// name no place, or another one on every machine.
var notZones = []string{"", "Local", "localtime", "posixrules", "Factory"}

func loadZone(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil || slices.Contains(notZones, name) || strings.HasPrefix(name, "posix/") || strings.HasPrefix(name, "right/") {
		return nil, refuse(ErrInvalid, "zone %q is unknown: an IANA name such as Europe/Rome or UTC is allowed", name)
	}
	return loc, nil
}
