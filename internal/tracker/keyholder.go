package tracker

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"stint/internal/db"
)

const (
	inviteKept = 7 * 86_400 // seconds
	maxLinks   = 20         // of one owner, open invitations included
)

// Keyholder is a link between an owner and somebody who may play in the owner's active session, change its games and
// its scheduled end; or an open invitation to one.
type Keyholder struct {
	ID        int64
	Owner     int64
	Keyholder int64     // 0: whoever has the code
	Invited   time.Time // UTC
	Accepted  time.Time // zero: an open invitation
	Expires   time.Time // of an open invitation, else zero
	Session   int64     // the owner's active session once accepted; 0: none
}

const keyholderColumns = "k.id, k.owner_id, k.keyholder_id, k.invited_s, k.accepted_s"

func scanKeyholder(r row, more ...any) (*Keyholder, error) {
	k := &Keyholder{}
	var invited int64
	var accepted sql.NullInt64
	if err := r.Scan(append([]any{&k.ID, &k.Owner, &k.Keyholder, &invited, &accepted}, more...)...); err != nil {
		return nil, err
	}
	k.Invited = time.Unix(invited, 0).UTC()
	if accepted.Valid {
		k.Accepted = time.Unix(accepted.Int64, 0).UTC()
	} else {
		k.Expires = time.Unix(invited+inviteKept, 0).UTC()
	}
	return k, nil
}

func errNoInvitation() *Error {
	return refuse(NotFound, "there is no such invitation, or it was used or has expired")
}

// Invitation is an open invitation that was just made.
type Invitation struct {
	Link Keyholder
	Code string // good once, for seven days; its hash is kept, and for a day, sealed, the answer to a repeatable request
}

// Invite opens an invitation by the owner, for the given user or, with 0, for whoever has the code. Errors: Validation,
// AlreadyLinked, IdempotencyConflict, and *Replayed.
func (t *Tracker) Invite(ctx context.Context, owner, keyholder int64, once *Once) (*Invitation, error) {
	if owner == keyholder {
		return nil, Invalid(FieldKeyholder, "nobody can be their own keyholder")
	}
	code := rand.Text()
	hash := sha256.Sum256([]byte(code))
	return do(ctx, t, owner, once, func(tx *db.Tx) (*Invitation, error) {
		now := tx.Now.Unix()
		if err := notLinkedYet(tx, owner, keyholder); err != nil {
			return nil, err
		}
		if _, err := tx.Exec("delete from tracker_keyholder where accepted_s is null and invited_s <= $1", now-inviteKept); err != nil {
			return nil, err
		}
		var n int
		if err := tx.QueryRow("select count(*) from tracker_keyholder where owner_id = $1", owner).Scan(&n); err != nil {
			return nil, err
		}
		if n >= maxLinks {
			return nil, Invalid(FieldKeyholder, "at most %d keyholders and open invitations are allowed; remove one first", maxLinks)
		}
		id, err := tx.NextID("tracker_keyholder")
		if err != nil {
			return nil, err
		}
		_, err = tx.Exec(`insert into tracker_keyholder (id, owner_id, keyholder_id, code, invited_s) values ($1, $2, $3, $4, $5)`,
			id, owner, keyholder, hash[:], now)
		return &Invitation{Code: code, Link: Keyholder{ID: id, Owner: owner, Keyholder: keyholder,
			Invited: time.Unix(now, 0).UTC(), Expires: time.Unix(now+inviteKept, 0).UTC()}}, err
	})
}

func notLinkedYet(tx *db.Tx, owner, keyholder int64) error {
	linked, err := isLinked(tx, owner, keyholder)
	if err == nil && linked {
		return refuse(AlreadyLinked, "the two are linked already")
	}
	return err
}

// Accept makes user the keyholder: of whoever made the code, or with an empty code of the owner who invited this user
// by name. Errors: NotFound, Validation, AlreadyLinked, IdempotencyConflict, and *Replayed.
func (t *Tracker) Accept(ctx context.Context, user int64, code string, owner int64, once *Once) (*Keyholder, error) {
	return do(ctx, t, user, once, func(tx *db.Tx) (*Keyholder, error) {
		k, err := invitation(tx, user, code, owner)
		if err != nil {
			return nil, err
		}
		if err := notLinkedYet(tx, k.Owner, user); err != nil {
			return nil, err
		}
		k.Keyholder, k.Accepted, k.Expires = user, tx.Now.Truncate(time.Second), time.Time{}
		if _, err := tx.Exec("update tracker_keyholder set keyholder_id = $2, accepted_s = $3, code = $4 where id = $1",
			k.ID, user, k.Accepted.Unix(), []byte{}); err != nil {
			return nil, err
		}
		if _, err := tx.Exec("delete from tracker_keyholder where owner_id = $1 and keyholder_id = $2 and accepted_s is null", k.Owner, user); err != nil {
			return nil, err
		}
		return k, tx.QueryRow("select coalesce(max(id), 0) from tracker_session where user_id = $1 and active = 1", k.Owner).Scan(&k.Session)
	})
}

// Inviter is who made the code of an open invitation, 0 for nobody.
func (t *Tracker) Inviter(ctx context.Context, code string) (owner int64, err error) {
	hash := sha256.Sum256([]byte(code))
	err = t.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select coalesce(max(owner_id), 0) from tracker_keyholder where code = $1", hash[:]).Scan(&owner)
	})
	return owner, err
}

// invitation is the open one that user may accept.
func invitation(tx *db.Tx, user int64, code string, owner int64) (k *Keyholder, err error) {
	const open = "select " + keyholderColumns + " from tracker_keyholder k where k.accepted_s is null and k.invited_s > $1 and "
	since := tx.Now.Unix() - inviteKept
	if code != "" {
		hash := sha256.Sum256([]byte(code))
		k, err = scanKeyholder(tx.QueryRow(open+"k.code = $2", since, hash[:]))
	} else {
		k, err = scanKeyholder(tx.QueryRow(open+"k.owner_id = $2 and k.keyholder_id = $3 order by k.id desc limit 1", since, owner, user))
	}
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, errNoInvitation()
	case err != nil:
		return nil, err
	case k.Keyholder != 0 && k.Keyholder != user:
		return nil, errNoInvitation()
	case k.Owner == user:
		return nil, Invalid(FieldKeyholder, "nobody can be their own keyholder")
	}
	return k, nil
}

// Keyholders is the links and open invitations of a user, as owner and as keyholder, oldest first.
func (t *Tracker) Keyholders(ctx context.Context, user int64) ([]Keyholder, error) {
	all := []Keyholder{}
	err := t.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query("select "+keyholderColumns+`, coalesce(s.id, 0) from tracker_keyholder k
			left join tracker_session s on s.user_id = k.owner_id and s.active = 1 and k.accepted_s is not null
			where (k.owner_id = $1 or k.keyholder_id = $1) and (k.accepted_s is not null or k.invited_s > $2) order by k.id`,
			user, tx.Now.Unix()-inviteKept)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var session int64
			k, err := scanKeyholder(rows, &session)
			if err != nil {
				return err
			}
			k.Session = session
			all = append(all, *k)
		}
		return rows.Err()
	})
	return all, err
}

// RemoveKeyholder ends a link or an invitation, by either side. Errors: NotFound.
func (t *Tracker) RemoveKeyholder(ctx context.Context, user, id int64) error {
	return t.db.Do(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec("delete from tracker_keyholder where id = $1 and (owner_id = $2 or keyholder_id = $2)", id, user)
		if err == nil && n == 0 {
			return refuse(NotFound, "there is no such keyholder link")
		}
		return err
	})
}

// isLinked says whether keyholder is a keyholder of owner now.
func isLinked(tx *db.Tx, owner, keyholder int64) (bool, error) {
	var one int
	err := tx.QueryRow("select 1 from tracker_keyholder where owner_id = $1 and keyholder_id = $2 and accepted_s is not null", owner, keyholder).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// mayHold refuses everybody but a linked keyholder of the session's owner; l is nil when there is no such session,
// which nobody learns. It returns the owner's zone.
func (t *Tracker) mayHold(tx *db.Tx, l *live, keyholder int64) (*time.Location, error) {
	linked := false
	if l != nil {
		var err error
		if linked, err = isLinked(tx, l.user, keyholder); err != nil {
			return nil, err
		}
	}
	if !linked {
		return nil, refuse(NotLinked, "you are no keyholder of such a session")
	}
	return t.zone(tx, l.user)
}
