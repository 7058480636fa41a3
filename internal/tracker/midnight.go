package tracker

import (
	"database/sql"
	"time"

	"stint/internal/tracker/wall"
)

// live is the part of a session that the clock and the games move.
type live struct {
	id, user  int64
	active    bool
	scheduled sql.NullInt64
	limit     int64 // 0: none
	reached   int64 // the last scheduled end that was reached, 0: none
	nextDay   sql.NullInt64
	due       sql.NullInt64
	draws     int
}

const liveColumns = "s.id, s.user_id, s.active, s.scheduled_s, coalesce(s.limit_s, 0), coalesce(s.reached_s, 0), s.next_day, s.due_s, s.draws"

func (l *live) into() []any {
	return []any{&l.id, &l.user, &l.active, &l.scheduled, &l.limit, &l.reached, &l.nextDay, &l.due, &l.draws}
}

// next is the next instant at which the clock does something: a midnight at which a day is judged, or the scheduled
// end. An end at midnight comes first. It is false when nothing is to come.
func (l *live) next(zone *time.Location) (at int64, midnight, ok bool) {
	if !l.active {
		return 0, false, false
	}
	if l.scheduled.Valid && l.scheduled.Int64 != l.reached {
		at, ok = l.scheduled.Int64, true
	}
	if l.nextDay.Valid {
		if m := wall.Start(wall.Date(l.nextDay.Int64)+1, zone); !ok || m < at {
			at, midnight, ok = m, true, true
		}
	}
	return at, midnight, ok
}

// plan sets due from the rest; it says whether the clock must be looked at earlier than was known. A due instant that
// moves away stays as it is: looking too early costs nothing but the look.
func (l *live) plan(now int64, zone *time.Location) (earlier bool) {
	before := l.due
	at, _, ok := l.next(zone)
	if ok && before.Valid && before.Int64 > now && before.Int64 <= at {
		return false
	}
	l.due = sql.NullInt64{Int64: at, Valid: ok}
	return ok && (!before.Valid || at < before.Int64)
}

// judgeFrom begins to judge days with the present one, if the settings hold a penalty.
func (l *live) judgeFrom(s Settings, now time.Time, zone *time.Location) {
	if s.Dice != nil && s.Dice.Penalty != nil || s.Luck != nil && s.Luck.Penalty != nil {
		l.nextDay = sql.NullInt64{Int64: int64(wall.DayOf(now.Unix(), zone)), Valid: true}
	}
}

// isReached says whether plays and votes have stopped.
func (l *live) isReached(now int64) bool { return l.scheduled.Valid && l.scheduled.Int64 <= now }

// facts is what a midnight knows about one game and the day that it ends.
type facts struct {
	from, to  int64 // the day
	plays     int
	since     int64 // from when the penalty holds
	scheduled int64
	reached   int64 // 0: not yet
	down      int64 // seconds
}

// verdict is what a midnight finds (readings, Penalties).
func (p Penalty) verdict(f facts) Reason {
	switch {
	case f.plays >= p.Min:
		return DayEnough
	case f.scheduled <= f.to || f.reached > f.from:
		return DayReached
	case f.since > f.from:
		return DayFirst
	case f.down > downAllowed:
		return DayDown
	}
	return DayMissed
}
