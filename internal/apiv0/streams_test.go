package apiv0_test

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestStreams follows the rows of the readings, "Streams".
func TestStreams(t *testing.T) {
	readings(t, []reading{
		{"Formats", readingFormats},
		{"Greeting", readingGreeting},
		{"SSE fields", readingFields},
		{"Resume", readingResume},
		{"Keep-alive", readingKeepAlive},
		{"Slow readers", readingSlowReaders},
	})
}

const (
	closed1 = `{"id":1,"time":1800000030,"type":"status","note":"initial state","user":"stint","status":"closed"}`
	nobody2 = `{"id":2,"time":1800000030,"type":"presence","note":"","users":[],"anonymous_users":0}`
	public3 = `{"id":3,"time":1800000030,"type":"status","note":"hi","user":"Hans","status":"public"}`
)

func readingFormats(t *testing.T, s *server) {
	for query, want := range map[string]string{
		"": "application/x-ndjson", "?format=": "application/x-ndjson", "?format=newline": "application/x-ndjson", "?format=NewLine": "application/x-ndjson",
		"?format=SSE": "text/event-stream", "?format=sse": "text/event-stream", "?format=sSe": "text/event-stream",
	} {
		for _, auth := range []string{"member", ""} {
			r := s.open(auth, "status/stream"+query)
			h := r.resp.Header
			wantEqual(t, query, []string{h.Get("Content-Type"), h.Get("Cache-Control"), h.Get("X-Accel-Buffering"), h.Get("Access-Control-Allow-Origin")}, []string{want, "no-cache", "no", "*"})
			r.close()
		}
	}
	for _, path := range []string{"status", "announcement", "announcements", "presence", "all"} {
		for _, query := range []string{"", "?format=SSE"} {
			resp, text := s.do("member", "HEAD", "/api/v0/"+path+"/stream"+query, "")
			wantEqual(t, "HEAD "+path, []any{resp.StatusCode, text}, []any{200, ""})
		}
	}
	for _, wrong := range []string{"xml", "json", "newlines", "SSE ", "s\u017fe", "\x00"} {
		s.status(400, "format", "member", "GET", "/api/v0/all/stream?format="+url.QueryEscape(wrong), "")
	}
	s.status(400, "format", "", "GET", "/api/v0/status/stream?format=xml", "")
	s.status(400, "format", "member", "HEAD", "/api/v0/status/stream?format=xml", "")
	s.status(400, "format", "member", "GET", "/api/v0/all/stream?format=SSE&format=SSE", "")
	next := map[bool]string{true: "public", false: "closed"}
	for i := 0; s.hub.Len() > 0 && i < 1000; i++ { // who left is noticed by the next write
		s.put(`{"type":"status","user":"Hans","status":"` + next[i%2 == 0] + `","note":""}`)
	}
	wantEqual(t, "streams", s.hub.Len(), 0)
}

func readingGreeting(t *testing.T, s *server) {
	s.open("member", "all/stream").want(closed1, nobody2)
	s.open("member", "status/stream").want(closed1)
	s.open("member", "presence/stream").want(nobody2)
	s.open("", "status/stream").want(`{"time":1800000030,"type":"status","status":"closed"}`)
	announcement := s.open("member", "announcement/stream") // says nothing yet
	all := s.open("member", "all/stream?format=newline")
	all.want(closed1, nobody2)
	s.put(openStatus)
	all.want(public3)
	s.announce(0, 60)
	all.ids("4")
	announcement.ids("4")
	s.put(openStatus)
	all.ids("5")
	s.open("member", "all/stream").ids("2 4 5")
	s.open("member", "status/stream").ids("5")
	s.open("member", "announcements/stream").ids("4")
	s.present("Hans")
	s.look()
	all.ids("6")
	s.open("member", "all/stream").ids("4 5 6")
	s.restart()
	s.open("member", "all/stream").ids("4 5 6")
}

func readingFields(t *testing.T, s *server) {
	member, public, none := s.open("member", "all/stream?format=SSE"), s.open("", "status/stream?format=SSE"), s.open("member", "announcement/stream?format=SSE")
	s.put(openStatus)
	for _, want := range []string{"retry: 3000", "id: 1; data: " + closed1, "id: 2; data: " + nobody2, "id: 3; data: " + public3} {
		wantEqual(t, "member", member.event(), want)
	}
	for _, want := range []string{"retry: 3000", `data: {"time":1800000030,"type":"status","status":"closed"}`, `data: {"time":1800000030,"type":"status","status":"public"}`} {
		wantEqual(t, "public", public.event(), want)
	}
	aid := s.announce(0, 60, `"note":"two\nlines\r\u2028\u0085"`)
	// A browser that has heard nothing yet still needs an id to resume from.
	wantEqual(t, "announcement", []string{none.event(), none.event()}, []string{"retry: 3000", "id: 2"})
	if got := none.event(); !strings.HasPrefix(got, "id: "+aid+`; data: {"id":4,"time":1800000030,"type":"announcement","note":"two\nlines\r`) {
		t.Errorf("announcement: %s", got)
	}
}

// readingResume resumes every stream after every id.
func readingResume(t *testing.T, s *server) {
	s.thirty()
	log := actions(t, s.get("member", "/api/v0/all?count=30"))
	check := func() {
		t.Helper()
		for path, of := range map[string]string{"all": "", "status": "status", "announcement": "announcement", "presence": "presence"} {
			for after := range 31 {
				want := []string{}
				for _, a := range log[after:] {
					if of == "" || a["type"] == of {
						want = append(want, fmt.Sprint(a["id"]))
					}
				}
				query, header := "?last_event_id=nonsense", fmt.Sprint(after)
				if after%2 == 1 {
					query, header = "?last_event_id="+header, ""
				}
				r := s.open("member", path+"/stream"+query, "Last-Event-ID", header)
				r.ids(strings.Join(want, " "))
				r.close()
			}
		}
	}
	check()
	s.restart()
	check()

	live := s.open("member", "status/stream", "Last-Event-ID", "27")
	live.ids("30")
	s.put(openStatus)
	live.ids("31")
	sse := s.open("member", "all/stream?format=SSE", "Last-Event-ID", "30")
	wantEqual(t, "SSE", []string{sse.event(), strings.Split(sse.event(), ";")[0]}, []string{"retry: 3000", "id: 31"})
	for _, beyond := range []string{"32", "9223372036854775807"} {
		s.open("member", "all/stream", "Last-Event-ID", beyond).ids("2 29 31")
	}
	s.open("member", "all/stream?last_event_id=", "Last-Event-ID", "").ids("2 29 31")
	for _, wrong := range []string{"-1", "x", "1.5", "9223372036854775808", "0x1", "1 2"} {
		s.status(400, "last_event_id", "member", "GET", "/api/v0/all/stream", "", "Last-Event-ID", wrong)
		s.status(400, "last_event_id", "member", "GET", "/api/v0/all/stream?last_event_id="+url.QueryEscape(wrong), "")
	}
	s.status(400, "last_event_id", "member", "GET", "/api/v0/all/stream?last_event_id=1&last_event_id=1", "")
}

func readingKeepAlive(t *testing.T, s *server) {
	silent := s.open("member", "status/stream")
	newline := s.open("member", "status/stream?keepalive=1")
	public := s.open("", "status/stream?keepalive=1&format=SSE")
	silent.want(closed1)
	newline.want(closed1, "")
	wantEqual(t, "SSE", []string{public.event(), public.event(), public.event()}, []string{"retry: 3000", `data: {"time":1800000030,"type":"status","status":"closed"}`, ":"})
	s.put(openStatus)
	silent.want(public3)
	for _, wrong := range []string{"0", "-1", "x", "1.5", "3601", "99999999999999999999", "+5"} {
		for _, format := range []string{"newline", "SSE"} {
			s.status(400, "keepalive", "member", "GET", "/api/v0/status/stream?format="+format+"&keepalive="+url.QueryEscape(wrong), "")
		}
	}
	s.status(400, "keepalive", "member", "GET", "/api/v0/status/stream?keepalive=1&keepalive=1", "")
	s.open("member", "status/stream?keepalive=3600").want(public3)
	s.open("member", "status/stream?keepalive=").want(public3)
}

// readingSlowReaders stalls readers whose connections hold little.
func readingSlowReaders(t *testing.T, s *server) {
	s.stop()
	s.accepted = func(c net.Conn) { c.(*net.TCPConn).SetWriteBuffer(4 << 10) }
	s.start()
	var slow []net.Conn
	for _, path := range []string{"all", "status"} {
		c := s.dial()
		c.(*net.TCPConn).SetReadBuffer(4 << 10)
		fmt.Fprintf(c, "GET /api/v0/%s/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n\r\n", path, basic(s, ""))
		slow = append(slow, c)
	}
	eventually(t, "the slow readers", func() bool { return s.hub.Len() == len(slow) })
	quick := s.open("member", "all/stream")
	quick.ids("1 2")
	var want []string
	note := strings.Repeat("x", 80)
	for i := range 200 {
		id := s.put(`{"type":"status","user":"Hans","status":"public","note":"` + note + `"}`)
		wantEqual(t, "id", id, i+3)
		quick.ids(id)
		want = append(want, id)
	}
	for i, c := range slow {
		got := readIDs(t, c, len(want)+2-i)
		if !slices.Equal(got[2-i:], want) {
			t.Errorf("got %v", got)
		}
	}
	s.stop()
	s.streams.WriteTimeout = 200 * time.Millisecond
	s.start()
	c := s.dial()
	c.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(c, "GET /api/v0/all/stream HTTP/1.1\r\nHost: x\r\nLast-Event-ID: 0\r\nAuthorization: Basic %s\r\n\r\n", basic(s, ""))
	eventually(t, "the stream", func() bool { return s.hub.Len() == 1 })
	eventually(t, "the end of a blocked write", func() bool { return s.hub.Len() == 0 })
}
