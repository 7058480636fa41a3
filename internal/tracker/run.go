package tracker

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"stint/internal/db"
)

const (
	beat     = time.Minute // how often a server notes that it runs
	missed   = 3           // so many beats of silence are no downtime yet
	upKept   = 400 * 24 * time.Hour
	dueBatch = 64 // sessions that are settled in one write
)

// Run keeps the clock until ctx ends: it notes that the server runs, judges days at their owners' midnights, and notices
// schedules that are reached. Any number of processes may run it on one database; each thing is done once, by whoever
// writes first. What could not be done is reported and tried again. A zone that changes holds from the next midnight
// by the old one.
func (t *Tracker) Run(ctx context.Context) error {
	var heard uint64
	for {
		wait, err := t.tick(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if errors.Is(err, db.ErrClosed) {
				return err
			}
			t.report(err)
		}
		waiting, cancel := context.WithTimeout(ctx, wait)
		heard, err = t.db.Wait(waiting, topicDue, heard)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
}

// tick does what is due by now and returns how long nothing else is.
func (t *Tracker) tick(ctx context.Context) (time.Duration, error) {
	var now time.Time
	err := t.db.Do(ctx, func(tx *db.Tx) error {
		now = tx.Now
		if err := dropAnswers(tx); err != nil {
			return err
		}
		return noteUp(tx, t.gap())
	})
	if err != nil {
		return time.Second, err
	}
	var after dueSession
	for {
		batch, err := t.dueSessions(ctx, now, after)
		if err != nil {
			return time.Second, err
		}
		if len(batch) == 0 {
			break
		}
		if err := t.settleAll(ctx, batch); err != nil {
			for _, one := range batch {
				if err := t.settleAll(ctx, []dueSession{one}); err != nil {
					t.report(err)
				}
			}
		}
		after = batch[len(batch)-1]
	}
	next := t.beat
	err = t.db.View(ctx, func(tx *db.Tx) error {
		var due sql.NullInt64
		if err := tx.QueryRow("select min(due_s) from tracker_session where due_s > $1", now.Unix()).Scan(&due); err != nil {
			return err
		}
		if due.Valid {
			next = min(next, time.UnixMilli(due.Int64*1000).Sub(tx.Now))
		}
		return nil
	})
	return max(next, 0), err
}

// gap is the longest silence between two notes that is no downtime, in milliseconds.
func (t *Tracker) gap() int64 { return missed * t.beat.Milliseconds() }

// noteUp lengthens the present stretch of up-time, or begins one after a silence. All servers of a database share it.
func noteUp(tx *db.Tx, gap int64) error {
	now := tx.Now.UnixMilli()
	n, err := tx.Exec(`update tracker_up set until_ms = $1 where since_ms = (select max(since_ms) from tracker_up)
		and until_ms >= $2 and until_ms <= $1`, now, now-gap)
	if err != nil || n > 0 {
		return err
	}
	if _, err := tx.Exec("delete from tracker_up where until_ms < $1", now-upKept.Milliseconds()); err != nil {
		return err
	}
	_, err = tx.Exec(`insert into tracker_up (since_ms, until_ms)
		select $1, $2 where not exists (select 1 from tracker_up where until_ms >= $1)`, now, now)
	return err
}

// dueSession is a session that the clock owes something.
type dueSession struct{ due, id int64 }

func (t *Tracker) dueSessions(ctx context.Context, now time.Time, after dueSession) ([]dueSession, error) {
	var batch []dueSession
	err := t.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`select due_s, id from tracker_session where due_s <= $1 and (due_s, id) > ($2, $3)
			order by due_s, id limit cast($4 as bigint)`, now.Unix(), after.due, after.id, dueBatch)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var d dueSession
			if err := rows.Scan(&d.due, &d.id); err != nil {
				return err
			}
			batch = append(batch, d)
		}
		return rows.Err()
	})
	return batch, err
}

func (t *Tracker) settleAll(ctx context.Context, batch []dueSession) error {
	return t.db.Do(ctx, func(tx *db.Tx) error {
		for _, d := range batch {
			l, err := readLive(tx, d.id)
			if err != nil {
				return err
			}
			if l == nil {
				continue
			}
			zone, err := t.zone(tx, l.user)
			if err != nil {
				return err
			}
			if err := t.settle(tx, l, zone); err != nil {
				return err
			}
		}
		return nil
	})
}
