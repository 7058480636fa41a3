package tracker

import (
	"context"
	"database/sql"
	"errors"

	"stint/internal/db"
	"stint/internal/tracker/wall"
)

// Stats is a user's sessions in a few numbers (readings, stats.php).
type Stats struct {
	Active *Session     // nil: none
	Locked int64        // seconds that the active session has lasted
	Total  int64        // seconds of all sessions, the active one up to now
	Since  *wall.Moment // the start of the first session, nil: none
}

// Stats is the owner's.
func (t *Tracker) Stats(ctx context.Context, o Owner) (*Stats, error) {
	s := &Stats{}
	err := t.db.View(ctx, func(tx *db.Tx) error {
		now := tx.Now.Unix()
		var id, total sql.NullInt64
		err := tx.QueryRow(`select max(case when active = 1 then id end), cast(sum(coalesce(end_s, $2) - start_s) as bigint)
			from tracker_session where user_id = $1`, o.User, now).Scan(&id, &total)
		if err != nil {
			return err
		}
		s.Total = max(total.Int64, 0)
		var first wall.Moment
		err = tx.QueryRow("select start_s, start_off from tracker_session where user_id = $1 order by start_s limit 1", o.User).
			Scan(&first.Unix, &first.Offset)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		s.Since = &first
		if id.Valid {
			if s.Active, err = t.one(tx, o, id.Int64); err != nil {
				return err
			}
			s.Locked = max(now-s.Active.Start.Unix, 0)
		}
		return nil
	})
	return s, err
}
