package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stint/client"
)

// listen runs a stream until the test ends and passes on what comes.
func listen(t *testing.T, c *client.Client, of client.Type, o client.StreamOptions) <-chan client.Action {
	ctx, cancel := context.WithCancel(context.Background())
	actions, done := make(chan client.Action, 100), make(chan struct{})
	go func() {
		defer close(done)
		for a, err := range c.Stream(ctx, of, o) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
				return
			}
			actions <- a
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return actions
}

// next fails if nothing comes for ten seconds.
func next(t *testing.T, actions <-chan client.Action) client.Action {
	t.Helper()
	select {
	case a := <-actions:
		return a
	case <-time.After(10 * time.Second):
		t.Fatal("nothing came")
		return client.Action{}
	}
}

func TestStreamOfAll(t *testing.T) {
	h := newHouse(t, nil)
	c := h.member(t)
	actions := listen(t, c, client.TypeAll, client.StreamOptions{})
	for id := range int64(2) {
		if a := next(t, actions); a.ID != id+1 {
			t.Errorf("greeting: %+v", a)
		}
	}
	must(c.SetStatus(t.Context(), "Hans", client.Public, "hi"))(t)
	same(t, "action", next(t, actions), client.Action{ID: 3, Type: client.TypeStatus, Note: "hi", User: "Hans", Status: client.Public})
	same(t, "after 1", next(t, listen(t, c, client.TypeAll, client.StreamOptions{After: 1})).ID, int64(2))
}

// Nothing is lost and nothing comes twice when the server restarts, also where
// there was no action yet that could have been remembered.
func TestStreamAcrossRestart(t *testing.T) {
	h := newHouse(t, nil)
	c := h.member(t)
	var waited atomic.Bool
	status := listen(t, c, client.TypeStatus, client.StreamOptions{Waiting: func(error, time.Duration) { waited.Store(true) }})
	announced := listen(t, c, client.TypeAnnouncement, client.StreamOptions{})
	public := listen(t, h.public(t), client.TypeStatus, client.StreamOptions{})
	same(t, "greeting", next(t, status).ID, int64(1))
	same(t, "public greeting", next(t, public).Status, client.Closed)
	time.Sleep(time.Second) // a stream without a greeting gives no sign that it has begun
	for round := range 2 {
		if err := h.stop(); err != nil {
			t.Fatal(err)
		}
		h.restart(t, nil)
		for range 3 {
			must(c.Announce(t.Context(), client.Announcement{User: "Hans", To: time.Now().Add(time.Hour)}))(t)
			must(c.SetStatus(t.Context(), "Hans", client.Private, ""))(t)
		}
		for i := range int64(3) {
			want := 3 + 6*int64(round) + 2*i
			same(t, "announcement", next(t, announced).ID, want)
			same(t, "status", next(t, status).ID, want+1)
		}
	}
	if !waited.Load() {
		t.Error("the interruption was not reported")
	}
	must(c.SetStatus(t.Context(), "Hans", client.Public, ""))(t)
	same(t, "public status", next(t, public).Status, client.Public)
}

func TestStreamBeforeTheServer(t *testing.T) {
	h := newHouse(t, nil)
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 100)
	actions := listen(t, h.member(t), client.TypePresence, client.StreamOptions{Waiting: func(err error, _ time.Duration) { waiting <- err }})
	if err := <-waiting; err == nil {
		t.Error("no reason was given")
	}
	h.restart(t, nil)
	same(t, "greeting", next(t, actions).ID, int64(2))
}

func TestStreamEnds(t *testing.T) {
	h := newHouse(t, nil)
	wrong := h.member(t)
	wrong.Password = "wrong"
	var e *client.Error
	for _, err := range wrong.Stream(t.Context(), client.TypeAll, client.StreamOptions{}) {
		if !errors.As(err, &e) || e.Status != http.StatusUnauthorized {
			t.Errorf("%v", err)
		}
	}
	if e == nil {
		t.Error("the stream ended without a reason")
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range h.member(t).Stream(ctx, client.TypeStatus, client.StreamOptions{}) {
		last = err
		cancel()
	}
	if last != context.Canceled {
		t.Errorf("%v, want %v", last, context.Canceled)
	}
	for _, err := range h.member(t).Stream(t.Context(), client.TypeStatus, client.StreamOptions{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
}

// dead is a network that swallows everything: the answer begins and never goes
// on.
type dead struct{ tries atomic.Int32 }

func (d *dead) RoundTrip(r *http.Request) (*http.Response, error) {
	d.tries.Add(1)
	body, w := io.Pipe()
	context.AfterFunc(r.Context(), func() { w.CloseWithError(context.Cause(r.Context())) })
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: body, Request: r}, nil
}

func TestSilentConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
		defer cancel()
		network := &dead{}
		c := &client.Client{BaseURL: "http://stint.invalid", Password: "x", HTTP: &http.Client{Transport: network}}
		var reasons []string
		o := client.StreamOptions{Waiting: func(err error, _ time.Duration) { reasons = append(reasons, err.Error()) }}
		for _, err := range c.Stream(ctx, client.TypeAll, o) {
			if err != context.DeadlineExceeded {
				t.Errorf("%v", err)
			}
		}
		if n := network.tries.Load(); n != 4 || len(reasons) != 3 || reasons[0] != "the server was silent for 1m15s" {
			t.Errorf("%d tries, %q", n, reasons)
		}
	})
}
