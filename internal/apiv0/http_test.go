package apiv0_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/stream"
)

// raw sends text over a connection of its own. AUTH in it stands for a member's
// header.
func (s *server) raw(text string) *bufio.Reader {
	s.t.Helper()
	c := s.dial()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, strings.ReplaceAll(text, "AUTH", "Authorization: Basic "+basic(s, "")))
	return bufio.NewReader(c)
}

func (s *server) response(in *bufio.Reader, method string) (*http.Response, string) {
	s.t.Helper()
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(body)
}

// TestUnusualRequests sends what no ordinary client sends.
func TestUnusualRequests(t *testing.T) {
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)))
	before := s.head()
	const host = " HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct {
		name, request string
		status        []int
	}{
		{"HTTP/1.0", "GET /api/v0/status/current HTTP/1.0\r\n\r\n", []int{200}},
		{"HTTP/1.0 with a password", "GET /api/v0/all HTTP/1.0\r\nAUTH\r\n\r\n", []int{200}},
		{"absolute form", "GET http://other.example/api/v0/status/current" + host + "\r\n", []int{200}},
		{"absolute form without a path", "GET http://other.example" + host + "\r\n", []int{307, 404}},
		{"no Host", "GET /api/v0/status HTTP/1.1\r\n\r\n", []int{400}},
		{"two Hosts", "GET /api/v0/status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", []int{400}},
		{"HTTP/3.0", "GET /api/v0/status HTTP/3.0\r\nHost: x\r\n\r\n", []int{505, 400}},
		{"a lower-case method", "get /api/v0/status" + host + "\r\n", []int{405}},
		{"an unknown method", "BREW /api/v0/status" + host + "\r\n", []int{405}},
		{"CONNECT", "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", []int{404, 405, 400}},
		{"CONNECT of a path", "CONNECT /api/v0/status" + host + "\r\n", []int{405}},
		{"TRACE", "TRACE /api/v0/status" + host + "\r\n", []int{405}},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", []int{200, 404}},
		{"PRI of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 404, 405, 505}},
		{"two slashes", "GET //api//v0//status" + host + "\r\n", []int{307}},
		{"a slash at the end", "GET /api/v0/status/" + host + "\r\n", []int{404}},
		{"dots", "GET /api/v0/./status" + host + "\r\n", []int{307}},
		{"dots that leave", "GET /api/v0/../../etc/passwd" + host + "\r\n", []int{307}},
		{"escaped dots", "GET /api/v0/%2e%2e/v0/status" + host + "\r\n", []int{404, 307}},
		{"an escaped letter", "GET /api/v0/%73tatus" + host + "\r\n", []int{200}},
		{"an escaped slash", "GET /api/v0/status%2fcurrent" + host + "\r\n", []int{404}},
		{"escaped NUL", "GET /api/v0/status%00" + host + "\r\n", []int{404}},
		{"invalid UTF-8", "GET /api/v0/%ff" + host + "\r\n", []int{404}},
		{"a wrong escape", "GET /api/v0/%zz" + host + "\r\n", []int{400}},
		{"a wrong escape in the query", "GET /api/v0/status?time=%zz" + host + "\r\n", []int{400}},
		{"a semicolon in the query", "GET /api/v0/status?time=1;count=2" + host + "\r\n", []int{400}},
		{"a fragment", "GET /api/v0/status#current" + host + "\r\n", []int{404, 400}},
		{"a very long query", "GET /api/v0/status/current?x=" + strings.Repeat("y", 500_000) + host + "\r\n", []int{200}},
		{"a longer query", "GET /api/v0/status/current?x=" + strings.Repeat("y", 2_000_000) + host + "\r\n", []int{431, 414, 400}},
		{"very many parameters", "GET /api/v0/status/current?" + strings.Repeat("&x", 100_000) + host + "\r\n", []int{200, 400}},
		{"a huge header", "GET /api/v0/status" + host + "X: " + strings.Repeat("y", 2_000_000) + "\r\n\r\n", []int{431}},
		{"a body with GET", "GET /api/v0/status/current" + host + "Content-Length: 5\r\n\r\nhello", []int{200}},
		{"a length that is no number", "PUT /api/v0" + host + "AUTH\r\nContent-Length: x\r\n\r\n", []int{400}},
		{"a negative length", "PUT /api/v0" + host + "AUTH\r\nContent-Length: -5\r\n\r\n", []int{400}},
		{"two lengths", "PUT /api/v0" + host + "AUTH\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", []int{400}},
		{"a length and chunks", "PUT /api/v0" + host + "AUTH\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{400}},
		{"an unknown coding", "PUT /api/v0" + host + "AUTH\r\nTransfer-Encoding: gzip\r\n\r\n", []int{501, 400}},
		{"broken chunks", "PUT /api/v0" + host + "AUTH\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", []int{400}},
		{"an endless body without a password", "PUT /api/v0" + host + "Content-Length: 999999999\r\n\r\n{", []int{401}},
		{"an endless body where none belongs", "DELETE /api/v0" + host + "Content-Length: 999999999\r\n\r\n{", []int{405}},
		{"a huge body", "PUT /api/v0" + host + "AUTH\r\nContent-Length: 999999999999\r\n\r\n{", []int{413}},
		{"a compressed body", "PUT /api/v0" + host + "AUTH\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", []int{400}},
		{"a line feed in a header", "GET /api/v0/status/current" + host + "X: a\r\n b\r\n\r\n", []int{200, 400}},
		{"white space before a header's colon", "GET /api/v0/status" + host + "X : a\r\n\r\n", []int{400}},
		{"NUL in a header", "GET /api/v0/status" + host + "X: a\x00b\r\n\r\n", []int{400}},
		{"no headers at all", "GET /api/v0/status\r\n\r\n", []int{400}},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}},
		{"an upgrade", "GET /api/v0/status/current" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", []int{200}},
		{"a range", "GET /api/v0/status/current" + host + "Range: bytes=0-1\r\n\r\n", []int{200}},
		{"two passwords", "GET /api/v0/all" + host + "AUTH\r\nAuthorization: Basic eDp5\r\n\r\n", []int{200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, err := http.ReadResponse(s.raw(c.request), nil)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if !slices.Contains(c.status, resp.StatusCode) {
				t.Errorf("status %d, want %v", resp.StatusCode, c.status)
			}
		})
	}
	wantEqual(t, "nothing was stored", s.head(), before)
	if log := s.log.String(); strings.Contains(log, `"panic"`) || strings.Contains(log, `"ERROR"`) {
		t.Error(log)
	}
}

// TestPipelining sends requests without waiting for answers.
func TestPipelining(t *testing.T) {
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)))
	put := fmt.Sprintf("PUT /api/v0 HTTP/1.1\r\nHost: x\r\nAUTH\r\nContent-Length: %d\r\n\r\n%s", len(openStatus), openStatus)
	const get = "GET /api/v0/all?id=last HTTP/1.1\r\nHost: x\r\nAUTH\r\n\r\n"
	in := s.raw(strings.Repeat(put+get, 20) + "HEAD /api/v0/all/stream HTTP/1.1\r\nHost: x\r\nAUTH\r\n\r\n" + get + "GET /api/v0/status/stream HTTP/1.1\r\nHost: x\r\nAUTH\r\n\r\n" + get)
	for i := range 20 {
		_, id := s.response(in, "PUT")
		wantEqual(t, "id", id, i+3)
		_, newest := s.response(in, "GET")
		wantEqual(t, "newest", ids(t, newest), "["+id+"]")
	}
	resp, _ := s.response(in, "HEAD")
	wantEqual(t, "HEAD of a stream", []any{resp.StatusCode, resp.Close}, []any{200, false})
	_, newest := s.response(in, "GET")
	wantEqual(t, "newest", ids(t, newest), "[22]")
	// A stream is the last answer of its connection.
	wantEqual(t, "stream", readIDs(t, in, 1), []string{"22"})
	s.hub.Close(t.Context())
	if rest, err := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("after the stream came %q, %v", rest, err)
	}
}

// TestOldProtocol streams to a client that speaks HTTP/1.0.
func TestOldProtocol(t *testing.T) {
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)))
	in := s.raw("GET /api/v0/all/stream HTTP/1.0\r\nAUTH\r\n\r\n")
	line, _, err := in.ReadLine()
	wantEqual(t, "status line", []any{string(line), err}, []any{"HTTP/1.0 200 OK", nil})
	for string(line) != "" {
		if line, _, err = in.ReadLine(); err != nil {
			t.Fatal(err)
		}
	}
	s.put(openStatus)
	for _, want := range []string{closed1, nobody2, public3} {
		line, _, err := in.ReadLine()
		wantEqual(t, "action", []any{string(line), err}, []any{want, nil})
	}
}

// TestHTTP2 uses one connection with TLS for everything at once.
func TestHTTP2(t *testing.T) {
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)))
	plain := s.url
	front := httptest.NewUnstartedServer(s.handler)
	front.EnableHTTP2 = true
	front.Config.WriteTimeout = 300 * time.Millisecond // streams may last longer
	front.StartTLS()
	defer front.Close()
	base := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: front.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}, ForceAttemptHTTP2: true}
	defer base.CloseIdleConnections()
	s.client.Transport, s.url = base, front.URL
	defer func() { s.url = plain }()

	newline, sse := s.open("member", "all/stream?keepalive=1"), s.open("", "status/stream?format=SSE")
	wantEqual(t, "protocol", newline.resp.Proto, "HTTP/2.0")
	newline.want(closed1, nobody2)
	for i := range 50 {
		s.setStatus([]string{"public", "closed"}[i%2])
	}
	for id := 3; id <= 52; id++ {
		newline.ids(fmt.Sprint(id))
	}
	wantEqual(t, "SSE", sse.event(), "retry: 3000")
	for range 51 {
		sse.event()
	}
	resumed := s.open("member", "all/stream", "Last-Event-ID", "50")
	resumed.ids("51 52")
	s.status(413, "", "member", "PUT", "/api/v0", strings.Repeat(" ", 16<<10+1))
	s.status(400, "", "member", "PUT", "/api/v0", "{")
	newline.want("")
	for _, r := range []*reader{newline, sse, resumed} {
		r.close()
	}
	eventually(t, "the streams to end", func() bool { return s.hub.Len() == 0 })
}

// TestImpatientClients leave in the middle of everything.
func TestImpatientClients(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		for range 30 {
			for _, request := range []string{
				"PUT /api/v0 HTTP/1.1\r\nHost: x\r\nAUTH\r\nContent-Length: 90\r\n\r\n{\"type\":",
				"GET /api/v0/all?count=5000 HTTP/1.1\r\nHost: x\r\nAUTH\r\n\r\n",
				"GET /api/v0/all/stream HTTP/1.1\r\nHost: x\r\nAUTH\r\nLast-Event-ID: 0\r\n\r\n",
				"GET /api/v0/all/str",
			} {
				c := s.dial()
				io.WriteString(c, strings.ReplaceAll(request, "AUTH", "Authorization: Basic "+basic(s, "")))
				c.(*net.TCPConn).SetLinger(0) // a reset
				c.Close()
			}
			s.put(openStatus)
		}
		wantEqual(t, "only whole writes", s.head(), 32)
		eventually(t, "the streams to end", func() bool { s.put(openStatus); return s.hub.Len() == 0 })
		if log := s.log.String(); strings.Contains(log, `"panic"`) || strings.Contains(log, `"ERROR"`) {
			t.Error(log)
		}
	})
}

// TestStreamCeilings: a stream too many is 503, until another has ended.
func TestStreamCeilings(t *testing.T) {
	for name, ceiling := range map[string]stream.Options{"in total": {MaxStreams: 3}, "per address": {MaxPerAddr: 3}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, dbtest.Open(t, dbtest.SQLite(t)))
			s.stop()
			s.streams = ceiling
			s.start()
			first := s.open("member", "all/stream")
			s.open("", "status/stream?format=SSE")
			s.open("member", "presence/stream")
			for _, path := range []string{"all/stream", "status/stream?public", "announcement/stream?format=SSE"} {
				resp := s.status(503, "", "member", "GET", "/api/v0/"+path, "")
				wantEqual(t, "Retry-After", resp.Header.Get("Retry-After"), 30)
				s.status(503, "", "member", "HEAD", "/api/v0/"+path, "")
			}
			s.status(200, "", "member", "GET", "/api/v0/all", "")
			first.close()
			eventually(t, "the end of the first", func() bool { s.put(openStatus); return s.hub.Len() == 2 })
			s.open("member", "announcement/stream")
		})
	}
}
