// Package tracker keeps people's sessions, the games played in them, and their history: the rules of the tracker API
// as functions of (request, now, zone, what is stored), and the tables beside them.
//
// Every write is one transaction that checks and writes; what it checked is still true when it writes, because writers
// are serial. A refusal is an *Error; any other error is a failure of the store.
package tracker

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"stint/internal/db"
	"stint/internal/seal"
)

// Topic is the bell that rings after something was written to anybody's log.
const Topic = "tracker"

// Options are the operator's choices.
type Options struct {
	PastYears int // how far in the past a session may start; 0: 20
	// Zone is a user's zone, read inside the given transaction: votes, keyholders and midnights need an owner's zone
	// without the owner being there. nil: everybody's zone is UTC.
	Zone func(tx *db.Tx, user int64) (*time.Location, error)
	// Report hears what Run could not do and will try again. nil: nobody does.
	Report func(error)
}

// Tracker is the sessions of everybody. Its methods may be called at the same time.
type Tracker struct {
	db     *db.DB
	keys   *seal.Ring
	past   int
	zoneOf func(tx *db.Tx, user int64) (*time.Location, error)
	report func(error)
	beat   time.Duration // how often Run notes that the server runs
	chains opened

	settings settings
}

// Open brings the tables up to date and returns the tracker over them. keys seals the private texts.
func Open(ctx context.Context, d *db.DB, keys *seal.Ring, o Options) (*Tracker, error) {
	if keys == nil {
		return nil, errors.New("the tracker needs a key")
	}
	if o.PastYears == 0 {
		o.PastYears = 20
	}
	if err := Migrate(ctx, d); err != nil {
		return nil, err
	}
	if o.Report == nil {
		o.Report = func(error) {}
	}
	return &Tracker{db: d, keys: keys, past: o.PastYears, zoneOf: o.Zone, report: o.Report, beat: beat}, nil
}

// Now is the present instant by the database's clock, in UTC and whole milliseconds.
func (t *Tracker) Now() time.Time { return t.db.Now() }

func (t *Tracker) rules(tx *db.Tx, o Owner) rules {
	return rules{now: tx.Now, zone: o.Zone, past: t.past}
}

// Insert stores a session that has ended already. Errors: Validation, Overlap, IdempotencyConflict, and *Replayed.
func (t *Tracker) Insert(ctx context.Context, o Owner, r InsertRequest, once *Once) (*Session, error) {
	return do(ctx, t, o.User, once, func(tx *db.Tx) (*Session, error) {
		d, err := t.rules(tx, o).insert(r)
		if err != nil {
			return nil, err
		}
		return t.insert(tx, o, d)
	})
}

// Start stores a session that begins and goes on. Errors: Validation, ActiveSessionExists, Overlap, DrawsUsedUp,
// IdempotencyConflict, and *Replayed.
func (t *Tracker) Start(ctx context.Context, o Owner, r StartRequest, once *Once) (*Session, error) {
	if r.MaxEnd {
		if err := t.ensureAccountChain(ctx, o.User); err != nil {
			return nil, err
		}
	}
	var c *newChain
	if r.Any() {
		c = makeChain()
	}
	return do(ctx, t, o.User, once, func(tx *db.Tx) (*Session, error) {
		d, err := t.rules(tx, o).start(r)
		if err != nil {
			return nil, err
		}
		return t.start(tx, o, d, c)
	})
}

// Get is one session of the owner. Errors: NotFound.
func (t *Tracker) Get(ctx context.Context, o Owner, id int64) (*Session, error) {
	var s *Session
	err := t.db.Glance(ctx, func(tx *db.Tx) (err error) {
		s, err = t.row(tx, o, id)
		return err
	})
	if err != nil || !s.Active() {
		return s, err
	}
	// An active session is read together with its games.
	err = t.db.View(ctx, func(tx *db.Tx) (err error) {
		s, err = t.one(tx, o, id)
		return err
	})
	return s, err
}

// row is a session of the owner without its games.
func (t *Tracker) row(tx *db.Tx, o Owner, id int64) (*Session, error) {
	s, err := t.scanSession(tx.QueryRow("select "+sessionColumns+" from tracker_session where id = $1 and user_id = $2", id, o.User))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNotFound()
	}
	return s, err
}

// change runs fn on a session of the owner that is settled, as one write, and returns the session as fn left it.
func (t *Tracker) change(ctx context.Context, o Owner, id int64, fn func(*db.Tx, *live, *Session) error) (*Session, error) {
	var s *Session
	err := t.db.Do(ctx, func(tx *db.Tx) error {
		l, err := readLive(tx, id)
		switch {
		case err != nil:
			return err
		case l == nil || l.user != o.User:
			return errNotFound()
		}
		if err := t.settle(tx, l, o.Zone); err != nil {
			return err
		}
		if s, err = t.one(tx, o, id); err != nil {
			return err
		}
		return fn(tx, l, s)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Edit changes or stops a session of the owner and returns it as it is then. Errors: NotFound, NoFields, NotActive,
// Validation.
func (t *Tracker) Edit(ctx context.Context, o Owner, id int64, r EditRequest) (*Session, error) {
	return t.change(ctx, o, id, func(tx *db.Tx, l *live, s *Session) error {
		e, err := t.rules(tx, o).edit(s, r)
		if err != nil {
			return err
		}
		if err := t.edit(tx, s, e); err != nil || !e.reschedule && e.end == nil {
			return err
		}
		l.active, l.scheduled = s.Active(), instantOf(s.Scheduled)
		return l.store(tx, o.Zone, false)
	})
}

// Delete removes a session of the owner that has ended, with everything that belongs to it. Errors: NotFound,
// StillActive.
func (t *Tracker) Delete(ctx context.Context, o Owner, id int64) error {
	_, err := t.change(ctx, o, id, func(tx *db.Tx, _ *live, s *Session) error {
		if s.Active() {
			return refuse(StillActive, "an active session can't be deleted; stop it first")
		}
		return t.remove(tx, s, kindDeleted)
	})
	return err
}

// Discard removes an active session of the owner that began less than an hour ago: the way out of a mistaken start,
// which is too young to be stopped. Errors: NotFound, NotActive, StillActive.
func (t *Tracker) Discard(ctx context.Context, o Owner, id int64) error {
	_, err := t.change(ctx, o, id, func(tx *db.Tx, _ *live, s *Session) error {
		if !s.Active() {
			return refuse(NotActive, "the session has ended; it can be deleted, not discarded")
		}
		if tx.Now.Unix()-s.Start.Unix >= shortest {
			return refuse(StillActive, "only a session younger than one hour can be discarded; stop it first, then delete it")
		}
		return t.remove(tx, s, kindDiscarded)
	})
	return err
}
