package club

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"stint/internal/db"
)

// maxAnonymous is how many people one client may count.
const maxAnonymous = 1_000_000

// Heartbeat is what a client reports: a person, a number of people without
// names, or both.
type Heartbeat struct {
	User    string // "" for nobody
	Counted bool   // Client counts Users people; each client has a number of its own
	Client  uint64
	Users   int64
}

// Report keeps the people present for the presence timeout. A person who was
// not present is since now (document, "PUT Presence"; readings, "Presence").
func (c *Club) Report(ctx context.Context, h Heartbeat) (err error) {
	if h.User != "" || !h.Counted {
		if h.User, err = CheckUser(h.User); err != nil {
			return err
		}
	}
	if h.Users < 0 || h.Users > maxAnonymous {
		return invalid("anonymous_users", "anonymous_users must be a number from 0 to %d.", maxAnonymous)
	}
	return c.db.Do(ctx, func(tx *db.Tx) error {
		now := tx.Now.Unix()
		if h.User != "" {
			if _, err := tx.Exec(`insert into present (name, since, seen) values ($1, $2, $2)
				on conflict (name) do update set
					since = case when present.seen > $3 then present.since else $2 end, seen = $2`,
				h.User, now, c.gone(now)); err != nil {
				return err
			}
		}
		if !h.Counted {
			return nil
		}
		_, err := tx.Exec(`insert into anonymous (client, users, seen) values ($1, $2, $3)
			on conflict (client) do update set users = $2, seen = $3`,
			strconv.FormatUint(h.Client, 10), h.Users, now)
		return err
	})
}

// gone is the second at or before which a last heartbeat is too old.
func (c *Club) gone(now int64) int64 { return now - int64(c.options.PresenceTimeout.Seconds()) }

// KeepLooking looks at the presence at every interval until ctx ends: it writes
// a presence action if the people have changed. Of several processes on one
// database exactly one does it each time. Failures are passed to report and tried
// again after ten seconds.
func (c *Club) KeepLooking(ctx context.Context, report func(error)) {
	for {
		wait, err := c.look(ctx)
		if err != nil && ctx.Err() == nil {
			report(err)
			wait = 10 * time.Second
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// look looks if the interval since the last look has passed, or if the clock has
// gone back by more than that; clocks of several processes may differ a little. It
// returns how long to wait for the next look.
func (c *Club) look(ctx context.Context) (wait time.Duration, err error) {
	err = c.db.Do(ctx, func(tx *db.Tx) error {
		var last int64
		if err := tx.QueryRow("select at from look where id = 1").Scan(&last); err != nil {
			return err
		}
		now := tx.Now.Unix()
		interval := int64(c.options.PresenceInterval.Seconds())
		next := last + interval
		if now < next && now >= last-interval {
			wait = time.Unix(next, 0).Sub(tx.Now)
			return nil
		}
		wait = c.options.PresenceInterval
		if _, err := tx.Exec("update look set at = $1 where id = 1", now); err != nil {
			return err
		}
		return c.lookNow(tx, now)
	})
	return wait, err
}

func (c *Club) lookNow(tx *db.Tx, now int64) error {
	// A heartbeat of the future was made while the clock was wrong.
	future := now + int64(c.options.PresenceTimeout.Seconds())
	for _, table := range []string{"present", "anonymous"} {
		if _, err := tx.Exec("delete from "+table+" where seen <= $1 or seen > $2", c.gone(now), future); err != nil {
			return err
		}
	}
	there := Action{Time: now, Type: TypePresence}
	var err error
	if there.Users, err = present(tx); err != nil {
		return err
	}
	if err := tx.QueryRow("select cast(coalesce(sum(users), 0) as bigint) from anonymous").Scan(&there.Anonymous); err != nil {
		return err
	}
	last, err := actions(tx, "type = 'presence' order by id desc limit 1")
	if err != nil || samePeople(last[0], there) {
		return err
	}
	there.Note = presenceNote(last[0], there)
	return insert(tx, &there)
}

// present returns who is there, sorted by name, by byte.
func present(tx *db.Tx) ([]Present, error) {
	rows, err := tx.Query("select name, since from present")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Present
	for rows.Next() {
		var p Present
		if err := rows.Scan(&p.Name, &p.Since); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Present) int { return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Since, b.Since)) })
	return list, rows.Err()
}
