package apiv0

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stint/internal/club"
	"stint/internal/stream"
	"stint/internal/web"
)

// format is how a stream frames its actions.
type format int

const (
	newline format = iota // one compact JSON object a line
	sse                   // server-sent events
)

// channel is one stream that can be asked for; all its readers get the same
// bytes.
type channel struct {
	actions club.Type // "" for all
	format  format
	view    view
}

func channels() (list []channel) {
	for _, f := range []format{newline, sse} {
		for _, t := range []club.Type{"", club.TypeStatus, club.TypeAnnouncement, club.TypePresence} {
			list = append(list, channel{t, f, memberView})
		}
		list = append(list, channel{club.TypeStatus, f, publicView})
	}
	return list
}

// carries says whether the channel shows the action.
func (ch channel) carries(a *club.Action) bool {
	return (ch.actions == "" || ch.actions == a.Type) && (ch.view == memberView || a.Visible)
}

// append appends the action as the channel frames it. The public gets no ids.
func (ch channel) append(b []byte, a *club.Action) []byte {
	if ch.format == newline {
		return append(appendAction(b, a, ch.view), '\n')
	}
	if ch.view == memberView {
		b = append(appendInt(b, "id: ", a.ID), '\n')
	}
	b = append(b, "data: "...)
	return append(appendAction(b, a, ch.view), "\n\n"...)
}

// replay reads the channel from the log.
func (ch channel) replay(c *club.Club) stream.Replay {
	return func(ctx context.Context, after int64) (frames []byte, last int64, err error) {
		list, err := c.After(ctx, after, ch.actions, ch.view == publicView)
		for i := range list {
			if len(frames) > replayBytes {
				break
			}
			frames = ch.append(frames, &list[i])
			after = list[i].ID
		}
		return frames, after, err
	}
}

// broadcast appends the actions to the streams that carry them. Each action is
// encoded once for each format and view.
func (t *tail) broadcast(list []club.Action) {
	for _, f := range []format{newline, sse} {
		for _, v := range []view{memberView, publicView} {
			t.broadcastAs(list, f, v)
		}
	}
}

func (t *tail) broadcastAs(list []club.Action, f format, v view) {
	events := map[channel][]stream.Event{}
	for i := range list {
		a := &list[i]
		one, all := channel{a.Type, f, v}, channel{"", f, v}
		if !one.carries(a) {
			continue
		}
		e := stream.Event{ID: a.ID, Frame: one.append(nil, a)}
		for _, ch := range []channel{one, all} {
			if t.logs[ch] != nil {
				events[ch] = append(events[ch], e)
			}
		}
	}
	for ch, list := range events {
		t.logs[ch].Append(list...)
	}
}

const (
	retry        = "retry: 3000\n\n"
	sseKeepAlive = 25 * time.Second
	maxKeepAlive = 3600     // seconds
	replayBytes  = 64 << 10 // that are read from the log at once
)

var keepAliveFrames = [2][]byte{newline: []byte("\n"), sse: []byte(":\n\n")}

// stream serves the live stream of a type (document, "stream"; readings,
// "Streams").
func (a *API) stream(t club.Type) handler {
	return func(w http.ResponseWriter, r *http.Request, c caller) error {
		if !c.member && t != club.TypeStatus {
			return notPublic("This stream")
		}
		ch := channel{actions: t, view: c.view()}
		s, err := a.subscription(r, c, &ch)
		if err != nil {
			return err
		}
		h := w.Header()
		h.Set("Content-Type", [2]string{newline: "application/x-ndjson", sse: "text/event-stream"}[ch.format])
		h.Set("Cache-Control", "no-cache")
		h.Set("X-Accel-Buffering", "no")
		return a.tail.logs[ch].Serve(w, r, s)
	}
}

// subscription reads a stream's parameters; it sets the channel's format.
func (a *API) subscription(r *http.Request, c caller, ch *channel) (s stream.Subscription, err error) {
	if ch.format, err = parseFormat(c); err != nil {
		return s, err
	}
	if s.KeepAlive, err = parseKeepAlive(c, ch.format); err != nil {
		return s, err
	}
	s.KeepAliveFrame, s.Until = keepAliveFrames[ch.format], c.until
	s.Addr = web.Network(a.Proxies.Addr(r)).String()
	if ch.format == sse {
		s.Prelude = []byte(retry)
	}
	after, resumed, err := resumption(r, c)
	if err != nil {
		return s, err
	}
	snapshot := a.tail.fresh(r.Context())
	if resumed && after > snapshot.head {
		// Another process may have sent what this one has not read yet.
		head, err := a.Club.Head(r.Context())
		if err != nil {
			return s, err
		}
		resumed = after <= head
	}
	if resumed {
		s.After = after
		return s, nil
	}
	s.After = snapshot.head
	before := len(s.Prelude)
	for _, newest := range snapshot.greeting(ch.view) {
		if ch.carries(&newest) {
			s.Prelude = ch.append(s.Prelude, &newest)
		}
	}
	if len(s.Prelude) == before && ch.format == sse && c.member {
		// Nothing has happened yet. A browser still needs an id to resume from.
		s.Prelude = append(appendInt(s.Prelude, "id: ", s.After), "\n\n"...)
	}
	return s, nil
}

// greeting is the newest action of each type, as the view has them.
func (s *snapshot) greeting(v view) []club.Action {
	if v == publicView {
		return []club.Action{s.public}
	}
	return s.newest
}

func parseFormat(c caller) (format, error) {
	name, _, err := c.param("format")
	if err != nil {
		return 0, err
	}
	switch strings.ToLower(name) {
	case "", "newline":
		return newline, nil
	case "sse":
		return sse, nil
	}
	return 0, web.BadRequest("format", "format must be newline or SSE.")
}

func parseKeepAlive(c caller, f format) (time.Duration, error) {
	text, given, err := c.param("keepalive")
	if err != nil {
		return 0, err
	}
	if !given || text == "" {
		return [2]time.Duration{sse: sseKeepAlive}[f], nil
	}
	seconds, err := strconv.ParseUint(text, 10, 16)
	if err != nil || seconds == 0 || seconds > maxKeepAlive {
		return 0, web.BadRequest("keepalive", "keepalive must be a whole number of seconds from 1 to %d.", maxKeepAlive)
	}
	return time.Duration(seconds) * time.Second, nil
}

// resumption returns the id after which a member's stream goes on (readings,
// "Streams", Resume). For the public, ids don't exist.
func resumption(r *http.Request, c caller) (after int64, resumed bool, err error) {
	if !c.member {
		return 0, false, nil
	}
	text := r.Header.Get("Last-Event-Id")
	if text == "" {
		if text, _, err = c.param("last_event_id"); err != nil || text == "" {
			return 0, false, err
		}
	}
	after, err = strconv.ParseInt(text, 10, 64)
	if err != nil || after < 0 {
		return 0, false, web.BadRequest("last_event_id", "Last-Event-ID (or last_event_id) must be the id of an action: a whole number from 0.")
	}
	return after, true, nil
}
