package tracker

import (
	"time"

	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// Session is one stretch of time of its owner. No two sessions of an owner overlap, and at most one is active.
type Session struct {
	ID         int64
	User       int64
	Start      wall.Moment
	End        *wall.Moment // nil: active
	Scheduled  *wall.Moment
	Limit      *wall.Moment // the ceiling of the scheduled end; nil: none
	LockedBy   *string
	Notes      *string
	Public     bool
	Inserted   time.Time // UTC, whole seconds
	HasHistory bool
	HasChanges bool  // of game settings
	Play       *Play // active sessions with games, else nil
	// Drawn is how the scheduled end was drawn, in the answer to a start with MaxEnd only.
	Drawn *fair.Draw
}

// Active says whether the session goes on.
func (s *Session) Active() bool { return s.End == nil }

// Reached is the instant at which the schedule was reached, if it was by now: plays and votes stop then.
func (s *Session) Reached(now time.Time) (time.Time, bool) {
	if s.Scheduled == nil || s.Scheduled.Unix > now.Unix() || s.End != nil && s.Scheduled.Unix > s.End.Unix {
		return time.Time{}, false
	}
	return s.Scheduled.UTC(), true
}

// Play is the games of an active session: the settings and how they stand.
type Play struct {
	Settings
	State map[Game]State
	// Token is what the public votes with; "" if the link game is off.
	Token string
}

// State is how a game stands.
type State struct {
	Plays int        // in all
	Today int        // on the owner's local day
	Last  time.Time  // UTC, milliseconds; zero: never played
	Next  time.Time  // when the wait is over, or the next day begins that has plays left; zero: now
	Days  []Midnight // what the last midnights found, newest first, at most 14; only of games with a penalty
}

// Midnight is what was found for a game on the owner's local day before it.
type Midnight struct {
	Date    string // YYYY-MM-DD
	Plays   int
	Penalty int64 // seconds that the scheduled end moved
	Reason  Reason
}

// Reason is why a day was penalised or not.
type Reason string

// The reasons.
const (
	DayEnough   Reason = "enough"           // the minimum was played
	DayMissed   Reason = "missed"           // it was not: the penalty was added
	DayFirst    Reason = "first_day"        // the game, or its penalty as it is, began on that day
	DayReached  Reason = "schedule_reached" // the schedule was reached on that day or before
	DayDown     Reason = "down"             // the server was down for more than two hours of that day
	shownDays          = 14
	downAllowed        = 7_200 // seconds a day
)

// Owner is the caller whose sessions are meant, with their zone.
type Owner struct {
	User int64
	Zone *time.Location
}

// Filter selects sessions of a list. Dates are local days of the session's start, both inclusive, "" for none.
type Filter struct {
	From, To       string
	Active, Public *bool
	Limit          int // at least 1; above MaxLimit it is MaxLimit
	Offset         int
}

// Sizes of a list's page (document, "Query Parameters").
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Page is one page of a list, newest start first.
type Page struct {
	Items         []*Session // never nil
	Total         int        // all matches
	Limit, Offset int        // as served
}

// InsertRequest is a session that has ended already (document, "Manual Session Fields"). Dates are YYYY-MM-DD and
// times HH:MM in the owner's zone; "" is absent.
type InsertRequest struct {
	StartDate, StartTime string
	EndDate, EndTime     string
	Public               bool
	LockedBy, Notes      *string
}

// StartRequest is a session that begins and goes on (document, "Live Session Fields").
type StartRequest struct {
	Date, Time                   string
	ScheduledDate, ScheduledTime string
	MaxEnd                       bool   // draw the scheduled end between now and the given one
	LimitDate, LimitTime         string // a ceiling for the scheduled end
	Public                       bool
	LockedBy, Notes              *string
	Settings
}

// EditRequest changes a session; what is not set stays (document, "PATCH").
type EditRequest struct {
	Public          *bool
	LockedBy, Notes Text
	Scheduled       Text   // the date; To nil removes the scheduled end
	ScheduledTime   string // only beside Scheduled
	EndNow          bool
	EndDate         string // stops the session, with EndTime
	EndTime         string
}

// Text is a change of a text that can be absent: Set, and the new text or nil.
type Text struct {
	Set bool
	To  *string
}

// Once makes a write happen once: under the same token and key the first answer is given again for 24 hours, as a
// Replayed, and another body is refused (readings, Idempotency). A nil *Once or an empty key asks for nothing.
// Refusals are not kept: they changed nothing.
type Once struct {
	Token int64    // the bearer token's id
	Key   string   // at most 255 bytes
	Body  [32]byte // SHA-256 of what was asked, as the door counts it
	// Encode makes the answer from the method's result. It runs inside the transaction and only there, perhaps
	// more than once, and must not use the database. What it makes is stored sealed.
	Encode func(result any) (status int, body []byte, err error)
}
