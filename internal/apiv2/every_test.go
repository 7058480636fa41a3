package apiv2_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/api/apitest"
	"stint/internal/account"
	"stint/internal/db"
	"stint/internal/db/dbtest"
)

// requests of the family: method, path without /api/v2/ and ending, body.
var requests = [][3]string{
	{"POST", "games", `{"game":"dice","session":9}`},
	{"PATCH", "games", `{"dice":null}`},
	{"GET", "histories", ""},
	{"GET", "games_changes", ""},
	{"GET", "stats", ""},
	{"GET", "keyholders", ""},
	{"POST", "keyholders", `{"action":"invite"}`},
	{"DELETE", "keyholders", ""},
	{"GET", "events", ""},
	{"GET", "fair", ""},
	{"POST", "fair", `{"clientseed":"a"}`},
	{"PATCH", "fair", `{"clientseed":"a"}`},
	{"POST", "preview", `{}`},
	{"GET", "export", ""},
}

// TestEveryAnswerOfTheFamily has every answer that the contract documents beside sessions given by the server.
func TestEveryAnswerOfTheFamily(t *testing.T) {
	t.Parallel()
	s := &story{server: serve(t, dbtest.Open(t, dbtest.SQLite(t)), newClock(), behindProxy, withEvents(t))}
	s.bob = s.person("Bob", "UTC")
	s.link()
	reader := s.tokenOf("Ann", "reader", account.TokenRead, time.Time{})
	var slow sync.WaitGroup
	defer slow.Wait()
	for _, ending := range []string{".php", ""} {
		at := func(name string) string { return "/api/v2/" + name + ending }
		for _, r := range requests {
			if r[2] != "" {
				slow.Go(func() { s.never(r[0], at(r[1])+"?session=1") })
			}
			s.refusals(r[0], at(r[1]), r[2], reader)
		}
		s.successes(at)
	}
	slow.Wait()
	for range 12 {
		s.do("GET", path, "", "Authorization", "Bearer wrong", "X-Forwarded-For", "192.0.2.2", "X-Forwarded-Proto", "https")
	}
	for _, ending := range []string{".php", ""} {
		for _, r := range requests {
			s.do(r[0], "/api/v2/"+r[1]+ending, r[2], "Authorization", "Bearer wrong", "X-Forwarded-For", "192.0.2.2", "X-Forwarded-Proto", "https").must(429)
		}
	}
	everywhere := func(status int) {
		for _, ending := range []string{".php", ""} {
			for _, r := range requests {
				if r[1] != "preview" {
					s.do(r[0], "/api/v2/"+r[1]+ending+"?session=1&id=1", r[2], "Prefer", "").must(status)
				}
			}
		}
	}
	s.breakTables(t, "tracker_session", "tracker_keyholder", "tracker_chain", "tracker_log", "tracker_game")
	everywhere(500)
	s.db.Close()
	everywhere(503)
	unseen, err := apitest.Unseen("/api/v2/")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range unseen {
		// A preview touches nothing that could break; sessions have a test of their own.
		if !strings.Contains(name, "/sessions") && !strings.Contains(name, "/preview") {
			t.Errorf("documented, but never answered: %s", name)
		}
	}
}

// refusals has a path refuse what every path refuses.
func (s *story) refusals(method, target, body, reader string) {
	s.as("", method, target, body).must(401)
	s.do(method, target, body, "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "http").refused(403, "https_required", "")
	s.do(method, target+"?chess=1", body, "Prefer", "handling=strict").must(400)
	if !strings.Contains(target, "stats") && !strings.Contains(target, "preview") && !strings.Contains(target, "export") && !strings.Contains(target, "events") &&
		!(strings.Contains(target, "keyholders") && method != "DELETE") {
		s.do(method, target+"?session=99&id=99", body).must(map[bool]int{true: 403, false: 404}[method == "PATCH" && strings.Contains(target, "games")])
	}
	if body != "" {
		s.do(method, target+"?session=1", "x").must(400)
		s.do(method, target+"?session=1", strings.Repeat(" ", 64<<10+1)).must(413)
		s.do(method, target+"?session=1", "{}", "Content-Type", "text/plain").must(415)
		if !strings.Contains(target, "preview") {
			s.as(reader, method, target+"?session=1", body).must(403)
		}
	}
}

// successes has each path answer, and refuse what only it refuses.
func (s *story) successes(at func(name string) string) {
	s.t.Helper()
	id := s.begin(dice, link)
	s.do("POST", at("games"), `{"game":"dice","session":`+id+`}`, "Idempotency-Key", at("games")).must(200)
	s.do("POST", at("games"), `{"game":"dice","session":`+id+`}`).must(429)
	s.do("POST", at("games"), `{"game":"luck","session":`+id+`}`).must(409)
	s.as(s.bob, "PATCH", at("games")+"?session="+id, `{"dice":null}`).must(200)
	s.as(s.bob, "PATCH", at("games")+"?session=99", `{"dice":null}`).must(403)
	s.as(s.bob, "PATCH", at("games")+"?session="+id, `{"newlink":1}`).must(403)
	s.do("PATCH", at("games")+"?session=99", `{"newlink":1}`).must(404)
	s.do("PATCH", at("games")+"?session="+id, `{"newlink":1}`).must(200)
	for _, name := range []string{"histories", "games_changes", "fair"} {
		s.do("GET", at(name)+"?session="+id, "").must(200)
	}
	for _, name := range []string{"stats", "keyholders", "fair", "export"} {
		s.do("GET", at(name), "").must(200)
	}
	for _, method := range []string{"POST", "PATCH"} {
		s.do(method, at("fair")+"?session="+id, `{"clientseed":"a"}`).must(200)
	}
	s.do("POST", at("preview"), `{}`).must(200)
	made := s.do("POST", at("keyholders"), `{"action":"invite"}`).must(201)
	s.do("POST", at("keyholders"), `{"action":"invite","keyholder":"Bob"}`).must(409)
	s.do("POST", at("keyholders"), `{"action":"accept","code":"x"}`).must(404)
	s.do("DELETE", at("keyholders")+"?id="+raw(s.t, made.text, "data", "keyholder", "id"), "").must(200)
	request := s.request("GET", at("export")+"?format=csv")
	if resp, err := s.client.Do(request); err != nil || resp.StatusCode != 200 {
		s.t.Error(err)
	} else {
		resp.Body.Close()
	}
	s.streams(at("events"))
	s.pass(time.Hour)
	s.patch(id, `{"endNow":true}`).must(200)
	for _, method := range []string{"POST", "PATCH"} {
		s.do(method, at("fair")+"?session="+id, `{"clientseed":"a"}`).must(409)
	}
	s.as(s.bob, "PATCH", at("games")+"?session="+id, `{"dice":null}`).must(409)
	s.do("DELETE", path+"?id="+id, "").must(200)
}

// streams opens as many as there may be, and one more.
func (s *story) streams(target string) {
	s.t.Helper()
	var open []func() error
	for i := range 20 {
		r := s.request("GET", target+[]string{"?format=SSE", "?format=newline"}[i%2])
		r.Header.Set("X-Forwarded-For", "2001:db8:0:"+strconv.Itoa(len(target))+"::1")
		r.Header.Set("X-Forwarded-Proto", "https")
		resp, err := s.client.Do(r)
		if err != nil {
			s.t.Fatal(err)
		}
		open = append(open, resp.Body.Close)
	}
	s.do("GET", target, "", "X-Forwarded-For", "2001:db8:0:"+strconv.Itoa(len(target))+"::2", "X-Forwarded-Proto", "https").must(503)
	for _, end := range open {
		end()
	}
}

// breakTables takes tables away.
func (s *server) breakTables(t *testing.T, names ...string) {
	t.Helper()
	err := s.db.Do(t.Context(), func(tx *db.Tx) error {
		for _, name := range names {
			if _, err := tx.Exec("alter table " + name + " rename to gone_" + name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
