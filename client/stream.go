package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

const (
	firstWait = 250 * time.Millisecond
	lastWait  = 30 * time.Second
	// The server sends something every 25 seconds; a connection that is silent
	// for this long is dead.
	maxSilence = 75 * time.Second
	maxLine    = 16 << 20 // bytes
)

// StreamOptions say how to stream. The zero value is ready to use.
type StreamOptions struct {
	// After is the id of the last action that is known: the stream begins with
	// every later one. 0 begins with the newest action of each type. The public
	// view has no ids; it always begins with the current status.
	After int64

	// Waiting, if not nil, is told why the stream is interrupted, and how long it
	// waits before it connects again. The error is nil if the server closed the
	// connection.
	Waiting func(err error, wait time.Duration)
}

// Stream returns the actions of a type as they happen. When the connection
// breaks, or can't be made, it tries again, with longer and longer waits of up to
// 30 seconds, and goes on where it was: a member gets every action once and in
// order. In the public view, actions that came and went during an interruption
// are not seen.
//
// The sequence ends only with the loop, with the context, or when the server
// refuses (a wrong password, say); the last error says so.
func (c *Client) Stream(ctx context.Context, t Type, o StreamOptions) iter.Seq2[Action, error] {
	return func(yield func(Action, error) bool) {
		f := &follower{client: c, of: t, after: o.After, resume: o.After > 0, yield: yield}
		for wait := firstWait; ; wait = min(2*wait, lastWait) {
			err := f.follow(ctx)
			var refused *Error
			switch {
			case err == errStopped:
				return
			case ctx.Err() != nil:
				yield(Action{}, ctx.Err())
				return
			case errors.As(err, &refused) && !refused.Temporary():
				yield(Action{}, err)
				return
			case f.alive:
				wait = firstWait
			}
			pause := wait/2 + rand.N(wait/2)
			if refused != nil {
				pause = max(pause, refused.RetryAfter)
			}
			if o.Waiting != nil {
				o.Waiting(err, pause)
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
			}
		}
	}
}

var errSilent = fmt.Errorf("the server was silent for %v", maxSilence)

// follower is a stream across its connections.
type follower struct {
	client *Client
	of     Type
	yield  func(Action, error) bool

	after  int64 // the id of the last action
	resume bool  // after counts
	last   Action
	alive  bool // this connection has brought news or a sign of life
}

// follow reads one connection to its end, and says why it ended: nil if the
// server closed it.
func (f *follower) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(maxSilence, func() { cancel(errSilent) })
	defer silence.Stop()
	f.alive = false
	res, err := f.connect(ctx)
	if err == nil {
		defer res.Body.Close()
		err = f.read(res.Body, silence)
	}
	if context.Cause(ctx) == errSilent {
		return errSilent
	}
	return err
}

// read passes on the data of each server-sent event. Other fields don't matter
// here: an action carries its id itself.
func (f *follower) read(body io.Reader, silence *time.Timer) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	var data []byte
	for {
		silence.Reset(maxSilence)
		more := lines.Scan()
		silence.Stop() // whoever reads the sequence may take their time
		if !more {
			return lines.Err()
		}
		line := lines.Bytes()
		if value, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		}
		if len(line) > 0 {
			f.alive = f.alive || line[0] == ':'
			continue
		}
		if len(data) > 0 {
			if err := f.give(data); err != nil {
				return err
			}
		}
		data = data[:0]
	}
}

// connect asks for the stream from the place where it was left.
func (f *follower) connect(ctx context.Context) (*http.Response, error) {
	if err := f.locate(ctx); err != nil {
		return nil, err
	}
	header := http.Header{"Accept": {"text/event-stream"}}
	if f.resume {
		header.Set("Last-Event-ID", strconv.FormatInt(f.after, 10))
	}
	res, err := f.client.do(ctx, http.MethodGet, "/"+string(f.of)+"/stream", url.Values{"format": {"SSE"}}, nil, header)
	if err != nil {
		return nil, err
	}
	if kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";"); kind != "text/event-stream" {
		res.Body.Close()
		return nil, fmt.Errorf("the answer is %q, not a stream", kind)
	}
	return res, nil
}

// locate finds the place to begin at when the log has no announcement yet: the
// greeting of such a stream is empty, and after a break nothing would say where
// to go on.
func (f *follower) locate(ctx context.Context) error {
	if f.resume || f.of != TypeAnnouncement || f.client.Password == "" {
		return nil
	}
	for _, err := range f.client.Actions(ctx, f.of, Query{ID: "last"}) {
		return err
	}
	f.resume = true
	return nil
}

// give passes an action on.
func (f *follower) give(data []byte) error {
	var a Action
	if err := json.Unmarshal(data, &a); err != nil {
		return fmt.Errorf("the stream can't be read: %w", err)
	}
	if a.ID > 0 {
		f.after, f.resume = a.ID, true
	} else if reflect.DeepEqual(a, f.last) {
		return nil // the public view greets again after a break
	}
	f.last, f.alive = a, true
	if !f.yield(a, nil) {
		return errStopped
	}
	return nil
}
