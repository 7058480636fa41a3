package tracker

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// PlayRequest is a play of a game by the session's owner, or with Dom by a linked keyholder. Choice is for the link
// game, which only a keyholder plays so; the public votes.
type PlayRequest struct {
	Session int64
	Game    Game
	Dom     bool
	Choice  Choice
}

// Move is what a play did.
type Move struct {
	Session   int64
	Game      Game
	Dom       bool
	Source    string      // DICE, LINK, LUCK; PENALTY for an owner's own vote
	Operation string      // ADD or SUB
	Seconds   int64       // as drawn
	Applied   int64       // as the scheduled end moved
	Scheduled wall.Moment // after the play
	Multi     Multi
	Draw      *fair.Draw
	Next      time.Time // when the same player can play this game again; zero: at once, or never for a vote

	owner int64
}

// Play plays a game once: check, draw, move, history and proof are one write. The plays of owner and keyholder share
// one wait and one daily limit. Errors: NotFound, NotLinked (a keyholder's unknown session, too), NotActive,
// ScheduleReached, GameDisabled, Cooldown, DailyLimit, AlreadyVoted, DrawsUsedUp, Validation, IdempotencyConflict, and
// *Replayed.
func (t *Tracker) Play(ctx context.Context, o Owner, r PlayRequest, once *Once) (*Move, error) {
	if !slices.Contains(Games, r.Game) {
		return nil, Invalid(FieldGame, "the game is one of dice, link, luck")
	}
	if r.Game == LinkGame && !r.Dom {
		return nil, Invalid(FieldToken, "the link game is played with the link's token")
	}
	return do(ctx, t, o.User, once, func(tx *db.Tx) (*Move, error) {
		g, zone, err := t.seat(tx, o, r)
		if err != nil {
			return nil, err
		}
		if r.Game == LinkGame {
			return t.vote(tx, g, Voter{Account: o.User}, r.Choice, true, zone)
		}
		return t.roll(tx, g, r.Dom, zone)
	})
}

// seat is the table of a game that the caller may play, settled and open for plays.
func (t *Tracker) seat(tx *db.Tx, o Owner, r PlayRequest) (*table, *time.Location, error) {
	g, err := t.readTable(tx, r.Session, r.Game)
	if err != nil {
		return nil, nil, err
	}
	var l *live
	if g != nil {
		l = &g.live
	} else if l, err = readLive(tx, r.Session); err != nil {
		return nil, nil, err
	}
	zone := o.Zone
	if r.Dom {
		zone, err = t.mayHold(tx, l, o.User)
	} else if l == nil || l.user != o.User {
		err = errNotFound()
	}
	if err != nil {
		return nil, nil, err
	}
	return g, zone, t.openFor(tx, l, g, zone)
}

// openFor settles the session and refuses plays that can't be.
func (t *Tracker) openFor(tx *db.Tx, l *live, g *table, zone *time.Location) error {
	if err := t.settle(tx, l, zone); err != nil {
		return err
	}
	switch {
	case !l.active:
		return refuse(NotActive, "the session has ended")
	case l.isReached(tx.Now.Unix()):
		return refuse(ScheduleReached, "the scheduled end is reached; plays and votes have stopped")
	case g == nil:
		return refuse(GameDisabled, "this game is not on in the session")
	}
	return nil
}

// roll plays dice or luck.
func (t *Tracker) roll(tx *db.Tx, g *table, dom bool, zone *time.Location) (*Move, error) {
	if err := g.ready(g.gameRow, tx.Now, zone); err != nil {
		return nil, err
	}
	m := &Move{Game: g.game, Dom: dom, Source: SourceDice, Draw: &fair.Draw{Game: fair.Dice, Dices: g.dice, Unit: int64(g.unit)}}
	if g.game == LuckGame {
		m.Source, m.Draw = SourceLuck, &fair.Draw{Game: fair.Luck, Add: g.add.Seconds(), Sub: g.sub.Seconds()}
	}
	m.Draw.MinMulti, m.Draw.MaxMulti = int(g.multi.Min), int(g.multi.Max)
	g.standing = g.played(tx.Now, zone)
	m.Next, _ = g.free(g.gameRow, tx.Now, zone)
	return m, t.move(tx, g, m, kindPlay, zone)
}

// move draws, moves the scheduled end, and writes it all down.
func (t *Tracker) move(tx *db.Tx, g *table, m *Move, kind string, zone *time.Location) error {
	if err := t.draw(tx, &g.chain, m.Draw); err != nil {
		return err
	}
	g.draws = g.chain.used
	text, err := json.Marshal(m.Draw)
	if err != nil {
		return err
	}
	now, before := tx.Now.Unix(), g.scheduled.Int64
	g.scheduled.Int64 = moved(before, now, g.limit, m.Draw.Operation, m.Draw.Seconds)
	m.owner = g.user
	m.Session, m.Operation, m.Seconds, m.Multi = g.id, m.Draw.Operation, m.Draw.Seconds, Multi(m.Draw.Multi)
	m.Applied = max(g.scheduled.Int64-before, before-g.scheduled.Int64)
	m.Scheduled = wall.At(g.scheduled.Int64, zone)
	if _, err := tx.Exec("update tracker_game set plays = $3, day = $4, day_plays = $5, last_ms = $6 where session_id = $1 and game = $2",
		g.id, string(g.game), g.plays, int64(g.day), g.dayPlays, millis(g.last)); err != nil {
		return err
	}
	err = entry{user: g.user, session: g.id, kind: kind, typ: m.Operation, source: m.Source, dom: m.Dom, unit: &m.Applied,
		rolled: &m.Seconds, schedule: &m.Scheduled, multi: &m.Draw.Multi, nonce: &m.Draw.Nonce, draw: string(text)}.write(tx)
	if err != nil {
		return err
	}
	if err := g.store(tx, zone, true); err != nil {
		return err
	}
	return t.settle(tx, &g.live, zone)
}
