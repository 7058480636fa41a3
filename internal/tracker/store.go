package tracker

import (
	"database/sql"
	"errors"
	"fmt"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// sessionColumns is what scanSession reads.
const sessionColumns = `id, user_id, start_s, start_off, end_s, end_off, scheduled_s, scheduled_off, limit_s, limit_off,
	public, lockedby, notes, inserted_s, has_history, has_changes`

// quarterLength is the stretch of time that a row of tracker_tally counts, in seconds: long, because a total adds rows up,
// and short, because a page far down is looked for inside one.
const quarterLength = 90 * 86_400

func quarterOf(unix int64) int64 {
	q := unix / quarterLength
	if unix%quarterLength < 0 {
		q--
	}
	return q
}

// last is the last session of the user that starts before an instant, nil if there is none.
func last(tx *db.Tx, user, before int64) (*neighbour, error) {
	var n neighbour
	var end, off sql.NullInt64
	err := tx.QueryRow(`select id, start_s, start_off, end_s, end_off from tracker_session
		where user_id = $1 and start_s < $2 order by start_s desc limit 1`, user, before).
		Scan(&n.id, &n.start.Unix, &n.start.Offset, &end, &off)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	n.end = moment(end, off)
	return &n, err
}

// forever lies after every session.
const forever = 1 << 60

// insert stores a draft that has ended, if it fits.
func (t *Tracker) insert(tx *db.Tx, o Owner, d *draft) (*Session, error) {
	n, err := last(tx, o.User, d.end.Unix)
	if err != nil {
		return nil, err
	}
	if err := fits(n, d.start, false); err != nil {
		return nil, err
	}
	return t.add(tx, o, d)
}

// start stores a draft that goes on, if it fits, with its games, the chain for their draws, and its first log row.
func (t *Tracker) start(tx *db.Tx, o Owner, d *draft, c *newChain) (*Session, error) {
	n, err := last(tx, o.User, forever)
	if err != nil {
		return nil, err
	}
	if err := fits(n, d.start, true); err != nil {
		return nil, err
	}
	var drawn *fair.Draw
	if d.maxEnd {
		if drawn, err = t.drawMaxEnd(tx, o, d); err != nil {
			return nil, err
		}
		end := wall.At(drawn.End, o.Zone)
		d.scheduled = &end
	}
	s, err := t.add(tx, o, d)
	if err != nil {
		return nil, err
	}
	s.Drawn = drawn
	e := entry{user: s.User, session: s.ID, kind: kindStarted, schedule: s.Scheduled}
	if d.scheduled != nil {
		l := &live{id: s.ID, user: s.User, active: true, scheduled: instantOf(s.Scheduled)}
		l.judgeFrom(d.Settings, tx.Now, o.Zone)
		if err := l.store(tx, o.Zone, false); err != nil {
			return nil, err
		}
	}
	if d.Any() {
		e.typ = TypeStart
		if s.Play, err = addGames(tx, s.ID, d.Settings); err != nil {
			return nil, err
		}
		if err := t.addChain(tx, s.User, s.ID, c); err != nil {
			return nil, err
		}
	}
	return s, e.write(tx)
}

// add stores a draft as a session with a new id.
func (t *Tracker) add(tx *db.Tx, o Owner, d *draft) (*Session, error) {
	id, err := tx.NextID("tracker_session")
	if err != nil {
		return nil, err
	}
	s := &Session{ID: id, User: o.User, Start: d.start, End: d.end, Scheduled: d.scheduled, Limit: d.limit,
		LockedBy: d.lockedBy, Notes: d.notes, Public: d.public, Inserted: tx.Now.Truncate(time.Second), HasHistory: d.Any()}
	return s, t.addRow(tx, s)
}

// addRow writes a session's row and counts it.
func (t *Tracker) addRow(tx *db.Tx, s *Session) error {
	endS, endOff := columns(s.End)
	schedS, schedOff := columns(s.Scheduled)
	limitS, limitOff := columns(s.Limit)
	_, err := tx.Exec(`insert into tracker_session (id, user_id, start_s, start_off, end_s, end_off, scheduled_s, scheduled_off,
		limit_s, limit_off, active, public, lockedby, notes, inserted_s, has_history, has_changes, draws, setting)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 0, $18)`,
		s.ID, s.User, s.Start.Unix, s.Start.Offset, endS, endOff, schedS, schedOff, limitS, limitOff, flag(s.Active()),
		flag(s.Public), t.sealed(s.LockedBy, s.ID, "lockedby"), t.sealed(s.Notes, s.ID, "notes"), s.Inserted.Unix(),
		flag(s.HasHistory), flag(s.HasChanges), newState())
	if err != nil {
		return err
	}
	return count(tx, s, 1, flag(s.Public))
}

// count adds to the kept counts of the session's quarter.
func count(tx *db.Tx, s *Session, n, public int) error {
	_, err := tx.Exec(`insert into tracker_tally (user_id, quarter, n, public) values ($1, $2, $3, $4)
		on conflict (user_id, quarter) do update set n = tracker_tally.n + $3, public = tracker_tally.public + $4`,
		s.User, quarterOf(s.Start.Unix), n, public)
	return err
}

// one is a session of the owner.
func (t *Tracker) one(tx *db.Tx, o Owner, id int64) (*Session, error) {
	s, err := t.row(tx, o, id)
	if err != nil || !s.Active() {
		return s, err
	}
	s.Play, err = games(tx, o.Zone, s.ID)
	return s, err
}

// edit writes a checked change, and what it means for the history and the log.
func (t *Tracker) edit(tx *db.Tx, s *Session, e *edit) error {
	if e.public != nil && *e.public != s.Public {
		if err := count(tx, s, 0, 2*flag(*e.public)-1); err != nil {
			return err
		}
		s.Public = *e.public
	}
	if e.lockedBy.Set {
		s.LockedBy = e.lockedBy.To
	}
	if e.notes.Set {
		s.Notes = e.notes.To
	}
	var rows []entry
	switch {
	case e.reschedule:
		rows = append(rows, rescheduled(s, e.scheduled, e.dom))
		s.Scheduled = e.scheduled
		s.HasHistory = s.HasHistory || rows[0].typ != ""
	case e.public != nil || e.lockedBy.Set || e.notes.Set:
		rows = append(rows, entry{user: s.User, session: s.ID, kind: kindChanged, schedule: s.Scheduled})
	}
	if e.end != nil {
		rows = append(rows, entry{user: s.User, session: s.ID, kind: kindStopped, schedule: s.Scheduled})
		s.End, s.Play = e.end, nil
	}
	for _, row := range rows {
		if err := row.write(tx); err != nil {
			return err
		}
	}
	return t.update(tx, s)
}

func (t *Tracker) update(tx *db.Tx, s *Session) error {
	endS, endOff := columns(s.End)
	schedS, schedOff := columns(s.Scheduled)
	_, err := tx.Exec(`update tracker_session set end_s = $2, end_off = $3, scheduled_s = $4, scheduled_off = $5, active = $6,
		public = $7, lockedby = $8, notes = $9, has_history = $10,
		salt = case when $6 = 1 then salt else null end where id = $1`,
		s.ID, endS, endOff, schedS, schedOff, flag(s.Active()), flag(s.Public), t.sealed(s.LockedBy, s.ID, "lockedby"),
		t.sealed(s.Notes, s.ID, "notes"), flag(s.HasHistory))
	return err
}

// ofSession is the tables whose rows belong to one session, beside the log.
var ofSession = []string{"tracker_game", "tracker_chain", "tracker_seeds", "tracker_vote", "tracker_day", "tracker_change"}

// remove takes the session away with everything that belongs to it; the log keeps one row that says so.
func (t *Tracker) remove(tx *db.Tx, s *Session, kind string) error {
	for _, table := range ofSession {
		if _, err := tx.Exec("delete from "+table+" where session_id = $1", s.ID); err != nil {
			return err
		}
	}
	if _, err := tx.Exec("delete from tracker_log where user_id = $1 and session_id = $2", s.User, s.ID); err != nil {
		return err
	}
	if _, err := tx.Exec("delete from tracker_session where id = $1", s.ID); err != nil {
		return err
	}
	if err := count(tx, s, -1, -flag(s.Public)); err != nil {
		return err
	}
	if _, err := tx.Exec("delete from tracker_tally where user_id = $1 and quarter = $2 and n = 0", s.User, quarterOf(s.Start.Unix)); err != nil {
		return err
	}
	return entry{user: s.User, session: s.ID, kind: kind}.write(tx)
}

// Erase removes everything the user has, inside the caller's transaction.
func Erase(tx *db.Tx, user int64) error {
	for _, table := range ofSession {
		if _, err := tx.Exec("delete from "+table+" where session_id in (select id from tracker_session where user_id = $1)", user); err != nil {
			return err
		}
	}
	if err := dropAccountChain(tx, user); err != nil {
		return err
	}
	for _, table := range []string{"tracker_session", "tracker_tally", "tracker_log", "tracker_draw"} {
		if _, err := tx.Exec("delete from "+table+" where user_id = $1", user); err != nil {
			return err
		}
	}
	for _, rows := range []string{"tracker_keyholder where owner_id = $1 or keyholder_id = $1", "tracker_once where user_id = $1 or about_id = $1"} {
		if _, err := tx.Exec("delete from "+rows, user); err != nil {
			return err
		}
	}
	_, err := tx.Exec("update tracker_change set by_user = 0 where by_user = $1", user)
	return err
}

type row interface{ Scan(into ...any) error }

func (t *Tracker) scanSession(r row) (*Session, error) {
	s := &Session{}
	var end, endOff, sched, schedOff, limit, limitOff sql.NullInt64
	var public, history, changes int
	var inserted int64
	var lockedBy, notes []byte
	err := r.Scan(&s.ID, &s.User, &s.Start.Unix, &s.Start.Offset, &end, &endOff, &sched, &schedOff, &limit, &limitOff,
		&public, &lockedBy, &notes, &inserted, &history, &changes)
	if err != nil {
		return nil, err
	}
	s.End, s.Scheduled, s.Limit = moment(end, endOff), moment(sched, schedOff), moment(limit, limitOff)
	s.Public, s.HasHistory, s.HasChanges = public == 1, history == 1, changes == 1
	s.Inserted = time.Unix(inserted, 0).UTC()
	if s.LockedBy, err = t.opened(lockedBy, s.ID, "lockedby"); err != nil {
		return nil, err
	}
	s.Notes, err = t.opened(notes, s.ID, "notes")
	return s, err
}

// where names the place of a sealed text.
func where(id int64, column string) string { return fmt.Sprintf("tracker_session/%d/%s", id, column) }

func (t *Tracker) sealed(text *string, id int64, column string) any {
	if text == nil {
		return nil
	}
	return t.keys.Seal([]byte(*text), where(id, column))
}

func (t *Tracker) opened(sealed []byte, id int64, column string) (*string, error) {
	if sealed == nil {
		return nil, nil
	}
	b, err := t.keys.Open(sealed, where(id, column))
	if err != nil {
		return nil, err
	}
	text := string(b)
	return &text, nil
}

func moment(unix, off sql.NullInt64) *wall.Moment {
	if !unix.Valid {
		return nil
	}
	return &wall.Moment{Unix: unix.Int64, Offset: int(off.Int64)}
}

func columns(m *wall.Moment) (unix, off any) {
	if m == nil {
		return nil, nil
	}
	return m.Unix, m.Offset
}

func instantOf(m *wall.Moment) sql.NullInt64 {
	if m == nil {
		return sql.NullInt64{}
	}
	return sql.NullInt64{Int64: m.Unix, Valid: true}
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
