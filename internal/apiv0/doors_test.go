package apiv0_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"stint/internal/account"
	"stint/internal/apiv0"
	"stint/internal/db"
	"stint/internal/db/dbtest"
)

const openStatus = `{"type":"status","user":"Hans","status":"public","note":"hi"}`

// TestDoors follows the rows of the readings, "Paths and doors".
func TestDoors(t *testing.T) {
	readings(t, []reading{
		{"Base", readingBase},
		{"Authentication", readingAuthentication},
		{"Which request is public?", readingPublicRequest},
		{"No password configured", readingNoPassword},
		{"CORS", readingCORS},
		{"Errors", readingErrors},
		{"Caching", readingCaching},
	})
}

func readingBase(t *testing.T, s *server) {
	for _, path := range []string{"/api/v0", "/api/v0/"} {
		s.status(200, "", "member", "PUT", path, openStatus)
	}
	const read, write = "GET, HEAD, OPTIONS", "PUT, OPTIONS"
	for path, allow := range map[string]string{
		"/api/v0": write, "/api/v0/": write,
		"/api/v0/status": read, "/api/v0/announcement": read, "/api/v0/announcements": read, "/api/v0/presence": read, "/api/v0/all": read,
		"/api/v0/status/current": read, "/api/v0/announcement/current": read, "/api/v0/announcements/current": read,
		"/api/v0/status/stream": read, "/api/v0/announcement/stream": read, "/api/v0/announcements/stream": read,
		"/api/v0/presence/stream": read, "/api/v0/all/stream": read,
	} {
		for _, method := range []string{"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"} {
			if slices.Contains(strings.Split(allow, ", "), method) {
				if method == "HEAD" {
					resp, text := s.do("member", "HEAD", path, "")
					wantEqual(t, "HEAD "+path, []any{resp.StatusCode, text}, []any{200, ""})
				}
				continue
			}
			for _, auth := range []string{"", "member", "wrong"} {
				resp := s.status(405, "", auth, method, path, "")
				wantEqual(t, method+" "+path, resp.Header.Get("Allow"), allow)
			}
		}
	}
	for _, path := range []string{"/api/v0/nothing", "/api/v0/status/", "/api/v0/statuses", "/api/v0/presences", "/api/v0/Status", "/api/v0/presence/current",
		"/api/v0/all/current", "/api/v0/status/current/", "/api/v0/status/stream/x", "/api/v0/x/y/z"} {
		for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS"} {
			s.status(404, "", "member", method, path, "")
		}
		resp, text := s.do("", "HEAD", path, "")
		wantEqual(t, "HEAD "+path, []any{resp.StatusCode, text}, []any{404, ""})
	}
	for plural, singular := range map[string]string{"/api/v0/announcements": "/api/v0/announcement", "/api/v0/announcements/current": "/api/v0/announcement/current"} {
		wantEqual(t, plural, s.get("member", plural), s.get("member", singular))
	}
}

func readingAuthentication(t *testing.T, s *server) {
	const challenge = `Basic realm="Stint", charset="UTF-8"`
	for _, header := range []string{"", "Basic", "Basic !!!", "Basic Og==", "Bearer " + s.password, "Digest x", "basic", s.password} {
		resp := s.status(401, "", "", "GET", "/api/v0/status/current", "", "Authorization", header)
		wantEqual(t, header, resp.Header.Get("WWW-Authenticate"), challenge)
	}
	for _, wrong := range []string{"wrong", s.password + " ", strings.ToUpper(s.password), s.password[:51], strings.Repeat("x", 300), "\xff\xfe", "pass:word"} {
		s.status(401, "", wrong, "GET", "/api/v0/status/current", "")
	}
	for _, user := range []string{"", "root", "Jürgen"} {
		r := s.request(context.Background(), "", "GET", "/api/v0/all", "")
		r.SetBasicAuth(user, s.password)
		resp, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		wantEqual(t, "user "+user, resp.StatusCode, 200)
	}
	resp, _ := s.do("", "GET", "/api/v0/all", "", "Authorization", "bAsIc "+basic(s, "x"))
	wantEqual(t, "scheme in any case", resp.StatusCode, 200)

	scopes := []account.Scope{account.Read, account.Status, account.Announce, account.Presence, account.All, account.Status | account.Presence}
	for _, scope := range scopes {
		secret := s.addPassword(scope)
		for needs, request := range map[account.Scope][3]string{
			account.Read:     {"GET", "/api/v0/all", ""},
			account.Status:   {"PUT", "/api/v0", openStatus},
			account.Announce: {"PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":"now","to":"now+60"}`},
			account.Presence: {"PUT", "/api/v0", `{"type":"presence","user":"Hans"}`},
		} {
			want := 403
			if scope.Has(needs) {
				want = 200
			}
			before := s.head()
			s.status(want, "", secret, request[0], request[1], request[2])
			if want == 403 {
				wantEqual(t, fmt.Sprint(scope, " forbids ", needs), s.head(), before)
			}
			s.status(want, "", secret, request[0], request[1], request[2])
		}
		for _, path := range []string{"/api/v0/status", "/api/v0/status/current", "/api/v0/announcement/current", "/api/v0/all/stream"} {
			want := 403
			if scope.Has(account.Read) {
				want = 200
			}
			s.status(want, "", secret, "HEAD", path, "")
		}
		s.status(200, "", secret, "GET", "/api/v0/status/current?public", "")
	}
	secret := s.addPassword(account.All)
	s.status(200, "", secret, "GET", "/api/v0/all", "")
	list, err := s.accounts.Passwords(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.accounts.RevokePassword(context.Background(), list[len(list)-1].Label); err != nil {
		t.Fatal(err)
	}
	s.status(401, "", secret, "GET", "/api/v0/all", "")
	s.status(401, "", secret, "PUT", "/api/v0", openStatus)
	s.status(200, "", "member", "GET", "/api/v0/all", "")
}

// basic is the text of Basic credentials.
func basic(s *server, user string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, s.password)
	return strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
}

func readingPublicRequest(t *testing.T, s *server) {
	public := s.get("", "/api/v0/status/current")
	for _, query := range []string{"?public", "?public=", "?public=1", "?public=no", "?x=1&public", "?%70ublic"} {
		for _, auth := range []string{"", "member"} {
			wantEqual(t, auth+query, s.get(auth, "/api/v0/status/current"+query), public)
		}
		// What is asked of the public view needs no password, so none is checked.
		resp, text := s.do("wrong", "GET", "/api/v0/status/current"+query, "")
		wantEqual(t, "wrong"+query, []any{resp.StatusCode, text}, []any{200, public})
		s.status(401, "", "member", "PUT", "/api/v0"+query, openStatus)
		s.status(401, "", "member", "GET", "/api/v0/all"+query, "")
	}
	for _, query := range []string{"?Public", "?publicx", "?x=public"} {
		if text := s.get("member", "/api/v0/status/current"+query); text == public {
			t.Errorf("%s is the public view", query)
		}
	}
	s.stop()
	s.start(func(o *apiv0.Options) { o.Challenge = true })
	for _, path := range []string{"/api/v0/status/current", "/api/v0/status", "/api/v0/status/stream", "/api/v0/announcement/current", "/api/v0/all"} {
		s.status(401, "", "", "GET", path, "")
	}
	s.status(401, "", "", "PUT", "/api/v0", openStatus)
	s.status(405, "", "", "POST", "/api/v0", "")
	s.status(204, "", "", "OPTIONS", "/api/v0", "")
	wantEqual(t, "challenged, ?public", s.get("", "/api/v0/status/current?public"), public)
	s.status(200, "", "member", "GET", "/api/v0/all", "")
}

// readingNoPassword: what the first start does is the server's matter; here,
// nothing is open unless that was chosen.
func readingNoPassword(t *testing.T, s *server) {
	list, err := s.accounts.Passwords(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if err := s.accounts.RevokePassword(context.Background(), p.Label); err != nil {
			t.Fatal(err)
		}
	}
	for _, auth := range []string{"", "x"} {
		s.status(401, "", auth, "PUT", "/api/v0", openStatus)
		s.status(401, "", auth, "GET", "/api/v0/all", "")
	}
	wantEqual(t, "nothing was stored", s.head(), 2)
	s.stop()
	s.start(func(o *apiv0.Options) { o.Open = true })
	s.unjudged() // the contract knows no club without a password
	for _, auth := range []string{"", "x"} {
		s.status(200, "", auth, "PUT", "/api/v0", openStatus)
		s.status(200, "", auth, "GET", "/api/v0/all", "")
	}
	s.status(401, "", "", "GET", "/api/v0/all?public", "")
}

func readingCORS(t *testing.T, s *server) {
	for _, c := range []struct {
		auth, method, path string
		status             int
	}{
		{"member", "GET", "/api/v0/all", 200}, {"", "GET", "/api/v0/all", 401}, {"", "GET", "/api/v0/nothing", 404}, {"", "POST", "/api/v0/all", 405},
		{"", "GET", "/api/v0/status?take=x", 400}, {"", "HEAD", "/api/v0/status/stream", 200}, {"", "OPTIONS", "/api/v0", 204},
	} {
		resp := s.status(c.status, map[int]string{400: "take"}[c.status], c.auth, c.method, c.path, "", "Origin", "https://example.org")
		wantEqual(t, c.path, resp.Header.Get("Access-Control-Allow-Origin"), "*")
		wantEqual(t, c.path, resp.Header.Get("Access-Control-Allow-Credentials"), "")
		// The document tells clients to use the server's time.
		wantEqual(t, c.path, resp.Header.Get("Access-Control-Expose-Headers"), "Date, ETag, Retry-After, X-Request-Id")
	}
	for _, path := range []string{"/api/v0", "/api/v0/", "/api/v0/status/current", "/api/v0/all/stream"} {
		resp, text := s.do("", "OPTIONS", path, "", "Origin", "https://example.org", "Access-Control-Request-Method", "PUT", "Access-Control-Request-Headers", "authorization")
		wantEqual(t, path, []any{resp.StatusCode, text}, []any{204, ""})
		wantEqual(t, path, resp.Header.Get("Access-Control-Allow-Methods"), "GET, HEAD, PUT")
		wantEqual(t, path, resp.Header.Get("Access-Control-Allow-Headers"), "Authorization, Content-Type, Last-Event-ID, If-None-Match")
	}
}

// readingErrors: server.status judges the shape of every error in these tests.
func readingErrors(t *testing.T, s *server) {
	s.status(400, "note", "member", "PUT", "/api/v0", `{"type":"status","user":"Hans","status":"public"}`)
	s.status(400, "", "member", "PUT", "/api/v0", `{`)
	s.status(401, "", "", "PUT", "/api/v0", openStatus)
	s.status(403, "from", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":1,"to":2}`)
	s.status(404, "aid", "member", "PUT", "/api/v0", `{"method":"del","aid":77}`)
	s.status(413, "", "member", "PUT", "/api/v0", strings.Repeat(" ", 16<<10+1))
}

func readingCaching(t *testing.T, s *server) {
	for _, auth := range []string{"", "member"} {
		for _, path := range []string{"/api/v0/status/current", "/api/v0/announcement/current", "/api/v0/status", "/api/v0/announcement?count=1",
			"/api/v0/all", "/api/v0/all?id=last", "/api/v0/presence?id=last", "/api/v0/status?count=5000", "/api/v0/all?count=5000&take=first"} {
			if auth == "" && (strings.Contains(path, "/all") || strings.Contains(path, "/presence") || strings.Contains(path, "5000")) {
				continue
			}
			resp, text := s.do(auth, "GET", path, "")
			etag := resp.Header.Get("ETag")
			wantEqual(t, path, []string{resp.Header.Get("Cache-Control"), resp.Header.Get("Vary")}, []string{"no-cache", "Authorization, Cookie, Origin"})
			if !strings.HasPrefix(etag, `"`) {
				t.Errorf("%s: ETag %s", path, etag)
			}
			for _, method := range []string{"GET", "HEAD"} {
				resp, body := s.do(auth, method, path, "", "If-None-Match", `"x", W/`+etag)
				wantEqual(t, method+path, []any{resp.StatusCode, body, resp.Header.Get("ETag")}, []any{304, "", etag})
				resp, body = s.do(auth, method, path, "", "If-None-Match", `"x"`)
				wantEqual(t, method+path, []any{resp.StatusCode, body != "", resp.Header.Get("ETag")}, []any{200, method == "GET", etag})
			}
			if again, text2 := s.do(auth, "GET", path, ""); again.Header.Get("ETag") != etag || text2 != text {
				t.Errorf("%s: another answer", path)
			}
		}
	}
	before, _ := s.do("member", "GET", "/api/v0/status/current", "")
	long, _ := s.do("member", "GET", "/api/v0/all?count=2000", "")
	s.put(openStatus)
	s.status(200, "", "member", "GET", "/api/v0/status/current", "", "If-None-Match", before.Header.Get("ETag"))
	s.status(200, "", "member", "GET", "/api/v0/all?count=2000", "", "If-None-Match", long.Header.Get("ETag"))
}

// TestKnownPasswordIsNotHeldUp: guesses are slowed down with 429, and whoever
// knows a password does not notice.
func TestKnownPasswordIsNotHeldUp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		chosen, err := s.accounts.AddPassword(context.Background(), "chosen", account.All, "correct horse")
		if err != nil {
			t.Fatal(err)
		}
		s.status(200, "", chosen, "GET", "/api/v0/all", "")
		for range 10 {
			s.status(401, "", "wrong", "GET", "/api/v0/all", "")
		}
		for _, method := range []string{"GET", "PUT", "HEAD"} {
			path := map[string]string{"PUT": "/api/v0"}[method]
			if path == "" {
				path = "/api/v0/status/current"
			}
			resp := s.status(429, "", "wrong", method, path, openStatus)
			if wait := resp.Header.Get("Retry-After"); wait == "" || wait == "0" {
				t.Errorf("Retry-After: %q", wait)
			}
		}
		s.status(200, "", "member", "GET", "/api/v0/all", "")
		s.status(200, "", "member", "PUT", "/api/v0", openStatus)
		s.status(200, "", chosen, "GET", "/api/v0/all", "")
		s.status(200, "", "", "GET", "/api/v0/status/current", "")
		s.status(401, "", "", "GET", "/api/v0/all", "")
	})
}

// TestStreamsEndWithTheirPassword revokes the password of an open stream.
func TestStreamsEndWithTheirPassword(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		secret, err := s.accounts.AddPassword(t.Context(), "screen", account.Read, "")
		if err != nil {
			t.Fatal(err)
		}
		kept, public := s.open("member", "all/stream"), s.open("", "status/stream")
		revoked := []*reader{s.open(secret, "all/stream"), s.open(secret, "status/stream?format=SSE")}
		kept.want(closed1, nobody2)
		public.want(`{"time":1800000030,"type":"status","status":"closed"}`)
		revoked[0].want(closed1, nobody2)
		revoked[1].event() // how soon to come again
		revoked[1].event()
		if err := s.accounts.RevokePassword(t.Context(), "screen"); err != nil {
			t.Fatal(err)
		}
		s.put(openStatus)
		kept.want(public3)
		public.line()
		for _, r := range revoked {
			if line, more := r.next(); more {
				t.Errorf("after the password was revoked: %q", line)
			}
		}
	})
}
