package client_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"stint/api/apitest"
	"stint/client"
	"stint/internal/account"
)

// sweep provokes the documented answers of a server.
type sweep struct {
	*testing.T
	*house
	client  *http.Client
	limited string // a password that reaches nothing but PUT of presence
}

// ask sends a request and reads the answer, of a stream only its beginning.
func (s *sweep) ask(method, path, password string, body io.Reader, header ...string) *http.Response {
	s.Helper()
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, body)
	if err != nil {
		s.Fatal(err)
	}
	if password != "" {
		r.SetBasicAuth("", password)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := s.client.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	if strings.Contains(path, "/stream") && res.StatusCode == http.StatusOK {
		io.ReadAtLeast(res.Body, make([]byte, 1), 1)
	} else if _, err := io.Copy(io.Discard, res.Body); err != nil {
		s.Fatal(err)
	}
	return res
}

// provoke sends what the answer called name, in the words of apitest.Unseen,
// answers.
func (s *sweep) provoke(name string) {
	s.Helper()
	words := strings.Fields(name)
	method, path, status := words[0], words[1], words[2]
	put := func(body string) io.Reader {
		if method == http.MethodPut {
			return strings.NewReader(body)
		}
		return nil
	}
	switch status {
	case "200":
		if strings.HasSuffix(path, "/stream") && words[3] == "text/event-stream" {
			path += "?format=SSE"
		}
		s.ask(method, path, s.password, put(`{"type":"presence","user":"Hans"}`))
	case "304":
		tag := s.ask(method, path, s.password, nil).Header.Get("ETag")
		s.ask(method, path, s.password, nil, "If-None-Match", tag)
	case "400":
		s.ask(method, path+"?%zz", s.password, put("{"))
	case "401": // as it costs none of the failures that are free
		s.ask(method, path, "", put("{}"), "Authorization", "Bearer wrong")
	case "429":
		s.ask(method, path, "wrong", put("{}"))
	case "403":
		s.ask(method, path, s.limited, put(`{"type":"status"}`))
	case "404":
		s.ask(method, path, s.password, put(`{"action":"del","aid":99}`))
	case "413":
		s.ask(method, path, s.password, put(strings.Repeat(" ", 17<<10)))
	}
}

// TestContract has every answer that the contract documents given by a real
// server, each held to the contract.
func TestContract(t *testing.T) {
	h := newHouse(t, map[string]string{"streams-per-address": "40"})
	s := &sweep{T: t, house: h, client: h.http(t), limited: h.add(t, account.Presence)}
	before := unseen(t)
	// Without it, a stream of announcements would begin with nothing.
	must(h.member(t).Announce(t.Context(), client.Announcement{User: "Hans"}))(t)
	var slow sync.WaitGroup
	for _, path := range []string{"/api/v0", "/api/v0/"} {
		slow.Go(func() { s.never(path) })
	}
	for _, name := range before {
		if !strings.Contains(name, " 429") && !strings.Contains(name, " 503") {
			s.provoke(name)
		}
	}
	for _, path := range []string{"/api/v0", "/api/v0/status", "/api/versions", "/api/v0/all/stream", "/nothing"} {
		for _, method := range []string{http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodDelete, "BREW"} {
			s.ask(method, path, s.password, nil)
		}
	}
	s.fill(before)
	for range 20 {
		s.ask("GET", "/api/v0/all", "wrong", nil)
	}
	for _, name := range before {
		if strings.Contains(name, " 429") {
			s.provoke(name)
		}
	}
	slow.Wait()
	if after := unseen(t); len(after) > 0 {
		t.Errorf("documented, but never answered:\n%s", strings.Join(after, "\n"))
	}
}

// unseen is the answers that were not given yet, but for those of the tracker
// wing, which the tests of apiv2 provoke, those without a database, which the
// tests of the server provoke, and those to mistakes of the server's own.
func unseen(t *testing.T) []string {
	names, err := apitest.Unseen("/")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.Contains(name, " /api/v2/") || strings.Contains(name, " 500 ") ||
			strings.Contains(name, " 503 ") && !strings.Contains(name, "/stream ")
	})
}

// never sends a body that does not end.
func (s *sweep) never(path string) {
	body, w := io.Pipe()
	defer w.Close()
	go w.Write([]byte("{"))
	s.ask("PUT", path, s.password, body)
}

// fill opens as many streams as there may be, and asks for one more of each.
func (s *sweep) fill(names []string) {
	s.Helper()
	for range 40 {
		r, err := http.NewRequestWithContext(s.Context(), "GET", s.url+"/api/v0/all/stream", nil)
		if err != nil {
			s.Fatal(err)
		}
		r.SetBasicAuth("", s.password)
		res, err := s.client.Do(r)
		if err != nil {
			s.Fatal(err)
		}
		defer res.Body.Close()
	}
	for _, name := range names {
		if words := strings.Fields(name); words[2] == "503" {
			s.ask(words[0], words[1], s.password, nil)
		}
	}
}
