package account

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"stint/internal/db"
)

const (
	minChosen = 8   // characters
	maxSecret = 200 // bytes

	firstLabel = "first"
)

// Password is a club password as its bearer's requests see it.
type Password struct {
	Label   string // unique among the club's passwords
	Scope   Scope
	Revoked <-chan struct{} // closed when this process hears that it was revoked; set for bearers only
}

// PasswordInfo is a club password as its operator sees it.
type PasswordInfo struct {
	Password
	Chosen  bool      // by a person; else generated
	Created time.Time // whole seconds
	Used    time.Time // to the day; zero if never
}

// AddPassword makes a club password and returns its secret. An empty chosen
// has one generated; else it must have 8 characters or more in at most 200
// bytes of UTF-8 without control characters, and must not be in use. The label
// must be free.
func (s *Store) AddPassword(ctx context.Context, label string, scope Scope, chosen string) (secret string, err error) {
	if err := checkName("label", label); err != nil {
		return "", err
	}
	if scope == 0 {
		return "", refuse(ErrInvalid, "a password needs a scope: read, status, announce, presence or all")
	}
	hash := ""
	if secret = chosen; secret == "" {
		secret = newSecret()
		hash = hashGenerated(secret)
	} else if hash, err = s.hashNew(ctx, chosen); err != nil {
		return "", err
	}
	err = s.write(ctx, func(tx *db.Tx) error {
		id, err := tx.NextID("club_password")
		if err != nil {
			return err
		}
		return insertPassword(tx, id, label, scope, hash)
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// FirstPassword makes the password "first" with scope all, if this database
// never had a password, and returns its secret; else it returns "". However
// many processes ask at once, one of them gets it.
func (s *Store) FirstPassword(ctx context.Context) (secret string, err error) {
	secret = newSecret()
	notFirst := errors.New("not the first")
	err = s.write(ctx, func(tx *db.Tx) error {
		id, err := tx.NextID("club_password")
		if err != nil {
			return err
		}
		if id != 1 {
			return notFirst
		}
		return insertPassword(tx, id, firstLabel, All, hashGenerated(secret))
	})
	if err == notFirst {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return secret, nil
}

func insertPassword(tx *db.Tx, id int64, label string, scope Scope, hash string) error {
	n, err := tx.Exec(`insert into club_password (id, label, scope, hash, created, used) values ($1, $2, $3, $4, $5, 0)
		on conflict (label) do nothing`, id, label, scope.String(), hash, tx.Now.Unix())
	if err == nil && n == 0 {
		err = refuse(ErrExists, "the label %q is taken: revoke that password first, or choose another label", label)
	}
	return err
}

// hashNew is the hash of a chosen password, if it may be used.
func (s *Store) hashNew(ctx context.Context, chosen string) (string, error) {
	if utf8.RuneCountInString(chosen) < minChosen || !possible(chosen) {
		return "", refuse(ErrInvalid, "this password is not allowed: %d characters or more, at most %d bytes of UTF-8, no control characters", minChosen, maxSecret)
	}
	if p, err := s.CheckPassword(ctx, chosen); err == nil {
		return "", refuse(ErrExists, "this password is in use already, with the label %q", p.Label)
	} else if !errors.Is(err, ErrUnauthorized) {
		return "", err
	}
	leave, err := s.hashingPlace(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return hashChosen(chosen), nil
}

// possible says whether a secret can be a password at all.
func possible(secret string) bool {
	return len(secret) <= maxSecret && utf8.ValidString(secret) && !strings.ContainsFunc(secret, unicode.IsControl)
}

// Passwords lists the club's passwords in the order in which they were made.
func (s *Store) Passwords(ctx context.Context) ([]PasswordInfo, error) {
	var list []PasswordInfo
	err := s.db.View(ctx, func(tx *db.Tx) error {
		stored, err := readPasswords(tx)
		for _, p := range stored {
			list = append(list, PasswordInfo{
				Password: p.Password,
				Chosen:   strings.HasPrefix(p.hash, chosenPrefix),
				Created:  instant(p.created),
				Used:     instant(p.used),
			})
		}
		return err
	})
	return list, err
}

// RevokePassword removes the password with the label. Its label is free again.
func (s *Store) RevokePassword(ctx context.Context, label string) error {
	return s.write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec("delete from club_password where label = $1", label)
		if err == nil && n == 0 {
			err = refuse(ErrNotFound, "there is no password with the label %q", label)
		}
		return err
	})
}

type storedPassword struct {
	Password
	id            int64
	hash          string
	created, used int64
}

func readPasswords(tx *db.Tx) ([]storedPassword, error) {
	rows, err := tx.Query("select id, label, scope, hash, created, used from club_password order by id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []storedPassword
	for rows.Next() {
		var p storedPassword
		var scope string
		if err := rows.Scan(&p.id, &p.Label, &scope, &p.hash, &p.created, &p.used); err != nil {
			return nil, err
		}
		if p.Scope, err = ParseScope(scope); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, rows.Err()
}
