package apiv2_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stint/internal/db/dbtest"
)

const events = "/api/v2/events.php"

// listener reads a stream.
type listener struct {
	t      testing.TB
	header http.Header
	lines  chan string // closed at the end
	stop   func() error
}

// listen opens a stream; it ends with the test.
func (s *story) listen(token, query string, headers ...string) *listener {
	s.t.Helper()
	r, err := http.NewRequest("GET", s.url+events+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if resp.StatusCode != 200 {
		s.t.Fatalf("%d", resp.StatusCode)
	}
	l := &listener{t: s.t, header: resp.Header, lines: make(chan string, 1000), stop: resp.Body.Close}
	s.t.Cleanup(func() { l.stop() })
	go func() {
		defer close(l.lines)
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			l.lines <- in.Text()
		}
	}()
	return l
}

func (l *listener) line() string {
	l.t.Helper()
	select {
	case line, ok := <-l.lines:
		if !ok {
			l.t.Fatal("the stream has ended")
		}
		return line
	case <-time.After(10 * time.Second):
		l.t.Fatal("nothing came")
	}
	return ""
}

// event reads an event of a stream of lines.
func (l *listener) event() object {
	l.t.Helper()
	line := l.line()
	var o object
	d := json.NewDecoder(strings.NewReader(line))
	d.UseNumber()
	if err := d.Decode(&o); err != nil {
		l.t.Fatalf("%v in %q", err, line)
	}
	return o
}

// is checks the kind of the next event and returns its id.
func (l *listener) is(kind string) string {
	l.t.Helper()
	o := l.event()
	if o["event"] != kind {
		l.t.Fatalf("%v, want %s", o, kind)
	}
	return fmt.Sprint(o["id"])
}

// nothing checks that no event comes for a while.
func (l *listener) nothing() {
	l.t.Helper()
	select {
	case line, ok := <-l.lines:
		l.t.Fatalf("%q %v", line, ok)
	case <-time.After(100 * time.Millisecond):
	}
}

func TestEvents(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		bobs := s.listen(s.bob, "")
		ann := s.listen(s.token, "?format=NEWLINE")
		if got := ann.header.Get("Last-Event-ID"); got != "0" || ann.header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%v", ann.header)
		}
		id := s.begin(dice, link)
		started := ann.event()
		if started["event"] != "started" || fmt.Sprint(started["session"]) != id || started["schedule"] != "2026-02-10 12:00:00" {
			t.Errorf("%v", started)
		}
		first := fmt.Sprint(started["id"])
		played := s.play("dice", id).must(200)
		play := ann.event()
		if play["event"] != "play" || play["source"] != "DICE" || play["rolled"] != played.body.at("data.seconds") || fmt.Sprint(play["nonce"]) != "1" {
			t.Errorf("%v", play)
		}
		s.vote(s.voteToken(id), "add").must(200)
		ann.is("vote")
		s.patch(id, `{"scheduledend":"2026-02-12"}`).must(200)
		ann.is("changed")
		s.link()
		s.as(s.bob, "PATCH", games+"?session="+id, `{"link":null}`).must(200)
		ann.is("games")
		bobs.nothing()
		// Resumed, from the log's window and from the table.
		for _, l := range []*listener{s.listen(s.token, "", "Last-Event-ID", first), s.listen(s.token, "?last_event_id="+first)} {
			for _, kind := range []string{"play", "vote", "changed", "games"} {
				l.is(kind)
			}
			l.nothing()
		}
		future := s.listen(s.token, "?last_event_id=1000000")
		future.nothing()
		s.pass(time.Hour)
		s.patch(id, `{"endNow":true}`).must(200)
		ann.is("stopped")
		future.is("stopped")
	})
}

func TestServerSentEvents(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		l := s.listen(s.token, "?format=SSE&keepalive=1")
		for _, want := range []string{"retry: 3000", "id: 0", ""} {
			if got := l.line(); got != want {
				t.Fatalf("%q, want %q", got, want)
			}
		}
		s.begin(dice)
		if id, data := l.line(), l.line(); !strings.HasPrefix(id, "id: ") || !strings.HasPrefix(data, `data: {"id":`+id[4:]+",") {
			t.Errorf("%q %q", id, data)
		}
		l.line()
		if got := l.line(); got != ":" {
			t.Errorf("no sign of life: %q", got)
		}
	})
}

// A stream goes on after a restart, on another server of the same database too, and hears what that one does.
func TestEventsAfterARestart(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		clock := newClock()
		one := &story{server: serve(t, dbtest.Open(t, target), clock, withEvents(t))}
		l := one.listen(one.token, "")
		id := one.begin(luck)
		last := l.is("started")
		l.stop()
		one.play("luck", id).must(200)
		two := &story{server: serve(t, dbtest.Open(t, target), clock, withEvents(t))}
		two.token = one.token
		resumed := two.listen(two.token, "?last_event_id="+last)
		resumed.is("play")
		resumed.nothing()
		one.play("luck", id).must(200)
		resumed.is("play")
	})
}

// Whoever revokes a token ends its streams.
func TestRevokedTokenEndsItsStreams(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		tablet := s.tokenOf("Ann", "tablet", "read", time.Time{})
		l, other := s.listen(tablet, ""), s.listen(s.token, "")
		if err := s.accounts.RevokeToken(t.Context(), "Ann", "tablet"); err != nil {
			t.Fatal(err)
		}
		s.begin(dice)
		other.is("started")
		for end := time.After(10 * time.Second); ; {
			select {
			case line, ok := <-l.lines:
				if ok {
					t.Fatalf("%q after the token was revoked", line)
				}
				return
			case <-end:
				t.Fatal("the stream goes on")
			}
		}
	})
}

func TestRefusedStreams(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		for query, field := range map[string]string{
			"?format=xml": "format", "?keepalive=0": "keepalive", "?keepalive=3601": "keepalive", "?keepalive=x": "keepalive",
			"?last_event_id=-1": "last_event_id", "?last_event_id=x": "last_event_id",
		} {
			s.do("GET", events+query, "").refused(400, "validation", field)
		}
		s.as("", "GET", events, "").refused(401, "unauthorized", "")
		s.do("POST", events, "").refused(405, "method_not_allowed", "")
		s.do("HEAD", events, "").must(200)
		for range 20 {
			s.listen(s.token, "")
		}
		if r := s.do("GET", events, "").refused(503, "unavailable", ""); r.header.Get("Retry-After") == "" {
			t.Errorf("%v", r.header)
		}
	})
}

// Logs that nobody reads any more are let go, and the next reader gets everything.
func TestStreamsThatCameAndWent(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(luck)
		last := ""
		for range 30 {
			l := s.listen(s.token, "?last_event_id="+last)
			s.play("luck", id).must(200)
			last = l.is("play")
			l.stop()
		}
	})
}
