package tracker

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// Export is everything that the tracker keeps of one owner, private texts readable. Import takes it back. Left out are
// links to keyholders, which are agreed between two people; who voted, of which only keyed hashes exist; and answers kept
// for repeated requests.
type Export struct {
	Sessions []ExportSession `json:"sessions"`          // start ascending
	Account  *ExportChain    `json:"account,omitempty"` // of drawn ends
	Removed  []ExportEvent   `json:"removed,omitempty"` // what is known of deleted sessions
}

// ExportSession is one session.
type ExportSession struct {
	ID        int64          `json:"id"`
	Start     wall.Moment    `json:"start"`
	End       *wall.Moment   `json:"end"` // null: active
	Scheduled *wall.Moment   `json:"scheduledend"`
	Limit     *wall.Moment   `json:"limitend,omitempty"`
	Public    bool           `json:"public"`
	LockedBy  *string        `json:"lockedby"`
	Notes     *string        `json:"notes"`
	Inserted  time.Time      `json:"inserted"`
	Reached   *time.Time     `json:"reached,omitempty"` // the last scheduled end that was reached
	NextDay   string         `json:"nextday,omitempty"` // the local day that is judged next
	Games     []ExportGame   `json:"games,omitempty"`
	Events    []ExportEvent  `json:"events"` // oldest first; those with a type are the history
	Days      []ExportDay    `json:"days,omitempty"`
	Changes   []ExportChange `json:"changes,omitempty"` // oldest first
	Chain     *ExportChain   `json:"chain,omitempty"`
}

// ExportGame is a game and how it stands. Plays of the link are its votes.
type ExportGame struct {
	Settings
	Token    string    `json:"token,omitempty"` // of the vote link
	Since    time.Time `json:"since"`           // from when its penalty holds
	Plays    int       `json:"plays"`
	Day      string    `json:"day,omitempty"` // of DayPlays
	DayPlays int       `json:"dayplays"`
	Last     time.Time `json:"last,omitzero"`
}

// ExportEvent is one event.
type ExportEvent struct {
	Session  int64      `json:"session,omitempty"` // of Removed
	Kind     string     `json:"kind"`
	At       time.Time  `json:"at"`
	Type     string     `json:"type,omitempty"`
	Source   string     `json:"source,omitempty"`
	Dom      bool       `json:"dom,omitempty"`
	Unit     *int64     `json:"unit,omitempty"`
	Rolled   *int64     `json:"rolled,omitempty"`
	Schedule *time.Time `json:"schedule,omitempty"`
	Draw     *fair.Draw `json:"draw,omitempty"`
}

// ExportDay is what a midnight found.
type ExportDay struct {
	Game    Game      `json:"game"`
	Date    string    `json:"date"`
	Plays   int       `json:"plays"`
	Penalty int64     `json:"penalty"` // seconds
	Reason  Reason    `json:"reason"`
	At      time.Time `json:"at"` // when it was judged
}

// ExportChange is a change of a game's settings by a keyholder.
type ExportChange struct {
	Game   Game      `json:"game"`
	Action string    `json:"action"`
	At     time.Time `json:"at"`
	By     int64     `json:"-"`                  // a user's id, which means nothing elsewhere
	Nick   string    `json:"dom_nick,omitempty"` // their name, for whoever reads it; an import leaves it out
	Before *Settings `json:"before,omitempty"`
	After  *Settings `json:"after,omitempty"`
}

// ExportChain is the chain of a session's draws, or of the account's. Of an ended session everything is known by its
// Tip; else the seeds to come are Sealed with the server's key, so that they stay unknown to everybody.
type ExportChain struct {
	Number     int64       `json:"number"`
	Commitment string      `json:"commitment"`
	ClientSeed string      `json:"clientseed"`
	Used       int         `json:"used"`
	Tip        string      `json:"tip,omitempty"`
	Sealed     []byte      `json:"sealed,omitempty"`
	Draws      []fair.Draw `json:"draws,omitempty"` // of the account's chain; a session's stand with its events
}

// Export reads everything of the owner.
func (t *Tracker) Export(ctx context.Context, o Owner) (*Export, error) {
	e := &Export{Sessions: []ExportSession{}}
	err := t.db.View(ctx, func(tx *db.Tx) error {
		all, err := t.everySession(tx, o.User)
		if err != nil {
			return err
		}
		for _, s := range all {
			x, err := t.exportSession(tx, s)
			if err != nil {
				return err
			}
			e.Sessions = append(e.Sessions, *x)
		}
		if e.Account, err = t.exportAccount(tx, o.User); err != nil {
			return err
		}
		e.Removed, err = exportEvents(tx, true, "user_id = $1 and not exists (select 1 from tracker_session s where s.id = l.session_id)", o.User)
		return err
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

func (t *Tracker) everySession(tx *db.Tx, user int64) ([]*Session, error) {
	rows, err := tx.Query("select "+sessionColumns+" from tracker_session where user_id = $1 order by start_s", user)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*Session
	for rows.Next() {
		s, err := t.scanSession(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

func (t *Tracker) exportSession(tx *db.Tx, s *Session) (*ExportSession, error) {
	x := &ExportSession{ID: s.ID, Start: s.Start, End: s.End, Scheduled: s.Scheduled, Limit: s.Limit, Public: s.Public,
		LockedBy: s.LockedBy, Notes: s.Notes, Inserted: s.Inserted}
	l, err := readLive(tx, s.ID)
	if err != nil {
		return nil, err
	}
	if l.reached != 0 {
		x.Reached = new(time.Unix(l.reached, 0).UTC())
	}
	if l.nextDay.Valid {
		x.NextDay = wall.Date(l.nextDay.Int64).String()
	}
	games, err := readGames(tx, s.ID)
	if err != nil {
		return nil, err
	}
	for _, g := range games {
		x.Games = append(x.Games, exportGame(g))
	}
	if x.Events, err = exportEvents(tx, false, "user_id = $1 and session_id = $2", s.User, s.ID); err != nil {
		return nil, err
	}
	if x.Days, err = exportDays(tx, s.ID); err != nil {
		return nil, err
	}
	if x.Changes, err = exportChanges(tx, s.ID); err != nil {
		return nil, err
	}
	x.Chain, err = t.exportChain(tx, s.User, s.ID, !s.Active())
	return x, err
}

func exportGame(g storedGame) ExportGame {
	x := ExportGame{Settings: *g.only(), Token: g.token, Since: time.Unix(g.since, 0).UTC(), Plays: g.plays, DayPlays: g.dayPlays, Last: g.last}
	if g.plays > 0 {
		x.Day = g.day.String()
	}
	return x
}

func exportEvents(tx *db.Tx, named bool, where string, of ...any) ([]ExportEvent, error) {
	rows, err := tx.Query("select session_id, kind, at_ms, type, source, dom, unit_s, rolled_s, schedule_s, draw from tracker_log l where "+where+" order by id", of...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []ExportEvent{}
	for rows.Next() {
		var e ExportEvent
		var at int64
		var typ, source sql.NullString
		var schedule *int64
		var draw []byte
		if err := rows.Scan(&e.Session, &e.Kind, &at, &typ, &source, &e.Dom, &e.Unit, &e.Rolled, &schedule, &draw); err != nil {
			return nil, err
		}
		if !named {
			e.Session = 0
		}
		e.At, e.Type, e.Source = time.UnixMilli(at).UTC(), typ.String, source.String
		if schedule != nil {
			e.Schedule = new(time.Unix(*schedule, 0).UTC())
		}
		if draw != nil {
			e.Draw = &fair.Draw{}
			if err := json.Unmarshal(draw, e.Draw); err != nil {
				return nil, err
			}
		}
		all = append(all, e)
	}
	return all, rows.Err()
}

func exportDays(tx *db.Tx, session int64) ([]ExportDay, error) {
	rows, err := tx.Query("select game, day, plays, applied_s, reason, at_ms from tracker_day where session_id = $1 order by day, game", session)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []ExportDay
	for rows.Next() {
		var d ExportDay
		var date wall.Date
		var at int64
		if err := rows.Scan(&d.Game, &date, &d.Plays, &d.Penalty, &d.Reason, &at); err != nil {
			return nil, err
		}
		d.Date, d.At = date.String(), time.UnixMilli(at).UTC()
		all = append(all, d)
	}
	return all, rows.Err()
}

func exportChanges(tx *db.Tx, session int64) ([]ExportChange, error) {
	rows, err := tx.Query("select id, session_id, game, action, at_ms, by_user, before, after from tracker_change where session_id = $1 order by id", session)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []ExportChange
	for rows.Next() {
		c, _, err := scanChange(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, ExportChange{Game: c.Game, Action: c.Action, At: c.Happened, By: c.By, Before: c.Before, After: c.After})
	}
	return all, rows.Err()
}

// whereExported names the place of a chain's seeds in an export.
func whereExported(commitment string) string { return "export/chain/" + commitment }

func (t *Tracker) exportChain(tx *db.Tx, user, session int64, ended bool) (*ExportChain, error) {
	c, err := readChain(tx, user, session)
	if errors.Is(err, errNoChain) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	seeds, err := t.seeds(tx, c)
	if err != nil {
		return nil, err
	}
	f := c.fairness()
	x := &ExportChain{Number: f.Number, Commitment: f.Commitment, ClientSeed: f.ClientSeed, Used: f.Used}
	if ended {
		x.Tip = seeds.Tip().String()
	} else {
		x.Sealed = t.keys.Seal(seeds.Bytes(), whereExported(f.Commitment))
	}
	return x, nil
}

// exportAccount is the account's chain with its draws.
func (t *Tracker) exportAccount(tx *db.Tx, user int64) (*ExportChain, error) {
	x, err := t.exportChain(tx, user, 0, false)
	if err != nil || x == nil {
		return nil, err
	}
	x.Draws, err = readDraws(tx, user, 0)
	return x, err
}
