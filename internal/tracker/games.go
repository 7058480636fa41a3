package tracker

import (
	"math"
	"strconv"
	"strings"
)

// Game is one of the three games.
type Game string

// The games.
const (
	DiceGame Game = "dice"
	LinkGame Game = "link"
	LuckGame Game = "luck"
)

// Games is all of them, in the order they are listed in.
var Games = []Game{DiceGame, LinkGame, LuckGame}

// Unit is a unit of time in seconds.
type Unit int64

// The units of the document. The family counts in seconds, so a month is 30 days (readings, MONTH).
const (
	Minute Unit = 60
	Hour   Unit = 3_600
	Day    Unit = 86_400
	Month  Unit = 2_592_000
)

// String is the document's word for the unit.
func (u Unit) String() string {
	switch u {
	case Minute:
		return "MINUTE"
	case Hour:
		return "HOUR"
	case Day:
		return "DAY"
	case Month:
		return "MONTH"
	}
	return strconv.FormatInt(int64(u), 10) + " s"
}

// ParseUnit reads MINUTE, HOUR, DAY or MONTH in any case.
func ParseUnit(word string) (Unit, bool) {
	for _, u := range []Unit{Minute, Hour, Day, Month} {
		if strings.EqualFold(word, u.String()) {
			return u, true
		}
	}
	return 0, false
}

// Span is an amount of units, 0 to 10,000.
type Span struct {
	Amount int  `json:"amount"`
	Unit   Unit `json:"unit"`
}

// Seconds is the length of the span.
func (s Span) Seconds() int64 { return int64(s.Amount) * int64(s.Unit) }

// Multi is a multiplier in hundredths, 1 (0.01) to 10,000 (100.00).
type Multi int

// One is the multiplier 1.00, the default.
const One Multi = 100

// ParseMulti reads a decimal number such as 1.25, with at most two decimals that count.
func ParseMulti(text string) (Multi, bool) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(f >= 0 && f <= 1_000_000) {
		return 0, false
	}
	h := math.Round(f * 100)
	return Multi(h), math.Abs(f*100-h) < 1e-6
}

// Float is the multiplier as a number, exact to two decimals when printed.
func (m Multi) Float() float64 { return float64(m) / 100 }

// Multis is the range a multiplier is drawn from, both ends included.
type Multis struct {
	Min Multi `json:"min"`
	Max Multi `json:"max"`
}

// Penalty is what a missed minimum of plays per day costs.
type Penalty struct {
	Min  int  `json:"min"`  // plays per day, 0 to 10,000
	Time Span `json:"time"` // added without a multiplier
	// Always says that plays beyond the minimum are allowed; otherwise Min is also the most plays of a day.
	Always bool `json:"always"`
}

// Dice is the settings of the dice game.
type Dice struct {
	Number  int      `json:"number"` // of dice, 1 to 20
	Unit    Unit     `json:"unit"`   // what one pip is worth
	Wait    Span     `json:"wait"`   // from one play to the next
	Multi   Multis   `json:"multi"`
	Penalty *Penalty `json:"penalty,omitempty"`
}

// Link is the settings of the public link game. An amount of 0 closes that choice.
type Link struct {
	Add   Span   `json:"add"`
	Sub   Span   `json:"sub"`
	Multi Multis `json:"multi"`
	// ResetVotes lets a voter vote again after the owner's next local midnight; otherwise once per session.
	ResetVotes bool `json:"resetvotes"`
	// Votes is how many votes the owner wishes to collect, 0 to 10,000 (readings, "votes required"). It is shown beside
	// the count of votes and changes nothing else: every vote moves the end, and stopping is always allowed.
	Votes int `json:"votes"`
}

// Luck is the settings of the luck game.
type Luck struct {
	Add     Span     `json:"add"`
	Sub     Span     `json:"sub"`
	Wait    Span     `json:"wait"` // from one play to the next
	Multi   Multis   `json:"multi"`
	Penalty *Penalty `json:"penalty,omitempty"`
}

// Settings is the games of a session; nil is off.
type Settings struct {
	Dice *Dice `json:"dice,omitempty"`
	Link *Link `json:"link,omitempty"`
	Luck *Luck `json:"luck,omitempty"`
}

// Any says whether a game is on.
func (s Settings) Any() bool { return s.Dice != nil || s.Link != nil || s.Luck != nil }

// clone is a copy that shares nothing.
func (s Settings) clone() Settings {
	var c Settings
	if s.Dice != nil {
		c.Dice = new(*s.Dice)
		c.Dice.Penalty = s.Dice.Penalty.clone()
	}
	if s.Link != nil {
		c.Link = new(*s.Link)
	}
	if s.Luck != nil {
		c.Luck = new(*s.Luck)
		c.Luck.Penalty = s.Luck.Penalty.clone()
	}
	return c
}

func (p *Penalty) clone() *Penalty {
	if p == nil {
		return nil
	}
	return new(*p)
}

const (
	maxAmount = 10_000
	maxDice   = 20
	maxMulti  = 10_000
)

// Check says what is wrong with the settings, nil if nothing (readings, Ranges).
func (s Settings) Check() error {
	if d := s.Dice; d != nil {
		if d.Number < 1 || d.Number > maxDice {
			return Invalid(FieldOf(DiceGame, FieldNumber), "the number of dice is %d; it must lie between 1 and %d", d.Number, maxDice)
		}
		if err := first(unit(DiceGame, FieldUnit, d.Unit), span(DiceGame, FieldWait, d.Wait), multis(DiceGame, d.Multi),
			penalty(DiceGame, d.Penalty, d.Wait)); err != nil {
			return err
		}
	}
	if l := s.Link; l != nil {
		if err := first(span(LinkGame, FieldAdd, l.Add), span(LinkGame, FieldSub, l.Sub), multis(LinkGame, l.Multi)); err != nil {
			return err
		}
		if l.Votes < 0 || l.Votes > maxAmount {
			return Invalid(FieldOf(LinkGame, FieldVotes), "%d is out of range; the votes lie between 0 and %d", l.Votes, maxAmount)
		}
	}
	if l := s.Luck; l != nil {
		if err := first(span(LuckGame, FieldAdd, l.Add), span(LuckGame, FieldSub, l.Sub), span(LuckGame, FieldWait, l.Wait),
			multis(LuckGame, l.Multi), penalty(LuckGame, l.Penalty, l.Wait)); err != nil {
			return err
		}
	}
	return nil
}

// first is the first error, as an interface that is nil if there is none.
func first(errs ...*Error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func unit(g Game, f Field, u Unit) *Error {
	switch u {
	case Minute, Hour, Day, Month:
		return nil
	}
	return Invalid(FieldOf(g, f), "the unit must be MINUTE, HOUR, DAY or MONTH")
}

func span(g Game, f Field, s Span) *Error {
	if s.Amount < 0 || s.Amount > maxAmount {
		return Invalid(FieldOf(g, f), "%d is out of range; an amount lies between 0 and %d", s.Amount, maxAmount)
	}
	return unit(g, f+".unit", s.Unit)
}

func multis(g Game, m Multis) *Error {
	if m.Min < 1 || m.Min > maxMulti {
		return Invalid(FieldOf(g, FieldMin), "a multiplier lies between 0.01 and 100.00")
	}
	if m.Max < 1 || m.Max > maxMulti {
		return Invalid(FieldOf(g, FieldMax), "a multiplier lies between 0.01 and 100.00")
	}
	if m.Min > m.Max {
		return Invalid(FieldOf(g, FieldMin), "the smallest multiplier, %.2f, is above the largest, %.2f; one that is not given is 1.00", m.Min.Float(), m.Max.Float())
	}
	return nil
}

// penalty also refuses a minimum that the wait between two plays makes impossible day after day (readings,
// Penalties), and a daily limit of no plays at all.
func penalty(g Game, p *Penalty, wait Span) *Error {
	if p == nil {
		return nil
	}
	if p.Min < 0 || p.Min > maxAmount {
		return Invalid(FieldOf(g, FieldPenaltyMin), "%d is out of range; the plays of a day lie between 0 and %d", p.Min, maxAmount)
	}
	if p.Min == 0 && !p.Always {
		return Invalid(FieldOf(g, FieldPenaltyMin), "the minimum is also the limit of a day, so it must be at least 1")
	}
	if int64(p.Min)*wait.Seconds() > int64(Day) {
		return Invalid(FieldOf(g, FieldPenaltyMin), "%d plays a day are impossible with a wait of %d %s between two plays: at most %d fit",
			p.Min, wait.Amount, wait.Unit, int64(Day)/wait.Seconds())
	}
	if err := span(g, FieldPenaltyAmount, p.Time); err != nil {
		if p.Time.Amount >= 0 && p.Time.Amount <= maxAmount {
			err.Field = FieldOf(g, FieldPenaltyUnit)
		}
		return err
	}
	return nil
}
