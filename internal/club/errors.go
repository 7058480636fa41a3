package club

import "fmt"

// Reason is why an action was refused.
type Reason int

// The reasons, named after the answers in the document's section "PUT Queries".
const (
	Invalid  Reason = iota + 1 // malformed, or from > to: 400
	Past                       // the past can't be modified: 403
	NotFound                   // unknown or deleted announcement: 404
)

// Error refuses an action. Nothing was stored.
type Error struct {
	Reason Reason
	Member string // the member at fault; "" if none is
	Detail string // what was wrong and what is allowed
}

func (e *Error) Error() string { return e.Detail }

func invalid(member, format string, args ...any) error {
	return &Error{Invalid, member, fmt.Sprintf(format, args...)}
}

func past(member, format string, args ...any) error {
	return &Error{Past, member, fmt.Sprintf(format, args...)}
}

func notFound(aid int64) error {
	return &Error{NotFound, "aid", fmt.Sprintf("There is no announcement with the aid %d, or it was deleted.", aid)}
}
