package tracker

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"stint/internal/db"
)

// Held is an active session as its keyholder sees it: without the notes. Errors: NotLinked, NotActive.
func (t *Tracker) Held(ctx context.Context, o Owner, session int64) (*Session, error) {
	var s *Session
	err := t.db.View(ctx, func(tx *db.Tx) error {
		l, err := readLive(tx, session)
		if err != nil {
			return err
		}
		zone, err := t.mayHold(tx, l, o.User)
		if err != nil {
			return err
		}
		if s, err = t.heldBy(tx, l, zone); err == nil {
			s.Notes = nil
		}
		return err
	})
	return s, err
}

// heldBy reads a held session, which must be active.
func (t *Tracker) heldBy(tx *db.Tx, l *live, zone *time.Location) (*Session, error) {
	if !l.active {
		return nil, refuse(NotActive, "the session has ended")
	}
	return t.one(tx, Owner{User: l.user, Zone: zone}, l.id)
}

// hold runs fn on an active session that the caller is a keyholder of, settled, as one write; zone is the owner's.
func (t *Tracker) hold(ctx context.Context, o Owner, session int64, once *Once,
	fn func(tx *db.Tx, l *live, s *Session, zone *time.Location) error) (*Session, error) {
	return do(ctx, t, o.User, once, func(tx *db.Tx) (*Session, error) {
		l, err := readLive(tx, session)
		if err != nil {
			return nil, err
		}
		zone, err := t.mayHold(tx, l, o.User)
		if err != nil {
			return nil, err
		}
		if err := t.settle(tx, l, zone); err != nil {
			return nil, err
		}
		s, err := t.heldBy(tx, l, zone)
		if err != nil {
			return nil, err
		}
		if err := fn(tx, l, s, zone); err != nil {
			return nil, err
		}
		s.Notes = nil
		return s, nil
	})
}

// Reschedule sets the scheduled end of a session that the caller is a keyholder of, as EditRequest does for the owner:
// by the owner's local date and time, which are those that the session shows. Errors: NotLinked, NotActive, NoFields,
// Validation, IdempotencyConflict, and *Replayed.
func (t *Tracker) Reschedule(ctx context.Context, o Owner, session int64, date Text, clock string, once *Once) (*Session, error) {
	return t.hold(ctx, o, session, once, func(tx *db.Tx, l *live, s *Session, zone *time.Location) error {
		e, err := t.rules(tx, Owner{s.User, zone}).edit(s, EditRequest{Scheduled: date, ScheduledTime: clock})
		if err != nil {
			return err
		}
		e.dom = true
		if err := t.edit(tx, s, e); err != nil {
			return err
		}
		l.scheduled = instantOf(s.Scheduled)
		return l.store(tx, zone, false)
	})
}

// SetGames changes the game settings of a session that the caller is a keyholder of. change gets a copy of the present
// settings and returns the new ones; it runs inside the transaction, perhaps more than once, and must use nothing else.
// Each game that changes is written down with before and after. A day is judged by what its owner could know when it
// began: one on which a penalty appears or asks for more is free. Errors: NotLinked (the owner, too), NotActive,
// NoFields, Validation, IdempotencyConflict, and *Replayed.
func (t *Tracker) SetGames(ctx context.Context, o Owner, session int64, change func(Settings) (Settings, error), once *Once) (*Session, error) {
	c, err := t.spareChain(ctx, session)
	if err != nil {
		return nil, err
	}
	return t.hold(ctx, o, session, once, func(tx *db.Tx, l *live, s *Session, zone *time.Location) error {
		before := Settings{}
		if s.Play != nil {
			before = s.Play.Settings
		}
		after, err := change(before.clone())
		if err != nil {
			return err
		}
		if err := after.Check(); err != nil {
			return err
		}
		all := changes(before, after)
		switch {
		case len(all) == 0:
			return refuse(NoFields, "there is nothing to change")
		case after.Any() && s.Scheduled == nil:
			return Invalid(FieldScheduledDate, "games need a scheduled end")
		}
		for _, g := range all {
			if err := g.apply(tx, s, o.User, zone); err != nil {
				return err
			}
		}
		if c != nil && after.Any() {
			if err := t.addChain(tx, s.User, s.ID, c); err != nil {
				return err
			}
		}
		if !l.nextDay.Valid {
			l.judgeFrom(after, tx.Now, zone)
		}
		return t.gamesChanged(tx, l, s, zone)
	})
}

// spareChain is a new chain if the session has none yet.
func (t *Tracker) spareChain(ctx context.Context, session int64) (c *newChain, err error) {
	err = t.db.View(ctx, func(tx *db.Tx) error {
		l, err := readLive(tx, session)
		if err != nil || l == nil {
			return err
		}
		if _, err = readChain(tx, l.user, session); errors.Is(err, errNoChain) {
			c, err = makeChain(), nil
		}
		return err
	})
	return c, err
}

// gamesChanged notes that games have changed, and reads them again.
func (t *Tracker) gamesChanged(tx *db.Tx, l *live, s *Session, zone *time.Location) error {
	if _, err := tx.Exec("update tracker_session set has_changes = 1, setting = $2 where id = $1", s.ID, newState()); err != nil {
		return err
	}
	if err := (entry{user: s.User, session: s.ID, kind: kindGames, dom: true, schedule: s.Scheduled}).write(tx); err != nil {
		return err
	}
	if err := l.store(tx, zone, false); err != nil {
		return err
	}
	s.HasChanges = true
	var err error
	s.Play, err = games(tx, zone, s.ID)
	return err
}

// apply stores one game's change, and the row that tells of it.
func (c gameChange) apply(tx *db.Tx, s *Session, by int64, zone *time.Location) (err error) {
	switch c.action() {
	case ActionInsert:
		if c.game == LinkGame {
			c.after.token = rand.Text()
			if err := addSalt(tx, s.ID); err != nil {
				return err
			}
		}
		err = c.after.insertAgain(tx, s, zone)
	case ActionUpdate:
		since := int64(0)
		if c.stricter() {
			since = tx.Now.Unix()
		}
		err = c.after.update(tx, s.ID, since)
	case ActionDelete:
		_, err = tx.Exec("delete from tracker_game where session_id = $1 and game = $2", s.ID, string(c.game))
	}
	if err != nil {
		return err
	}
	return storedChange{session: s.ID, game: c.game, action: c.action(), at: tx.Now.UnixMilli(), by: by, before: textOf(c.before), after: textOf(c.after)}.insert(tx)
}

// textOf is a game's settings for a change; nil for a game that is off.
func textOf(r *gameRow) any {
	if r == nil {
		return nil
	}
	return r.text()
}

// storedChange is a row of tracker_change.
type storedChange struct {
	session       int64
	game          Game
	action        string
	at, by        int64
	before, after any // JSON text of Settings, or nil
}

func (c storedChange) insert(tx *db.Tx) error {
	id, err := tx.NextID("tracker_change")
	if err != nil {
		return err
	}
	_, err = tx.Exec(`insert into tracker_change (id, session_id, game, action, at_ms, by_user, before, after)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, id, c.session, string(c.game), c.action, c.at, c.by, c.before, c.after)
	return err
}
