package tracker

import (
	"strings"
	"time"

	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// lastInstant is the latest scheduled end there is, 9999-12-30 00:00 UTC: the year has four digits in every zone.
const lastInstant = 253402128000

// Choice is what a voter asks for.
type Choice string

// The choices.
const (
	ChoiceAdd  Choice = fair.Add
	ChoiceSub  Choice = fair.Sub
	ChoiceRand Choice = fair.Rand // a fair coin
)

// ParseChoice reads add, sub or rand in any case.
func ParseChoice(word string) (Choice, bool) {
	for _, c := range []Choice{ChoiceAdd, ChoiceSub, ChoiceRand} {
		if strings.EqualFold(word, string(c)) {
			return c, true
		}
	}
	return "", false
}

// moved is where a scheduled end goes (readings, "Games, exactly"): seconds later for ADD, earlier for SUB, never
// before now and never beyond the limit, 0 for none. An end that lies behind already stays where it is.
func moved(end, now, limit int64, operation string, seconds int64) int64 {
	if operation == fair.Sub {
		return min(end, max(end-seconds, now))
	}
	top := int64(lastInstant)
	if limit != 0 {
		top = min(top, limit)
	}
	return max(end, min(end+seconds, top))
}

// standing is how a game stands when somebody wants to play it.
type standing struct {
	plays    int
	day      wall.Date // of dayPlays, in the owner's zone
	dayPlays int
	last     time.Time // zero: never played
}

// today is the owner's day for the game. It never goes back: a zone farther west doesn't give a day twice.
func (s standing) today(now time.Time, zone *time.Location) wall.Date {
	return max(s.day, wall.DayOf(now.Unix(), zone))
}

// playsOn is the plays of a day.
func (s standing) playsOn(day wall.Date) int {
	if s.day == day {
		return s.dayPlays
	}
	return 0
}

// free is when the game can be played again, zero for now; limit says that the plays of the day are used up.
func (s standing) free(r gameRow, now time.Time, zone *time.Location) (at time.Time, limit bool) {
	if !s.last.IsZero() && r.wait.Amount > 0 {
		if next := time.UnixMilli(s.last.UnixMilli() + r.wait.Seconds()*1000).UTC(); next.After(now) {
			at = next
		}
	}
	today := s.today(now, zone)
	if p := r.penalty; p != nil && !p.Always && s.playsOn(today) >= p.Min {
		limit = true
		if midnight := time.Unix(wall.Start(today+1, zone), 0).UTC(); midnight.After(at) {
			at = midnight
		}
	}
	return at, limit
}

// ready refuses a play of dice or luck that comes too early.
func (s standing) ready(r gameRow, now time.Time, zone *time.Location) error {
	at, limit := s.free(r, now, zone)
	switch {
	case limit:
		return &Error{Code: DailyLimit, RetryAt: at, Message: "the plays of this day are used up"}
	case !at.IsZero():
		return &Error{Code: Cooldown, RetryAt: at, Message: "the wait since the last play is not over yet"}
	}
	return nil
}

// played is the standing after one more play.
func (s standing) played(now time.Time, zone *time.Location) standing {
	today := s.today(now, zone)
	return standing{plays: s.plays + 1, day: today, dayPlays: s.playsOn(today) + 1, last: now}
}

// open refuses a choice that the link's settings close.
func (r gameRow) open(c Choice) error {
	switch {
	case c == ChoiceAdd && r.add.Amount > 0, c == ChoiceSub && r.sub.Amount > 0, c == ChoiceRand && r.add.Amount > 0 && r.sub.Amount > 0:
		return nil
	case c == ChoiceAdd, c == ChoiceSub, c == ChoiceRand:
		return Invalid(FieldChoice, "this choice is closed")
	}
	return Invalid(FieldChoice, "the choice is one of add, sub, rand")
}

// againAt is when somebody who voted at last may vote again: at the owner's next midnight, or never (zero).
func againAt(last time.Time, reset bool, zone *time.Location) time.Time {
	if !reset {
		return time.Time{}
	}
	return time.Unix(wall.NextMidnight(last.Unix(), zone), 0).UTC()
}
