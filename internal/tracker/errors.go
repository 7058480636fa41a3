package tracker

import (
	"fmt"
	"time"
)

// Code is the stable word for what went wrong (readings, Error codes).
type Code string

// The codes that a Tracker's methods return.
const (
	Validation          Code = "validation"            // Field names the member at fault
	NoFields            Code = "no_fields"             // an edit that changes nothing
	NotFound            Code = "not_found"             // unknown, or not yours
	ActiveSessionExists Code = "active_session_exists" // Session is that session
	Overlap             Code = "overlap"               // Session is the one in the way
	NotActive           Code = "not_active"
	StillActive         Code = "still_active"
	IdempotencyConflict Code = "idempotency_conflict"
	ScheduleReached     Code = "schedule_reached"
	GameDisabled        Code = "game_disabled"
	NotLinked           Code = "not_linked"
	Cooldown            Code = "cooldown"      // RetryAt is when the wait is over
	DailyLimit          Code = "daily_limit"   // RetryAt is the next local midnight
	AlreadyVoted        Code = "already_voted" // RetryAt is set where votes are reset
	DrawsUsedUp         Code = "draws_used_up"
	RateLimited         Code = "rate_limited"   // RetryAt is when votes are taken again
	AlreadyLinked       Code = "already_linked" // the two are owner and keyholder already
	NotEmpty            Code = "not_empty"      // an import into an account that has sessions
)

// Error is a refusal: what was asked for is against a rule, and nothing was changed. Message says what was wrong
// and what is allowed, in words for a person.
type Error struct {
	Code    Code
	Field   Field     // of a Validation, else ""
	Message string    //
	RetryAt time.Time // when asking again makes sense, else zero
	Session int64     // the other session that is in the way, else 0
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Invalid is a Validation of a field.
func Invalid(f Field, format string, args ...any) *Error {
	return &Error{Code: Validation, Field: f, Message: fmt.Sprintf(format, args...)}
}

func refuse(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Message: fmt.Sprintf(format, args...)}
}

func errNotFound() *Error { return refuse(NotFound, "there is no such session") }

// Replayed is returned in place of a result when the request was answered before under the same idempotency key.
// It is no failure: Status and Body are the first answer.
type Replayed struct {
	Status int
	Body   []byte
}

// Error says that the answer is a repeated one.
func (*Replayed) Error() string { return "answered before under the same idempotency key" }

// Field names a member of a request in the domain's own words; the door translates it.
type Field string

// Fields of the requests.
const (
	FieldStartDate      Field = "start.date"
	FieldStartTime      Field = "start.time"
	FieldEndDate        Field = "end.date"
	FieldEndTime        Field = "end.time"
	FieldEndNow         Field = "end.now"
	FieldScheduledDate  Field = "scheduled.date"
	FieldScheduledTime  Field = "scheduled.time"
	FieldMaxEnd         Field = "maxend"
	FieldLimitDate      Field = "limit.date" // the ceiling of the scheduled end
	FieldLimitTime      Field = "limit.time"
	FieldLockedBy       Field = "lockedby"
	FieldNotes          Field = "notes"
	FieldFrom           Field = "from"
	FieldTo             Field = "to"
	FieldLimit          Field = "page.limit"
	FieldOffset         Field = "page.offset"
	FieldIdempotencyKey Field = "idempotency.key"
	FieldGame           Field = "game"
	FieldChoice         Field = "choice"
	FieldToken          Field = "token"
	FieldType           Field = "type"
	FieldSource         Field = "source"
	FieldAction         Field = "action"
	FieldCursor         Field = "cursor"
	FieldClientSeed     Field = "clientseed"
	FieldKeyholder      Field = "keyholder"
	FieldImport         Field = "import"
)

// Fields of the games' settings. Each belongs to a game: FieldOf(DiceGame, FieldMin) is "dice.min".
const (
	FieldNumber        Field = "number"         // dice
	FieldUnit          Field = "unit"           // dice: of one pip
	FieldAdd           Field = "add"            // link, luck: amount
	FieldAddUnit       Field = "add.unit"       //
	FieldSub           Field = "sub"            //
	FieldSubUnit       Field = "sub.unit"       //
	FieldWait          Field = "wait"           // dice, luck: amount
	FieldWaitUnit      Field = "wait.unit"      //
	FieldVotes         Field = "votes"          // link
	FieldMin           Field = "min"            // multiplier
	FieldMax           Field = "max"            //
	FieldPenaltyMin    Field = "penalty.min"    // plays per day
	FieldPenaltyAmount Field = "penalty.amount" //
	FieldPenaltyUnit   Field = "penalty.unit"
)

// FieldOf is the field of a game's setting: the game, a dot, the setting.
func FieldOf(g Game, f Field) Field { return Field(g) + "." + f }
