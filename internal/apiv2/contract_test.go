package apiv2_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/api/apitest"
	"stint/internal/account"
	"stint/internal/db/dbtest"
)

// TestEveryAnswerOfSessions has every answer that the contract documents for sessions given by the server.
func TestEveryAnswerOfSessions(t *testing.T) {
	t.Parallel()
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)), newClock(), behindProxy)
	reader := "Bearer " + s.tokenOf("Ann", "reader", account.TokenRead, time.Time{})
	from := func(addr string) []string {
		return []string{"X-Forwarded-For", addr, "X-Forwarded-Proto", "https"}
	}
	var slow sync.WaitGroup
	defer slow.Wait()
	for _, p := range []string{path, "/api/v2/sessions"} {
		for _, method := range []string{"POST", "PATCH"} {
			slow.Go(func() { s.never(method, p+"?id=1") })
		}
		s.provoke(p, reader)
		for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
			s.do(method, p, "", append(from("192.0.2.1"), "Authorization", "")...).must(401)
		}
	}
	for range 12 {
		s.do("GET", path, "", append(from("192.0.2.2"), "Authorization", "Bearer wrong")...)
	}
	for _, p := range []string{path, "/api/v2/sessions"} {
		for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
			s.do(method, p, "", append(from("192.0.2.2"), "Authorization", "Bearer wrong")...).must(429)
		}
	}
	slow.Wait()
	s.post(manual("2026-01-01", "", "2026-01-02", "")).must(201)
	everywhere := func(status int) {
		for _, p := range []string{path, "/api/v2/sessions"} {
			s.do("GET", p, "").must(status)
			s.do("POST", p, `{"type":"live"}`).must(status)
			s.do("PATCH", p+"?id=1", `{"public":1}`).must(status)
			s.do("DELETE", p+"?id=1", "").must(status)
		}
	}
	s.breakStore(t)
	everywhere(500)
	s.db.Close()
	everywhere(503)
	unseen, err := apitest.Unseen("/api/v2/sessions")
	if err != nil {
		t.Fatal(err)
	}
	if len(unseen) > 0 {
		t.Errorf("documented, but never answered:\n%s", strings.Join(unseen, "\n"))
	}
}

// provoke has the path give what it may give to those who have a token. It leaves nothing behind.
func (s *server) provoke(p, reader string) {
	s.t.Helper()
	long := strings.Repeat(" ", 64<<10+1)
	ended := s.do("POST", p, `{"startdate":"2026-01-01","enddate":"2026-01-02"}`, "Idempotency-Key", p).must(201).id()
	s.do("POST", p, `{"startdate":"2026-01-01","enddate":"2026-01-02"}`).must(409)
	live := s.do("POST", p, `{"type":"live","startdate":"2026-02-01","scheduledend":"2026-03-01","maxend":1,"dices":1,"dicespen":1,"links":1,"luck":1}`).must(201).id()
	s.do("GET", p, "").must(200)
	s.do("DELETE", p+"?id="+live, "").must(409)
	s.do("PATCH", p+"?id="+live, `{"endNow":true}`).must(200)
	s.do("PATCH", p+"?id="+live, `{"endNow":true}`).must(409)
	s.do("DELETE", p+"?id="+live, "").must(200)
	s.do("GET", p+"?limit=0", "").must(400)
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		s.do(method, p+"?id=99", map[string]string{"PATCH": `{"public":1}`}[method]).must(404)
	}
	for _, method := range []string{"POST", "PATCH", "DELETE"} {
		s.do(method, p+"?id=1", "", "Authorization", reader).must(403)
	}
	s.do("GET", p, "", "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "http").must(403)
	for _, method := range []string{"POST", "PATCH"} {
		s.do(method, p+"?id=1", "x").must(400)
		s.do(method, p+"?id=1", long).must(413)
		s.do(method, p+"?id=1", "{}", "Content-Type", "text/plain").must(415)
	}
	s.do("DELETE", p, "").must(400)
	s.do("DELETE", p+"?id="+ended, "").must(200)
}

// never sends a body that does not end.
func (s *server) never(method, target string) {
	body, w := io.Pipe()
	defer w.Close()
	go w.Write([]byte("{"))
	r, err := http.NewRequest(method, s.url+target, body)
	if err != nil {
		s.t.Error(err)
		return
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := s.client.Do(r)
	if err != nil {
		s.t.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestTimeout {
		s.t.Errorf("a body that does not end is answered %d", resp.StatusCode)
	}
}
