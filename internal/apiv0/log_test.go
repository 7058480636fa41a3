package apiv0_test

import (
	"encoding/json"
	"strings"
	"testing"

	"stint/internal/db/dbtest"
)

// TestLogTellsNothing: the log has a line for each request, with its pattern and
// without anything that a person sent.
func TestLogTellsNothing(t *testing.T) {
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)))
	const secret = "verysecret"
	status := func(note string) string {
		return `{"type":"status","user":"` + secret + `","status":"public","note":"` + note + `"}`
	}
	for _, c := range []struct{ auth, method, path, body string }{
		{"member", "PUT", "/api/v0", status(secret)},
		{"member", "PUT", "/api/v0", status(strings.Repeat(secret, 9))},
		{"member", "PUT", "/api/v0", `{"` + secret + `":`},
		{"member", "PUT", "/api/v0", `{"type":"announcement","user":"` + secret + `","from":"` + secret + `","to":"now","note":"` + secret + `"}`},
		{"member", "PUT", "/api/v0", `{"type":"presence","user":"` + secret + `"}`},
		{secret, "PUT", "/api/v0", status(secret)},
		{secret, "GET", "/api/v0/status/current", ""},
		{"", "GET", "/api/v0/status/current?x=" + secret, ""},
		{"member", "GET", "/api/v0/all?id=" + secret, ""},
		{"member", "GET", "/api/v0/all?count=5000&x=" + secret, ""},
		{"member", "GET", "/api/v0/" + secret, ""},
		{"member", "HEAD", "/api/v0/all/stream?last_event_id=1&x=" + secret, ""},
	} {
		s.do(c.auth, c.method, c.path, c.body, "User-Agent", secret, "Cookie", secret, "Referer", secret, "If-None-Match", secret, "X-Forwarded-For", secret)
	}
	s.unjudged()
	s.do("member", strings.ToUpper(secret), "/api/v0/all", "")
	s.stop()
	text := s.log.String()
	for _, private := range []string{secret, s.password, basic(s, "")} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(private)) {
			t.Errorf("the log tells %q:\n%s", private, text)
		}
	}
	var routes []string
	for line := range strings.Lines(text) {
		var l struct{ Msg, Method, Route string }
		if err := json.Unmarshal([]byte(line), &l); err != nil || l.Msg != "request" {
			t.Errorf("%v: %s", err, line)
		}
		routes = append(routes, l.Method+" "+l.Route)
	}
	wantEqual(t, "routes", strings.Join(routes, "; "), "PUT /api/v0; PUT /api/v0; PUT /api/v0; PUT /api/v0; PUT /api/v0; PUT /api/v0; GET /api/v0/status/current; "+
		"GET /api/v0/status/current; GET /api/v0/all; GET /api/v0/all; GET /api/v0/; HEAD /api/v0/all/stream; other /api/v0/all")
}
