package apiv0_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// reader is an open stream.
type reader struct {
	t     testing.TB
	resp  *http.Response
	lines chan string // closed at the end
	err   error       // of the end, once lines is closed; nil for a clean one
	close func()
}

// open opens a stream, which must be answered with 200. It is closed with the
// test.
func (s *server) open(auth, path string, headers ...string) *reader {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp, err := s.client.Do(s.request(ctx, auth, "GET", "/api/v0/"+path, "", headers...))
	if err != nil {
		cancel()
		s.t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		cancel()
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		s.t.Fatalf("%s: %d %s", path, resp.StatusCode, text)
	}
	r := &reader{t: s.t, resp: resp, lines: make(chan string, 10_000)}
	gone := make(chan struct{})
	r.close = func() {
		cancel()
		<-gone
	}
	go func() {
		defer close(gone)
		defer resp.Body.Close()
		defer close(r.lines)
		in := bufio.NewReader(resp.Body)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				if !errors.Is(err, io.EOF) || line != "" {
					r.err = fmt.Errorf("%w after %q", err, line)
				}
				return
			}
			r.lines <- strings.TrimSuffix(line, "\n")
		}
	}()
	s.t.Cleanup(r.close)
	return r
}

// next returns the next line, or ok false at the stream's end.
func (r *reader) next() (line string, ok bool) {
	r.t.Helper()
	select {
	case line, ok = <-r.lines:
		return line, ok
	case <-time.After(10 * time.Second):
		r.t.Fatal("waited ten seconds for a line")
		return "", false
	}
}

func (r *reader) line() string {
	r.t.Helper()
	line, ok := r.next()
	if !ok {
		r.t.Fatalf("the stream ended: %v", r.err)
	}
	return line
}

// want wants the next lines.
func (r *reader) want(lines ...string) {
	r.t.Helper()
	for _, want := range lines {
		if got := r.line(); got != want {
			r.t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// id returns the id of the next action of a newline stream.
func (r *reader) id() string {
	r.t.Helper()
	return fmt.Sprint(parse(r.t, r.line())["id"])
}

// ids wants the ids of the next actions of a newline stream.
func (r *reader) ids(want string) {
	r.t.Helper()
	var got []string
	for range strings.Fields(want) {
		got = append(got, r.id())
	}
	wantEqual(r.t, "ids", strings.Join(got, " "), want)
}

// event returns the fields of the next server-sent event or comment, "; " between
// them.
func (r *reader) event() string {
	r.t.Helper()
	var fields []string
	for line := r.line(); line != ""; line = r.line() {
		fields = append(fields, line)
	}
	return strings.Join(fields, "; ")
}

// readIDs reads n actions of a newline stream from a connection of its own.
func readIDs(t testing.TB, c io.Reader, n int) (ids []string) {
	t.Helper()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(resp.Body)
	for len(ids) < n && lines.Scan() {
		ids = append(ids, fmt.Sprint(parse(t, lines.Text())["id"]))
	}
	if len(ids) < n {
		t.Fatalf("%d actions came, want %d: %v", len(ids), n, lines.Err())
	}
	return ids
}
