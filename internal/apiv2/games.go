package apiv2

import (
	"strings"

	"stint/internal/tracker"
)

// settings reads the games of a live session (document, "Games Payload Fields" and "Game Penalties").
func (b *body) settings() tracker.Settings {
	var s tracker.Settings
	if g := b.game(tracker.DiceGame); g.on() {
		s.Dice = &tracker.Dice{
			Number:  g.number(tracker.FieldNumber, 1),
			Unit:    g.unit(tracker.FieldUnit, tracker.Day),
			Wait:    g.span(tracker.FieldWait, tracker.Hour),
			Multi:   g.multis(),
			Penalty: g.penalty(),
		}
	}
	if g := b.game(tracker.LinkGame); g.on() {
		s.Link = &tracker.Link{
			Add:        g.span(tracker.FieldAdd, tracker.Day),
			Sub:        g.span(tracker.FieldSub, tracker.Day),
			Multi:      g.multis(),
			ResetVotes: g.flag(fieldReset),
		}
	}
	if g := b.game(tracker.LuckGame); g.on() {
		s.Luck = &tracker.Luck{
			Add:     g.span(tracker.FieldAdd, tracker.Day),
			Sub:     g.span(tracker.FieldSub, tracker.Day),
			Wait:    g.span(tracker.FieldWait, tracker.Hour),
			Multi:   g.multis(),
			Penalty: g.penalty(),
		}
	}
	return s
}

// game reads the members of one game.
type game struct {
	*body
	tracker.Game
}

func (b *body) game(g tracker.Game) game { return game{b, g} }

func (g game) on() bool { return g.flag(fieldOn) }

func (g game) flag(f tracker.Field) bool { return g.body.flag(tracker.FieldOf(g.Game, f)) }

func (g game) number(f tracker.Field, absent int) int {
	return g.body.number(tracker.FieldOf(g.Game, f), absent)
}

func (g game) unit(f tracker.Field, fallback tracker.Unit) tracker.Unit {
	return g.body.unit(wireName(tracker.FieldOf(g.Game, f)), fallback)
}

// span reads an amount and its unit; an absent amount is 0.
func (g game) span(f tracker.Field, fallback tracker.Unit) tracker.Span {
	return tracker.Span{Amount: g.number(f, 0), Unit: g.unit(f+".unit", fallback)}
}

func (g game) multis() tracker.Multis {
	return tracker.Multis{
		Min: g.multi(tracker.FieldOf(g.Game, tracker.FieldMin)),
		Max: g.multi(tracker.FieldOf(g.Game, tracker.FieldMax)),
	}
}

func (g game) penalty() *tracker.Penalty {
	if !g.flag(fieldPenalty) {
		return nil
	}
	unit := wireName(tracker.FieldOf(g.Game, tracker.FieldPenaltyUnit))
	if g.Game == tracker.LuckGame {
		unit = g.luckPenaltyUnit(unit)
	}
	return &tracker.Penalty{
		Min:    g.number(tracker.FieldPenaltyMin, 0),
		Time:   tracker.Span{Amount: g.number(tracker.FieldPenaltyAmount, 0), Unit: g.body.unit(unit, tracker.Day)},
		Always: g.always(),
	}
}

// luckPenaltyUnit says which of two spellings was used. Both may be, if they mean the same.
func (g game) luckPenaltyUnit(odd string) string {
	first, isOdd := g.take(odd)
	second, isRight := g.take(luckPenaltyUnit)
	switch {
	case isOdd && isRight:
		a, _ := scalar(first)
		b, _ := scalar(second)
		if !strings.EqualFold(a, b) {
			g.fail(odd, "%s and %s mean the same and must not differ", odd, luckPenaltyUnit)
		}
	case isRight:
		return luckPenaltyUnit
	}
	return odd
}

// always reads diceplaylimit and luckplaylimit, which turn it off by being set at all (readings, "diceplaylimit").
func (g game) always() bool {
	v, given := g.take(wireName(tracker.FieldOf(g.Game, fieldOnlyThat)))
	return !given || empty(v)
}
