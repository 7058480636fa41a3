package server

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stint/internal/db/dbtest"
)

// TestTheDatabaseGoesAndComes takes PostgreSQL away from a running server and gives it back.
func TestTheDatabaseGoesAndComes(t *testing.T) {
	database, cut, mend := dbtest.Breakable(t)
	s := start(t, "database="+database, "tracker-key-file="+filepath.Join(t.TempDir(), "stint.key"))
	token := write(t, s, database)
	c := client(t, &http.Transport{})
	type answer struct {
		status int
		body   string
	}
	send := func(method, path, auth, body string) answer {
		r, err := http.NewRequest(method, s.base+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if auth == "" {
			r.SetBasicAuth("", s.password)
		} else {
			r.Header.Set("Authorization", "Bearer "+auth)
		}
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		return answer{resp.StatusCode, b.String()}
	}
	requests := map[string]func() answer{
		"put a status": func() answer {
			return send("PUT", "/api/v0", "", `{"type":"status","user":"Hans","status":"public","note":""}`)
		},
		"select":        func() answer { return send("GET", "/api/v0/all?count=3&time=0:now", "", "") },
		"list sessions": func() answer { return send("GET", "/api/v2/sessions.php", token, "") },
		"add a session": func() answer {
			return send("POST", "/api/v2/sessions.php", token, `{"startdate":"2020-02-03","starttime":"10:00","enddate":"2020-02-03","endtime":"11:00"}`)
		},
		"ask for health": func() answer { return send("GET", "/readyz", "", "") },
	}
	voteLink := func() answer { return send("GET", "/v/ABCDEFGHIJKLMNOPQRSTUVWXYZ", "", "") }
	send("GET", "/api/v0/status", "", "") // so that the password is remembered
	cut()
	if got := voteLink(); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "try again later") {
		t.Errorf("the vote page: %d %s", got.status, got.body)
	}
	for name, request := range requests {
		if got := request(); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "The database does not answer") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	mend()
	for name, request := range requests {
		got := request()
		for until := time.Now().Add(5 * time.Second); got.status == http.StatusServiceUnavailable && time.Now().Before(until); got = request() {
			time.Sleep(50 * time.Millisecond)
		}
		if got.status/100 != 2 {
			t.Errorf("%s, afterwards: %d %s", name, got.status, got.body)
		}
	}
}
