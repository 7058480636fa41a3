package tracker

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// checkSession checks one session of an import by itself.
func (t *Tracker) checkSession(x *ExportSession) (*plannedSession, error) {
	p := &plannedSession{ExportSession: *x}
	if err := checkTimes(x, t.db.Now().Unix()+slack); err != nil {
		return nil, err
	}
	if err := texts(x.LockedBy, x.Notes); err != nil {
		return nil, err
	}
	if err := p.checkGames(); err != nil {
		return nil, err
	}
	var draws []fair.Draw
	for i, e := range x.Events {
		if err := e.check(); err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		p.history = p.history || e.Type != ""
		if e.Draw != nil {
			draws = append(draws, *e.Draw)
		}
	}
	if err := p.checkDays(); err != nil {
		return nil, err
	}
	if err := p.checkChanges(); err != nil {
		return nil, err
	}
	switch {
	case x.Chain != nil:
		var err error
		p.chain, err = t.checkChain(x.Chain, draws, x.End != nil)
		return p, err
	case len(draws) > 0 || len(x.Games) > 0:
		return nil, errors.New("it has games or draws, but no chain")
	}
	return p, nil
}

func checkTimes(x *ExportSession, now int64) error {
	for _, m := range []*wall.Moment{&x.Start, x.End, x.Scheduled, x.Limit} {
		if m != nil && (m.Unix < -62135596800 || m.Unix > lastInstant || max(m.Offset, -m.Offset) > 16*3_600) {
			return errors.New("a time lies outside of the calendar")
		}
	}
	switch {
	case x.Start.Unix > now, x.End != nil && x.End.Unix > now:
		return errors.New("it lies in the future")
	case x.End != nil && x.End.Unix-x.Start.Unix < shortest:
		return errors.New("a session lasts at least one hour")
	case x.Scheduled == nil && x.End == nil && len(x.Games) > 0:
		return errors.New("games need a scheduled end")
	case !sane(x.Inserted):
		return errors.New("a time lies outside of the calendar")
	}
	return nil
}

// sane says whether an instant can be stored.
func sane(at time.Time) bool { return at.Year() >= 1 && at.Year() <= 9999 }

func (p *plannedSession) checkGames() error {
	seen := Settings{}
	for _, x := range p.Games {
		rows := rowsOf(x.Settings)
		if len(rows) != 1 {
			return errors.New("an entry of games holds the settings of one game")
		}
		if err := x.Settings.Check(); err != nil {
			return err
		}
		g := storedGame{gameRow: rows[0], since: x.Since.Unix()}
		if slices.ContainsFunc(rowsOf(seen), func(r gameRow) bool { return r.game == g.game }) {
			return fmt.Errorf("%s stands there twice", g.game)
		}
		g.settings(&seen)
		g.token = x.Token
		g.plays, g.dayPlays, g.last = x.Plays, x.DayPlays, x.Last
		if g.plays < 0 || g.dayPlays < 0 || g.dayPlays > g.plays || !sane(x.Since) || !x.Last.IsZero() && !sane(x.Last) {
			return fmt.Errorf("%s: its counts or times can't be", g.game)
		}
		if x.Day != "" {
			day, err := wall.ParseDate(x.Day)
			if err != nil {
				return err
			}
			g.day = day
		}
		p.games = append(p.games, g)
	}
	if p.Reached != nil {
		p.reached = p.Reached.Unix()
	}
	if p.NextDay != "" {
		day, err := wall.ParseDate(p.NextDay)
		if err != nil {
			return err
		}
		p.nextDay = sql.NullInt64{Int64: int64(day), Valid: true}
	}
	return nil
}

func (x *ExportEvent) check() error {
	kinds := []string{kindStarted, kindChanged, kindStopped, kindDiscarded, kindDeleted, kindPlay, kindVote, kindPenalty, kindReached, kindGames}
	err := first(oneOf("kind", x.Kind, kinds...), oneOf(FieldType, x.Type, TypeStart, TypeAdd, TypeSub),
		oneOf(FieldSource, x.Source, SourceDice, SourceLink, SourceLuck, SourceManual, SourcePenalty, SourceDom))
	switch {
	case err != nil:
		return err
	case x.Kind == "" || !sane(x.At) || x.Schedule != nil && !sane(*x.Schedule):
		return errors.New("it has no kind, or a time outside of the calendar")
	}
	return nil
}

func (p *plannedSession) checkDays() error {
	seen := map[string]bool{}
	for _, d := range p.Days {
		date, err := wall.ParseDate(d.Date)
		if err != nil {
			return err
		}
		key := string(d.Game) + d.Date
		if seen[key] || !slices.Contains(Games, d.Game) || !sane(d.At) || d.Plays < 0 ||
			!slices.Contains([]Reason{DayEnough, DayMissed, DayFirst, DayReached, DayDown}, d.Reason) {
			return fmt.Errorf("the day %s is malformed or stands there twice", d.Date)
		}
		seen[key] = true
		p.days = append(p.days, plannedDay{d, date})
	}
	return nil
}

func (p *plannedSession) checkChanges() error {
	for _, c := range p.Changes {
		stored := storedChange{game: c.Game, action: c.Action, at: c.At.UnixMilli()}
		if c.Action == "" || oneOf(FieldAction, c.Action, ActionInsert, ActionUpdate, ActionDelete) != nil || !sane(c.At) {
			return errors.New("a change of games is malformed")
		}
		for _, side := range []struct {
			from *Settings
			into *any
		}{{c.Before, &stored.before}, {c.After, &stored.after}} {
			if side.from == nil {
				continue
			}
			rows := rowsOf(*side.from)
			if len(rows) != 1 || rows[0].game != c.Game {
				return errors.New("a change holds the settings of its one game")
			}
			*side.into = rows[0].text()
		}
		p.changes = append(p.changes, stored)
	}
	return nil
}

// checkChain opens a chain's seeds and verifies all its draws.
func (t *Tracker) checkChain(x *ExportChain, draws []fair.Draw, ended bool) (*plannedChain, error) {
	doc := fair.Document{Scheme: fair.Scheme, Session: x.Number, Commitment: x.Commitment, Length: fair.Length, Tip: x.Tip, Draws: draws}
	if err := doc.Verify(); err != nil {
		return nil, err
	}
	if err := fair.CheckClientSeed(x.ClientSeed); err != nil {
		return nil, err
	}
	last := 0
	for _, d := range draws {
		last = max(last, d.Nonce)
	}
	if x.Used < last || x.Used > fair.Length || x.Number < 0 {
		return nil, errors.New("its numbers can't be")
	}
	commitment, err := fair.ParseSeed(x.Commitment)
	if err != nil {
		return nil, err
	}
	p := &plannedChain{ExportChain: *x, live: !ended, commitment: commitment}
	if ended {
		tip, err := fair.ParseSeed(x.Tip)
		if err != nil {
			return nil, fmt.Errorf("its tip: %w", err)
		}
		p.seeds, _ = fair.NewChain(tip, fair.Length)
		return p, nil
	}
	marks, err := t.keys.Open(x.Sealed, whereExported(x.Commitment))
	if err != nil {
		return nil, fmt.Errorf("its seeds can't be opened; this server needs the key they were sealed with, or the session must be stopped before the export: %w", err)
	}
	if p.seeds, err = fair.ParseChain(marks, fair.Length); err != nil {
		return nil, err
	}
	if p.seeds.Seed(1).Prev() != commitment {
		return nil, errors.New("its seeds don't lead to the commitment")
	}
	return p, nil
}
