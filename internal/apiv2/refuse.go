package apiv2

import (
	"errors"
	"net/http"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"stint/internal/db"
	"stint/internal/stream"
	"stint/internal/tracker"
	"stint/internal/web"
)

// refusal is an answer that is not a success, with what the envelope says beside the code and the message.
type refusal struct {
	web.Error
	retryAt time.Time // zero: not known
	session int64     // the session that is in the way; 0: none
}

// statuses are the HTTP statuses of the domain's refusals.
var statuses = map[tracker.Code]int{
	tracker.Validation:          http.StatusBadRequest,
	tracker.NoFields:            http.StatusBadRequest,
	tracker.NotFound:            http.StatusNotFound,
	tracker.ActiveSessionExists: http.StatusConflict,
	tracker.Overlap:             http.StatusConflict,
	tracker.NotActive:           http.StatusConflict,
	tracker.StillActive:         http.StatusConflict,
	tracker.IdempotencyConflict: http.StatusConflict,
	tracker.ScheduleReached:     http.StatusConflict,
	tracker.GameDisabled:        http.StatusConflict,
	tracker.DrawsUsedUp:         http.StatusConflict,
	tracker.NotLinked:           http.StatusForbidden,
	tracker.Cooldown:            http.StatusTooManyRequests,
	tracker.DailyLimit:          http.StatusTooManyRequests,
	tracker.AlreadyVoted:        http.StatusTooManyRequests,
	tracker.RateLimited:         http.StatusTooManyRequests,
	tracker.AlreadyLinked:       http.StatusConflict,
	tracker.NotEmpty:            http.StatusConflict,
}

// refuse answers with the error envelope (document, "Response Envelope"; readings, "Error codes").
func (a *API) refuse(c *call, err error) {
	e := a.refusal(c, err)
	h := c.w.Header()
	for name, values := range e.Header {
		h[name] = values
	}
	if e.Status == http.StatusTooManyRequests && h.Get("Retry-After") == "" && !e.retryAt.IsZero() {
		h.Set("Retry-After", strconv.FormatInt(max(1, wholeSeconds(e.retryAt.Sub(a.Tracker.Now()))), 10))
	}
	b := appendText(append(c.text[:0], `{"ok":false,"error":{`...), `"code":`, e.Code)
	b = appendText(b, `,"message":`, e.message())
	if e.Field != "" {
		b = appendText(b, `,"field":`, e.Field)
	}
	if !e.retryAt.IsZero() {
		b = appendText(b, `,"retry_at":`, time.Unix(secondsUp(e.retryAt), 0).UTC().Format(time.RFC3339))
	}
	if e.session != 0 {
		b = appendInt(b, `,"session":`, e.session)
	}
	c.reply(e.Status, appendMeta(append(b, '}'), c.warnings.list))
}

func (a *API) refusal(c *call, err error) *refusal {
	var rule *tracker.Error
	var door *web.Error
	switch {
	case errors.As(err, &rule):
		return &refusal{retryAt: rule.RetryAt, session: rule.Session,
			Error: web.Error{Status: statuses[rule.Code], Code: string(rule.Code), Field: c.wireName(rule.Field), Detail: rule.Message}}
	case errors.As(err, &door):
		e := &refusal{Error: *door}
		if wait, err := strconv.Atoi(door.Header.Get("Retry-After")); err == nil {
			e.retryAt = a.Tracker.Now().Add(time.Duration(wait) * time.Second)
		}
		return e
	case errors.Is(err, stream.ErrFull):
		return unavailable("There are too many streams open, in total or from this address; close one or try again later.")
	case errors.Is(err, stream.ErrClosed), errors.Is(err, db.ErrClosed), c.Context().Err() != nil:
		return unavailable("The server is stopping.")
	}
	a.Log.Error("internal error", "route", c.Pattern, "id", c.w.Header().Get("X-Request-Id"), "error", err)
	if errors.Is(err, db.ErrUnavailable) {
		return unavailable("The database does not answer; nothing was changed.")
	}
	return &refusal{Error: web.Error{Status: http.StatusInternalServerError, Code: "internal",
		Detail: "Something went wrong in the server; its log tells more under this answer's X-Request-Id."}}
}

func unavailable(detail string) *refusal {
	return &refusal{Error: web.Error{Status: http.StatusServiceUnavailable, Code: "unavailable", Detail: detail,
		Header: http.Header{"Retry-After": {"30"}}}}
}

// wireName is the wire's word for a field that the domain refused.
func (c *call) wireName(f tracker.Field) string {
	if name := wireName(c.scope + f); name != "" {
		return name
	}
	return wireName(f)
}

// message is a sentence; where one member is at fault it begins with its name.
func (e *refusal) message() string {
	if e.Field != "" {
		return e.Field + ": " + e.Detail
	}
	first, size := utf8.DecodeRuneInString(e.Detail)
	text := string(unicode.ToUpper(first)) + e.Detail[size:]
	if text[len(text)-1] != '.' {
		text += "."
	}
	return text
}

// invalid refuses a member or parameter by its wire name.
func invalid(name, format string, args ...any) error { return web.BadRequest(name, format, args...) }

func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// secondsUp is the first whole second that is not before t.
func secondsUp(t time.Time) int64 { return t.Add(time.Second - 1).Unix() }
