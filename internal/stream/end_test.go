package stream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"context"
)

// End ends the streams of one log, and only them, whether they were taken over or not.
func TestEnd(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			h := NewHub(Options{})
			nothing := func(_ context.Context, after int64) ([]byte, int64, error) { return nil, after, nil }
			logs := map[string]*Log{"/a": h.NewLog(0, nothing), "/b": h.NewLog(0, nothing)}
			srv := startServer(secure, func(w http.ResponseWriter, r *http.Request) {
				if err := logs[r.URL.Path].Serve(w, r, Subscription{Prelude: []byte("begin\n")}); err != nil {
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
				return resp.Body
			}
			ended, other := open("/a"), open("/b")
			defer other.Close()
			if got := readN(t, ended, 6); got != "begin\n" {
				t.Fatalf("%q", got)
			}
			logs["/a"].Append(Event{ID: 1, Frame: []byte("one\n")})
			if got := readN(t, ended, 4); got != "one\n" || logs["/a"].Readers() != 1 {
				t.Fatalf("%q, %d readers", got, logs["/a"].Readers())
			}
			logs["/a"].End()
			if rest, err := io.ReadAll(ended); err != nil || len(rest) > 0 {
				t.Errorf("%q %v", rest, err)
			}
			late := open("/a")
			if rest, err := io.ReadAll(late); err != nil || string(rest) != "begin\n" {
				t.Errorf("begun after the end: %q %v", rest, err)
			}
			logs["/b"].Append(Event{ID: 2, Frame: []byte("two\n")})
			if got := readN(t, other, 10); got != "begin\ntwo\n" {
				t.Errorf("the other log's stream: %q", got)
			}
			for until := time.Now().Add(5 * time.Second); logs["/a"].Readers() != 0; time.Sleep(time.Millisecond) {
				if time.Now().After(until) {
					t.Fatalf("%d readers left", logs["/a"].Readers())
				}
			}
			if logs["/b"].Readers() != 1 {
				t.Errorf("the other log has %d readers", logs["/b"].Readers())
			}
		})
	}
}

func readN(t *testing.T, r io.Reader, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// startServer serves over TLS, where connections can't be taken over, or over plain TCP.
func startServer(secure bool, serve http.HandlerFunc) *httptest.Server {
	if secure {
		return httptest.NewTLSServer(serve)
	}
	return httptest.NewServer(serve)
}
