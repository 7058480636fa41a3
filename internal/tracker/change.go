package tracker

import (
	"fmt"
	"strconv"
	"time"
)

// Actions of games changes (readings, games_changes.php).
const (
	ActionInsert = "INSERT"
	ActionUpdate = "UPDATE"
	ActionDelete = "DELETE"
)

// Change is one change of a game's settings by a keyholder.
type Change struct {
	Session  int64
	Game     Game
	Action   string
	Happened time.Time // UTC, milliseconds
	By       int64     // who changed it; 0: a user who was removed
	// Before and After hold the settings of this one game; nil: the game was off.
	Before, After *Settings
	Diffs         []Diff
}

// Diff is one changed setting in words for a person. From or To is "" where there was none.
type Diff struct {
	Label, From, To string
}

// gameChange is what turns one game's settings into others.
type gameChange struct {
	game          Game
	before, after *gameRow // nil: off
}

func (c gameChange) action() string {
	switch {
	case c.before == nil:
		return ActionInsert
	case c.after == nil:
		return ActionDelete
	}
	return ActionUpdate
}

// changes compares two settings game by game.
func changes(before, after Settings) []gameChange {
	var all []gameChange
	find := func(rows []gameRow, g Game) *gameRow {
		for i := range rows {
			if rows[i].game == g {
				return &rows[i]
			}
		}
		return nil
	}
	from, to := rowsOf(before), rowsOf(after)
	for _, g := range Games {
		c := gameChange{game: g, before: find(from, g), after: find(to, g)}
		if len(diffs(c.before, c.after)) > 0 {
			all = append(all, c)
		}
	}
	return all
}

// stricter says whether the day on which the change was made must not be judged by it: a penalty that was not there, or
// that asks for more plays or a longer wait between them.
func (c gameChange) stricter() bool {
	if c.before == nil || c.after == nil || c.after.penalty == nil {
		return c.before == nil
	}
	was, is := c.before.penalty, c.after.penalty
	return was == nil || is.Min > was.Min || c.after.wait.Seconds() > c.before.wait.Seconds()
}

// diffs is what differs between the settings of one game, nil for a game that is off.
func diffs(before, after *gameRow) []Diff {
	from, to := before.lines(), after.lines()
	var all []Diff
	for i := range max(len(from), len(to)) {
		var d Diff
		if i < len(from) {
			d.Label, d.From = from[i].Label, from[i].From
		}
		if i < len(to) {
			d.Label, d.To = to[i].Label, to[i].From
		}
		if d.From != d.To {
			all = append(all, d)
		}
	}
	return all
}

// lines is the settings as labels and values, always the same lines for a game.
func (r *gameRow) lines() []Diff {
	if r == nil {
		return nil
	}
	multis := []Diff{
		{Label: "smallest multiplier", From: fmt.Sprintf("%.2f", r.multi.Min.Float())},
		{Label: "largest multiplier", From: fmt.Sprintf("%.2f", r.multi.Max.Float())},
	}
	switch r.game {
	case LinkGame:
		return append([]Diff{{Label: "add", From: r.add.String()}, {Label: "subtract", From: r.sub.String()},
			{Label: "votes required", From: strconv.Itoa(r.wait.Amount)}, {Label: "vote again the next day", From: yes(r.reset)}}, multis...)
	case DiceGame:
		multis = append([]Diff{{Label: "number of dice", From: strconv.Itoa(r.dice)}, {Label: "unit of a pip", From: r.unit.String()}}, multis...)
	case LuckGame:
		multis = append([]Diff{{Label: "add", From: r.add.String()}, {Label: "subtract", From: r.sub.String()}}, multis...)
	}
	return append(multis, append([]Diff{{Label: "wait between plays", From: r.wait.String()}}, r.penalty.lines()...)...)
}

func (p *Penalty) lines() []Diff {
	all := []Diff{{Label: "least plays a day"}, {Label: "penalty for a day with fewer"}, {Label: "more plays a day"}}
	if p != nil {
		all[0].From, all[1].From, all[2].From = strconv.Itoa(p.Min), p.Time.String(), yes(p.Always)
	}
	return all
}

// String is the amount and the unit, "6 HOUR".
func (s Span) String() string { return fmt.Sprintf("%d %s", s.Amount, s.Unit) }

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
