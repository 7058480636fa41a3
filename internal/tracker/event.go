package tracker

import (
	"context"
	"database/sql"
	"time"

	"stint/internal/db"
)

// Event is one thing that happened in somebody's sessions. Kind is started, changed, stopped, discarded, deleted, play,
// vote, penalty, reached, or games (a keyholder changed the settings); the rest is set where it means something.
type Event struct {
	ID        int64 // rises with every event of anybody
	User      int64 // whose session it is
	Session   int64
	Kind      string
	At        time.Time // UTC, milliseconds
	Type      string    // START, ADD, SUB: the event is in the session's history
	Source    string
	Dom       bool       // by a keyholder
	Unit      *int64     // seconds that the scheduled end moved
	Rolled    *int64     // seconds that were drawn, or a penalty's
	Scheduled *time.Time // UTC, the scheduled end from then on
	Multi     *Multi
	Nonce     *int
}

const eventColumns = "id, user_id, session_id, kind, at_ms, type, source, dom, unit_s, rolled_s, schedule_s, multi, nonce"

func scanEvent(r row) (*Event, error) {
	e := &Event{}
	var at int64
	var typ, source sql.NullString
	var scheduled *int64
	if err := r.Scan(&e.ID, &e.User, &e.Session, &e.Kind, &at, &typ, &source, &e.Dom, &e.Unit, &e.Rolled, &scheduled, &e.Multi, &e.Nonce); err != nil {
		return nil, err
	}
	e.At, e.Type, e.Source = time.UnixMilli(at).UTC(), typ.String, source.String
	if scheduled != nil {
		e.Scheduled = new(time.Unix(*scheduled, 0).UTC())
	}
	return e, nil
}

// Events of one user are picked out of everybody's where these are few, else found by the user's own.
const (
	nearEvents = 5_000
	eventsNear = "select " + eventColumns + " from tracker_log where user_id + 0 = $3 and id > $1 order by id limit cast($2 as bigint)"
	eventsFar  = "select " + eventColumns + ` from tracker_log where id in
		(select id from tracker_log where user_id = $3 and id + 0 > $1 order by id + 0 limit cast($2 as bigint)) order by id`
)

// Events is what happened after an event in a user's sessions, or with user 0 in everybody's, oldest first, at most
// limit. Ids rise in the order in which events can be seen, so nothing is missed.
func (t *Tracker) Events(ctx context.Context, user, after int64, limit int) ([]Event, error) {
	all := []Event{}
	err := t.db.View(ctx, func(tx *db.Tx) error {
		query, args := "select "+eventColumns+" from tracker_log where id > $1 order by id limit cast($2 as bigint)", []any{after, limit}
		if user != 0 {
			var last int64
			if err := tx.QueryRow("select coalesce(max(id), 0) from tracker_log").Scan(&last); err != nil {
				return err
			}
			query, args = eventsNear, append(args, user)
			if last-after > nearEvents {
				query = eventsFar
			}
		}
		rows, err := tx.Query(query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scanEvent(rows)
			if err != nil {
				return err
			}
			all = append(all, *e)
		}
		return rows.Err()
	})
	return all, err
}

// LastEvent is the id of the newest event of anybody, 0 before the first.
func (t *Tracker) LastEvent(ctx context.Context) (id int64, err error) {
	err = t.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select coalesce(max(id), 0) from tracker_log").Scan(&id)
	})
	return id, err
}

// Wait returns as soon as there may be new events since the call that returned heard; the first call passes 0.
func (t *Tracker) Wait(ctx context.Context, heard uint64) (uint64, error) {
	return t.db.Wait(ctx, Topic, heard)
}
