package tracker

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// Import takes an export into an account without sessions, all of it or nothing. Every rule that stored sessions keep is
// checked first, and every draw is verified. Sessions keep their ids where these are free; draws stay verifiable either
// way, by the chain's number. Days between the export and now are not judged. Voters may vote once more. An active
// session with games, and the account's chain, need the key that sealed their seeds. Errors: NotEmpty, Validation
// (FieldImport, and the message names the session).
func (t *Tracker) Import(ctx context.Context, o Owner, e *Export) error {
	plan, err := t.checkImport(e)
	if err != nil {
		return err
	}
	return t.db.Do(ctx, func(tx *db.Tx) error {
		if err := isEmpty(tx, o.User); err != nil {
			return err
		}
		var issued int64
		err := tx.QueryRow("select value from counter where name = 'tracker_session'").Scan(&issued)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		for _, p := range plan.sessions {
			if err := t.importSession(tx, o, p, issued); err != nil {
				return err
			}
		}
		if plan.account != nil {
			if err := t.importChain(tx, o.User, 0, plan.account); err != nil {
				return err
			}
			for i := range e.Account.Draws {
				if err := keepDraw(tx, o.User, &e.Account.Draws[i]); err != nil {
					return err
				}
			}
		}
		return importRemoved(tx, o.User, e.Removed)
	})
}

// isEmpty refuses an account that has sessions or draws. A chain that nothing was drawn from gives way.
func isEmpty(tx *db.Tx, user int64) error {
	var n int
	err := tx.QueryRow(`select (select count(*) from tracker_session where user_id = $1) +
		(select count(*) from tracker_chain where user_id = $1 and session_id = 0 and used > 0)`, user).Scan(&n)
	switch {
	case err != nil:
		return err
	case n > 0:
		return refuse(NotEmpty, "the account has sessions or draws; an import needs an empty one")
	}
	return dropAccountChain(tx, user)
}

func dropAccountChain(tx *db.Tx, user int64) error {
	for _, table := range []string{"tracker_chain", "tracker_seeds"} {
		if _, err := tx.Exec("delete from "+table+" where session_id = 0 and user_id = $1", user); err != nil {
			return err
		}
	}
	return nil
}

// importSession stores a checked session under its old id if that is free, else under a new one.
func (t *Tracker) importSession(tx *db.Tx, o Owner, p plannedSession, issued int64) error {
	x := p.ExportSession
	id, err := importID(tx, x.ID, issued)
	if err != nil {
		return err
	}
	s := &Session{ID: id, User: o.User, Start: x.Start, End: x.End, Scheduled: x.Scheduled, Limit: x.Limit, LockedBy: x.LockedBy,
		Notes: x.Notes, Public: x.Public, Inserted: x.Inserted.UTC().Truncate(time.Second), HasHistory: p.history, HasChanges: len(x.Changes) > 0}
	if err := t.addRow(tx, s); err != nil {
		return err
	}
	if err := importEvents(tx, s, x.Events); err != nil {
		return err
	}
	for _, d := range p.days {
		if _, err := tx.Exec(`insert into tracker_day (session_id, game, day, plays, applied_s, reason, at_ms)
			values ($1, $2, $3, $4, $5, $6, $7)`, id, string(d.Game), int64(d.date), d.Plays, d.Penalty, string(d.Reason), d.At.UnixMilli()); err != nil {
			return err
		}
	}
	for _, c := range p.changes {
		c.session = id
		if err := c.insert(tx); err != nil {
			return err
		}
	}
	if p.chain != nil {
		if err := t.importChain(tx, o.User, id, p.chain); err != nil {
			return err
		}
	}
	return t.importGames(tx, o, s, p)
}

// importGames stores the games, and sets the clock of an active session. Days that nobody could play on are left out:
// when some have passed, today is the first.
func (t *Tracker) importGames(tx *db.Tx, o Owner, s *Session, p plannedSession) error {
	l := &live{id: s.ID, user: s.User, active: s.Active(), scheduled: instantOf(s.Scheduled), reached: p.reached, nextDay: p.nextDay}
	if p.chain != nil {
		l.draws = p.chain.Used
	}
	today := int64(wall.DayOf(tx.Now.Unix(), o.Zone))
	late := l.active && l.nextDay.Valid && l.nextDay.Int64 < today
	if late {
		l.nextDay.Int64 = today
	}
	for _, g := range p.games {
		if late {
			g.since = tx.Now.Unix()
		}
		if g.game == LinkGame {
			if err := importLink(tx, s, &g.gameRow); err != nil {
				return err
			}
		}
		if err := g.insert(tx, s.ID, g.since, g.standing); err != nil {
			return err
		}
	}
	return l.store(tx, o.Zone, false)
}

// importLink keeps the vote link if it is free.
func importLink(tx *db.Tx, s *Session, r *gameRow) error {
	if s.Active() {
		if err := addSalt(tx, s.ID); err != nil {
			return err
		}
	}
	if !isToken(r.token) {
		r.token = rand.Text()
		return nil
	}
	var one int
	err := tx.QueryRow("select 1 from tracker_game where token = $1", r.token).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	r.token = rand.Text()
	return err
}

// importID is the old id if it was handed out here and no session has it, else a new one.
func importID(tx *db.Tx, old, issued int64) (int64, error) {
	if old >= 1 && old <= issued {
		var n int
		err := tx.QueryRow("select count(*) from tracker_session where id = $1", old).Scan(&n)
		if err != nil || n == 0 {
			return old, err
		}
	}
	return tx.NextID("tracker_session")
}

func importEvents(tx *db.Tx, s *Session, all []ExportEvent) error {
	for i := range all {
		x := &all[i]
		e := entry{user: s.User, session: s.ID, kind: x.Kind, typ: x.Type, source: x.Source, dom: x.Dom, unit: x.Unit, rolled: x.Rolled, at: x.At}
		if x.Schedule != nil {
			e.schedule = &wall.Moment{Unix: x.Schedule.Unix()}
		}
		if x.Draw != nil {
			text, err := json.Marshal(x.Draw)
			if err != nil {
				return err
			}
			e.draw, e.multi, e.nonce = string(text), &x.Draw.Multi, &x.Draw.Nonce
		}
		if err := e.write(tx); err != nil {
			return err
		}
	}
	return nil
}

// importRemoved keeps what is known of deleted sessions, unless somebody's session has the number.
func importRemoved(tx *db.Tx, user int64, all []ExportEvent) error {
	for _, x := range all {
		var n int
		if err := tx.QueryRow("select count(*) from tracker_session where id = $1", x.Session).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			continue
		}
		if err := (entry{user: user, session: x.Session, kind: x.Kind, at: x.At}).write(tx); err != nil {
			return err
		}
	}
	return nil
}

// importChain stores a checked chain. While another session, or another account, draws from it here it is refused: each
// of the two would show the other's draws beforehand.
func (t *Tracker) importChain(tx *db.Tx, user, session int64, p *plannedChain) error {
	if p.live {
		var n int
		if err := tx.QueryRow("select count(*) from tracker_chain where commitment = $1", p.commitment[:]).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return Invalid(FieldImport, "its draws go on on this server, in the account that it was exported from; remove that account first, or stop the session before the export")
		}
	}
	_, err := tx.Exec(`insert into tracker_chain (user_id, session_id, commitment, client_seed, used, number)
		values ($1, $2, $3, $4, $5, $6)`, user, session, p.commitment[:], p.ClientSeed, p.Used, p.Number)
	if err != nil {
		return err
	}
	return t.addSeeds(tx, user, session, p.seeds)
}

// importPlan is an export that was checked.
type importPlan struct {
	sessions []plannedSession
	account  *plannedChain
}

type plannedSession struct {
	ExportSession
	history bool
	reached int64
	nextDay sql.NullInt64
	games   []storedGame
	days    []plannedDay
	changes []storedChange
	chain   *plannedChain
}

type plannedDay struct {
	ExportDay
	date wall.Date
}

type plannedChain struct {
	ExportChain
	live       bool // draws are still to come
	commitment fair.Seed
	seeds      *fair.Chain
}

// checkImport checks what can be checked without the tables.
func (t *Tracker) checkImport(e *Export) (*importPlan, error) {
	if e == nil {
		return nil, Invalid(FieldImport, "there is nothing to import")
	}
	plan := &importPlan{}
	all := slices.Clone(e.Sessions)
	slices.SortStableFunc(all, func(a, b ExportSession) int { return cmp.Compare(a.Start.Unix, b.Start.Unix) })
	var before *ExportSession
	ids := map[int64]bool{}
	for i := range all {
		x := &all[i]
		p, err := t.checkSession(x)
		if err == nil && before != nil && (before.End == nil || before.End.Unix > x.Start.Unix || before.Start.Unix == x.Start.Unix) {
			err = errors.New("it overlaps the one before it")
		}
		if err == nil && ids[x.ID] {
			err = errors.New("its id stands there twice")
		}
		if err != nil {
			return nil, Invalid(FieldImport, "session %d, from %s: %v", x.ID, stamp(x.Start), err)
		}
		plan.sessions = append(plan.sessions, *p)
		before, ids[x.ID] = x, true
	}
	for _, x := range e.Removed {
		if err := x.check(); err != nil || x.Type != "" || x.Session < 1 {
			return nil, Invalid(FieldImport, "an event of a deleted session is malformed")
		}
	}
	if e.Account != nil {
		var err error
		if plan.account, err = t.checkChain(e.Account, e.Account.Draws, false); err != nil {
			return nil, Invalid(FieldImport, "the account's chain: %v", err)
		}
	}
	return plan, nil
}
