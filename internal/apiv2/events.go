package apiv2

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"stint/internal/account"
	"stint/internal/stream"
	"stint/internal/tracker"
	"stint/internal/web"
)

// format is how a stream frames its events.
type format int

const (
	newline format = iota // one compact JSON object a line
	sse                   // server-sent events
)

const (
	sseKeepAlive = 25 * time.Second
	maxKeepAlive = 3600 // seconds
	replayBatch  = 200  // events
)

var (
	keepAliveFrames = [2][]byte{newline: []byte("\n"), sse: []byte(":\n\n")}
	streamTypes     = [2]string{newline: "application/x-ndjson", sse: "text/event-stream"}
)

// append appends an event as the format frames it.
func (f format) append(b []byte, e *tracker.Event) []byte {
	if f == newline {
		return append(appendEvent(b, e), '\n')
	}
	b = append(appendInt(b, "id: ", e.ID), "\ndata: "...)
	return append(appendEvent(b, e), "\n\n"...)
}

// appendEvent appends an event under the words of histories.php.
func appendEvent(b []byte, e *tracker.Event) []byte {
	b = appendInt(b, `{"id":`, e.ID)
	b = appendInt(b, `,"session":`, e.Session)
	b = appendText(b, `,"event":`, e.Kind)
	b = appendMillis(b, `,"happened":`, e.At)
	b = appendNullable(b, `,"type":`, e.Type)
	b = appendNumber(b, `,"unit":`, e.Unit)
	b = appendNullable(b, `,"source":`, e.Source)
	b = appendFlag(b, `,"dom":`, e.Dom)
	b = appendTime(b, `,"schedule":`, e.Scheduled)
	b = appendNumber(b, `,"rolled":`, e.Rolled)
	b = appendMultiOr(b, `,"multiplier":`, e.Multi)
	return append(appendNumber(b, `,"nonce":`, e.Nonce), '}')
}

// replay reads a user's events from the log.
func (c *channel) replay(t *tracker.Tracker) stream.Replay {
	user, format := c.user, c.format
	return func(ctx context.Context, after int64) (frames []byte, last int64, err error) {
		list, err := t.Events(ctx, user, after, replayBatch)
		for i := range list {
			frames = format.append(frames, &list[i])
			after = list[i].ID
		}
		return frames, after, err
	}
}

// getEvents answers GET events.php: what happens in the caller's own sessions, as it happens. The stream begins after
// the event that the client names, else at the present; the header Last-Event-ID of the answer says where that is.
func (a *API) getEvents(c *call) error {
	if err := c.onlyParams("format", "keepalive", "last_event_id"); err != nil {
		return err
	}
	format, err := c.query.format()
	if err != nil {
		return err
	}
	s := stream.Subscription{KeepAliveFrame: keepAliveFrames[format], Addr: web.Network(a.Proxies.Addr(c.Request)).String()}
	if s.KeepAlive, err = c.query.keepAlive(format); err != nil {
		return err
	}
	if s.After, err = a.position(c); err != nil {
		return err
	}
	if format == sse {
		// A browser remembers the id of an event without data, too.
		s.Prelude = append(appendInt([]byte("retry: 3000\nid: "), "", s.After), "\n\n"...)
	}
	secret, err := bearer(c.Header["Authorization"])
	if err != nil {
		return err
	}
	holds := func() bool {
		_, err := a.Accounts.CheckToken(context.Background(), secret)
		return !errors.Is(err, account.ErrUnauthorized)
	}
	ch, done, err := a.feed.open(c.Context(), channel{user: c.who.UserID, secret: secret, format: format, holds: holds})
	if err != nil {
		return err
	}
	defer done()
	h := c.w.Header()
	h.Set("Content-Type", streamTypes[format])
	h.Set("X-Accel-Buffering", "no")
	h.Set("Last-Event-ID", strconv.FormatInt(s.After, 10))
	return ch.Serve(c.w, c.Request, s)
}

// position is the id after which the stream begins. One that the log has not reached counts as none.
func (a *API) position(c *call) (int64, error) {
	last, err := a.Tracker.LastEvent(c.Context())
	if err != nil {
		return 0, err
	}
	text := c.Header.Get("Last-Event-Id")
	if text == "" {
		text = c.query.get("last_event_id")
	}
	if text == "" {
		return last, nil
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 {
		return 0, invalid("last_event_id", "the id of an event is expected, a whole number from 0")
	}
	return min(after, last), nil
}

func (q query) format() (format, error) {
	switch name := q.get("format"); {
	case name == "" || strings.EqualFold(name, "newline"):
		return newline, nil
	case strings.EqualFold(name, "SSE"):
		return sse, nil
	}
	return 0, invalid("format", "newline or SSE is expected")
}

func (q query) keepAlive(f format) (time.Duration, error) {
	text := q.get("keepalive")
	if text == "" {
		return [2]time.Duration{sse: sseKeepAlive}[f], nil
	}
	seconds, err := strconv.ParseUint(text, 10, 16)
	if err != nil || seconds == 0 || seconds > maxKeepAlive {
		return 0, invalid("keepalive", "a whole number of seconds from 1 to %d is expected", maxKeepAlive)
	}
	return time.Duration(seconds) * time.Second, nil
}
