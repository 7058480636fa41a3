package stream

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// A stream whose Until is closed gets no further event, and ends; others go on.
func TestUntil(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			h := NewHub(Options{LookEvery: 50 * time.Millisecond})
			log := h.NewLog(0, func(_ context.Context, after int64) ([]byte, int64, error) { return nil, after, nil })
			until := map[string]chan struct{}{"/first": make(chan struct{}), "/second": make(chan struct{})}
			srv := startServer(secure, func(w http.ResponseWriter, r *http.Request) {
				if err := log.Serve(w, r, Subscription{Prelude: []byte("begin\n"), Until: until[r.URL.Path]}); err != nil {
					t.Error(err)
				}
			})
			defer srv.Close()
			defer h.Close(t.Context())
			open := func(path string) io.ReadCloser {
				t.Helper()
				resp, err := srv.Client().Get(srv.URL + path)
				if err != nil {
					t.Fatal(err)
				}
				if got := readN(t, resp.Body, 6); got != "begin\n" {
					t.Fatalf("%q", got)
				}
				return resp.Body
			}
			first, second, forever := open("/first"), open("/second"), open("/forever")
			defer forever.Close()
			close(until["/first"])
			log.Append(Event{ID: 1, Frame: []byte("one\n")})
			if rest, err := io.ReadAll(first); err != nil || len(rest) > 0 {
				t.Errorf("after its end: %q, %v", rest, err)
			}
			if got := readN(t, second, 4) + readN(t, forever, 4); got != "one\none\n" {
				t.Errorf("the others got %q", got)
			}
			close(until["/second"]) // nothing happens any more
			if rest, err := io.ReadAll(second); err != nil || len(rest) > 0 {
				t.Errorf("a quiet stream after its end: %q, %v", rest, err)
			}
			for limit := time.Now().Add(5 * time.Second); log.Readers() != 1; time.Sleep(time.Millisecond) {
				if time.Now().After(limit) {
					t.Fatalf("%d readers", log.Readers())
				}
			}
		})
	}
}

// Signs of life lie on whole seconds, so that none tells when somebody else was written to.
func TestSignsOfLifeLieOnAGrid(t *testing.T) {
	for _, c := range []struct{ wrote, keepAlive, want time.Duration }{
		{0, time.Second, time.Second},
		{300 * time.Millisecond, time.Second, time.Second},
		{999 * time.Millisecond, time.Second, time.Second},
		{12_345 * time.Millisecond, 25 * time.Second, 37 * time.Second},
	} {
		s := &subscriber{wrote: c.wrote, keepAlive: c.keepAlive}
		if got := s.due(); got != c.want || got <= c.wrote {
			t.Errorf("written to at %v, due at %v, want %v", c.wrote, got, c.want)
		}
	}
	// A round at any instant neither sends what is not due nor moves what is.
	s := &subscriber{wrote: 300 * time.Millisecond, keepAlive: 2 * time.Second}
	w := &worker{hub: &Hub{opts: Options{LookEvery: time.Hour}}, nextAlive: time.Second, nextLook: time.Hour, now: 1_700 * time.Millisecond}
	ln := &lane{subs: []*subscriber{s}}
	w.lanes = []*lane{ln}
	w.round()
	if w.nextAlive != 2*time.Second || s.wrote != 300*time.Millisecond {
		t.Errorf("the next round is at %v, the last write was at %v", w.nextAlive, s.wrote)
	}
}
