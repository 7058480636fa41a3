package apiv2_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stint/internal/account"
	"stint/internal/apiv2"
	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/web"
)

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		expired := s.tokenOf("Ann", "expired", account.TokenWrite, noon.Add(time.Hour))
		revoked := s.tokenOf("Ann", "revoked", account.TokenWrite, time.Time{})
		replaced := s.tokenOf("Ann", "replaced", account.TokenWrite, time.Time{})
		removed := s.person("Bob", "UTC")
		for _, token := range []string{expired, revoked, replaced, removed} {
			s.do("GET", path, "", "Authorization", "Bearer "+token).must(200)
		}
		s.pass(time.Hour)
		if err := s.accounts.RevokeToken(t.Context(), "Ann", "revoked"); err != nil {
			t.Fatal(err)
		}
		fresh, err := s.accounts.RegenerateToken(t.Context(), "Ann", "replaced")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.accounts.RemoveUser(t.Context(), "Bob"); err != nil {
			t.Fatal(err)
		}
		from := 0
		for name, header := range map[string]string{
			"missing":           "",
			"unknown":           "Bearer stint_" + strings.Repeat("a", 52),
			"wrong prefix":      "Bearer tinst_" + s.token[6:],
			"without prefix":    "Bearer " + s.token[6:],
			"cut":               "Bearer " + s.token[:len(s.token)-1],
			"expired":           "Bearer " + expired,
			"revoked":           "Bearer " + revoked,
			"regenerated":       "Bearer " + replaced,
			"of a removed user": "Bearer " + removed,
			"another scheme":    "Basic " + s.token,
			"no scheme":         s.token,
			"nothing after it":  "Bearer",
			"two in one":        "Bearer " + s.token + " " + s.token,
		} {
			t.Run(name, func(t *testing.T) {
				for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
					// From many addresses, or the failures would add up.
					from++
					r := s.do(method, path, "", "Authorization", header, "X-Forwarded-Proto", "https",
						"X-Forwarded-For", "192.0.2."+strconv.Itoa(from)).refused(401, "unauthorized", "")
					if got := r.header.Get("WWW-Authenticate"); got != "Bearer" {
						t.Errorf("WWW-Authenticate %q", got)
					}
				}
			})
		}
		for _, header := range []string{"Bearer " + fresh, "bearer " + s.token, "BEARER  " + s.token} {
			s.do("GET", path, "", "Authorization", header).must(200)
		}
	}, behindProxy)
}

// behindProxy trusts a proxy on this machine.
func behindProxy(o *apiv2.Options) { o.Proxies = web.Proxies{netip.MustParsePrefix("127.0.0.0/8")} }

func TestTokenIsNeverTakenFromTheQuery(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for _, name := range []string{"token", "access_token", "authorization", "Authorization", "bearer", "api_key"} {
			s.do("GET", path+"?"+name+"="+s.token, "", "Authorization", "").refused(401, "unauthorized", "")
		}
	})
}

func TestTwoAuthorizationHeaders(t *testing.T) {
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)), newClock())
	r, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header["Authorization"] = []string{"Bearer " + s.token, "Bearer " + s.token}
	s.send(r).refused(401, "unauthorized", "")
}

func TestScope(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		id := s.post(manual("2026-02-01", "09:00", "2026-02-03", "09:00")).must(201).id()
		reader := "Bearer " + s.tokenOf("Ann", "reader", account.TokenRead, time.Time{})
		for _, query := range []string{"", "?id=" + id} {
			s.do("GET", path+query, "", "Authorization", reader).must(200)
			s.do("HEAD", path+query, "", "Authorization", reader).must(200)
		}
		s.do("POST", path, `{"type":"live"}`, "Authorization", reader).refused(403, "forbidden", "")
		s.do("PATCH", path+"?id="+id, `{"public":1}`, "Authorization", reader).refused(403, "forbidden", "")
		s.do("DELETE", path+"?id="+id, "", "Authorization", reader).refused(403, "forbidden", "")
		s.get("").want("data.total", "1", "data.items.0.public", "0")
	})
}

func TestHTTPS(t *testing.T) {
	direct := func(o *apiv2.Options) {}
	anyway := func(o *apiv2.Options) { o.RequireHTTPS = false }
	for _, c := range []struct {
		name    string
		change  func(*apiv2.Options)
		headers []string
		ok      bool
	}{
		{"loopback", direct, nil, true},
		{"an unknown proxy", direct, []string{"X-Forwarded-For", "192.0.2.1"}, false},
		{"an unknown proxy that says https", direct, []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, false},
		{"a trusted proxy that ended TLS", behindProxy, []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, true},
		{"a trusted proxy without TLS", behindProxy, []string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "http"}, false},
		{"switched off", anyway, []string{"X-Forwarded-For", "192.0.2.1"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, dbtest.Open(t, dbtest.SQLite(t)), newClock(), c.change)
			for _, method := range []string{"GET", "POST", "PATCH", "DELETE"} {
				r := s.do(method, path, "", c.headers...)
				if refused := r.status == 403 && r.body.at("error.code") == "https_required"; refused == c.ok {
					t.Errorf("%s: %d %s", method, r.status, r.text)
				}
			}
			without := s.do("GET", path, "", append(c.headers, "Authorization", "")...)
			if want := map[bool]any{true: "unauthorized", false: "https_required"}[c.ok]; without.body.at("error.code") != want {
				t.Errorf("without a token: %s", without.text)
			}
		})
	}
}

func TestHTTP2OverTLS(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		mux := http.NewServeMux()
		apiv2.New(s.options).Register(mux)
		h := httptest.NewUnstartedServer(web.Log(s.options.Log, mux))
		h.EnableHTTP2 = true
		h.StartTLS()
		defer h.Close()
		s.url, s.client = h.URL, h.Client()
		r := s.get("").must(200)
		s.post(manual("2026-02-01", "09:00", "2026-02-03", "09:00")).must(201)
		if r.proto != "HTTP/2.0" {
			t.Errorf("%s", r.proto)
		}
	})
}

func TestFailuresAreLimitedButKnownTokensAreNot(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		unseen := s.tokenOf("Ann", "never used", account.TokenRead, time.Time{})
		wrong := "Bearer stint_" + strings.Repeat("b", 52)
		last := 0
		for range 12 {
			r := s.do("GET", path, "", "Authorization", wrong)
			if last = r.status; last == 429 {
				r.refused(429, "rate_limited", "")
				if r.header.Get("Retry-After") == "" || r.body.at("error.retry_at") == nil {
					t.Errorf("%v %s", r.header, r.text)
				}
			}
		}
		if last != 429 {
			t.Errorf("the twelfth wrong token was answered %d", last)
		}
		for _, token := range []string{s.token, unseen} {
			s.do("GET", path, "", "Authorization", "Bearer "+token).must(200)
		}
	})
}

// A missing token is no guess.
func TestMissingTokensAreNotCounted(t *testing.T) {
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)), newClock())
	for range 15 {
		s.do("GET", path, "", "Authorization", "").refused(401, "unauthorized", "")
	}
}

func TestRevokedTokenIsRefusedByTheOtherServer(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		clock := newClock()
		one := serve(t, dbtest.Open(t, target), clock)
		two := serve(t, dbtest.Open(t, target), clock)
		two.token = one.token
		two.get("").must(200)
		if err := one.accounts.RevokeToken(t.Context(), "Ann", "phone"); err != nil {
			t.Fatal(err)
		}
		one.get("").refused(401, "unauthorized", "")
		for end := time.Now().Add(time.Second); ; time.Sleep(5 * time.Millisecond) {
			if two.get("").status == 401 {
				return
			}
			if time.Now().After(end) {
				t.Fatal("accepted after a second")
			}
		}
	})
}

func TestMethods(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		id := s.post(manual("2026-02-01", "09:00", "2026-02-03", "09:00")).must(201).id()
		for _, p := range []string{path, "/api/v2/sessions"} {
			for _, method := range []string{"PUT", "TRACE", "PROPFIND", "GETS"} {
				r := s.do(method, p, "", "Authorization", "").refused(405, "method_not_allowed", "")
				if allow := r.header.Get("Allow"); allow != "GET, HEAD, POST, PATCH, DELETE, OPTIONS" {
					t.Errorf("%s: Allow %q", method, allow)
				}
			}
			full := s.do("GET", p+"?id="+id, "").must(200)
			head := s.do("HEAD", p+"?id="+id, "").must(200)
			if head.text != "" || head.header.Get("Content-Length") != full.header.Get("Content-Length") {
				t.Errorf("HEAD: %q, %v", head.text, head.header)
			}
			s.do("HEAD", p+"?id=9", "").must(404)
			r := s.do("OPTIONS", p, "", "Authorization", "", "Origin", "https://client.example", "Access-Control-Request-Method", "PATCH").must(204)
			for name, want := range map[string]string{
				"Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE",
				"Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, Prefer",
				"Access-Control-Allow-Origin":  "*",
			} {
				allowed := strings.Split(r.header.Get(name), ", ")
				for _, word := range strings.Split(want, ", ") {
					if !slices.Contains(allowed, word) {
						t.Errorf("%s: %q lacks %s", name, allowed, word)
					}
				}
			}
		}
		for _, p := range []string{"/api/v2", "/api/v2/", "/api/v2/sessions/", "/api/v2/sessions.php/1", "/api/v2/nothing.php", "/api/v2/Sessions.php"} {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				s.do(method, p, "").refused(404, "not_found", "")
			}
		}
	})
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for name, r := range map[string]result{
			"success": s.get("").must(200),
			"refusal": s.get("?limit=0").must(400),
			"no path": s.do("GET", "/api/v2/x", "").must(404),
			"no user": s.do("GET", path, "", "Authorization", "").must(401),
		} {
			for header, want := range map[string]string{
				"Content-Type":                "application/json; charset=utf-8",
				"Cache-Control":               "no-store",
				"Access-Control-Allow-Origin": "*",
				"X-Content-Type-Options":      "nosniff",
			} {
				if got := r.header.Get(header); got != want {
					t.Errorf("%s: %s is %q", name, header, got)
				}
			}
			if r.header.Get("Access-Control-Allow-Credentials") != "" || r.header.Get("X-Request-Id") == "" {
				t.Errorf("%s: %v", name, r.header)
			}
			r.want("meta.version", "2")
		}
	})
}

func TestNothingPrivateInTheLog(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		id := s.post(`{"type":"live","notes":"planted-note","lockedby":"planted-name","planted-member":1}`, "Idempotency-Key", "planted-key").must(201).id()
		s.get("?from=2026-01-01&planted-parameter=planted-value").must(200)
		s.get("?id=" + id).must(200)
		s.patch(id, `{"notes":"planted-note two"}`).must(200)
		s.patch(id, `{"scheduledend":"planted-date"}`).must(400)
		s.post(`{"planted-body`).must(400)
		s.do("GET", path+"?token=planted-token", "", "Authorization", "Bearer planted-secret").must(401)
		s.breakStore(t)
		s.get("?id=" + id + "&planted-parameter=planted-value").must(500)
		s.post(`{"type":"live","notes":"planted-note"}`).must(500)
		log := s.log.String()
		if !strings.Contains(log, "internal error") || !strings.Contains(log, "route="+path) {
			t.Errorf("the log says too little:\n%s", log)
		}
		for _, secret := range []string{"planted", s.token, "2026-01-01", "127.0.0.1"} {
			if strings.Contains(log, secret) {
				t.Errorf("%q is in the log:\n%s", secret, log)
			}
		}
	})
}

func TestInternalErrors(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		id := s.post(`{"type":"live"}`).must(201).id()
		s.breakStore(t)
		for _, r := range []result{s.get(""), s.get("?id=" + id), s.post(`{"type":"live"}`), s.patch(id, `{"public":1}`), s.delete("?id=" + id)} {
			r.refused(500, "internal", "")
			if strings.Contains(r.text, "tracker_session") || strings.Contains(r.text, "SQL") {
				t.Errorf("details in the answer: %s", r.text)
			}
		}
	})
}

// breakStore takes the sessions' table away.
func (s *server) breakStore(t *testing.T) {
	t.Helper()
	err := s.db.Do(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec("alter table tracker_session rename to gone")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
