package server

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stint/internal/account"
	"stint/internal/config"
	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/seal"
)

// ask sends a request with a token and returns the status and the body.
func ask(t *testing.T, method, url, token, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestWings(t *testing.T) {
	for name, c := range map[string]struct {
		flags    []string
		versions string
		club     int
		tracker  int
		home     string
	}{
		"both":    {nil, `{"versions":[0,2]}`, 200, 401, "The club is closed."},
		"club":    {[]string{"wings-tracker=off"}, `{"versions":[0]}`, 200, 404, "The club is closed."},
		"tracker": {[]string{"wings-club=off"}, `{"versions":[2]}`, 404, 401, "<h1>Stint</h1>"},
	} {
		t.Run(name, func(t *testing.T) {
			file := dbtest.SQLite(t)
			s := start(t, append(c.flags, "database="+file)...)
			if _, body := ask(t, "GET", s.base+"/api/versions", "", ""); body != c.versions {
				t.Errorf("%s, want %s", body, c.versions)
			}
			if status, body := ask(t, "GET", s.base+"/api/v0/status/current?public", "", ""); status != c.club {
				t.Errorf("club: %d %s", status, body)
			}
			if status, body := ask(t, "GET", s.base+"/api/v2/sessions.php", "x", ""); status != c.tracker {
				t.Errorf("tracker: %d %s", status, body)
			}
			if _, body := ask(t, "GET", s.base+"/", "", ""); !strings.Contains(body, c.home) {
				t.Errorf("home: %s", body)
			}
			s.stop()
			_, err := os.Stat(filepath.Join(filepath.Dir(file), "stint.key"))
			if made := err == nil; made != (c.tracker == 401) {
				t.Errorf("a key was made: %v", made)
			}
		})
	}
}

// write adds a person with a token to the database and a session with notes to the server.
func write(t *testing.T, s *running, database string) (token string) {
	t.Helper()
	d, err := db.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	accounts, err := account.Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	defer accounts.Close()
	if _, err := accounts.AddUser(t.Context(), "Ann", "Europe/Rome"); err != nil {
		t.Fatal(err)
	}
	if token, err = accounts.CreateToken(t.Context(), "Ann", "phone", account.TokenWrite, time.Time{}); err != nil {
		t.Fatal(err)
	}
	status, body := 0, ""
	for range 20 { // the server hears of the token
		status, body = ask(t, "POST", s.base+"/api/v2/sessions.php", token, `{"type":"live","notes":"felt fine"}`)
		if status != http.StatusUnauthorized {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if status != http.StatusCreated {
		t.Fatal(status, body)
	}
	return token
}

func refused(t *testing.T, flags map[string]string) string {
	t.Helper()
	flags["listen"] = "127.0.0.1:0"
	c, err := config.Load(config.Sources{Env: func(string) string { return "" }, Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err = Run(ctx, c, io.Discard, io.Discard)
	if err == nil || strings.Contains(err.Error(), "\n") {
		t.Fatalf("the start is not refused in one line: %v", err)
	}
	return err.Error()
}

// A server without the key that a database needs does not start, and makes no other; a new key beside the old one
// takes over.
func TestKey(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, database string) {
		folder := t.TempDir()
		file := filepath.Join(folder, "kept", "stint.key")
		flags := []string{"database=" + database, "tracker-key-file=" + file}
		s := start(t, flags...)
		token := write(t, s, database)
		s.stop()
		for name, mode := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700 | os.ModeDir} {
			if info, err := os.Stat(name); err != nil || info.Mode() != mode {
				t.Errorf("%s: %v, %v", name, info.Mode(), err)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		old, err := seal.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}

		none := filepath.Join(folder, "none.key")
		got := refused(t, map[string]string{"database": database, "tracker-key-file": none})
		if want := "tracker.key_file: there is no file " + none + "; private texts of this database are sealed with the key " + old.Key().String(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		if _, err := os.Stat(none); err == nil {
			t.Error("a key was made")
		}

		next := seal.NewKey() + "\n"
		ring, err := seal.Parse(next)
		if err != nil {
			t.Fatal(err)
		}
		other := filepath.Join(folder, "other.key")
		put(t, other, next)
		got = refused(t, map[string]string{"database": database, "tracker-key-file": other})
		if want := "tracker.key_file " + other + ": private texts of this database are sealed with the key " + old.Key().String() +
			", which is not there; there is " + ring.Key().String(); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}

		put(t, file, next+string(text))
		s = start(t, flags...)
		if _, body := ask(t, "GET", s.base+"/api/v2/sessions.php", token, ""); !strings.Contains(body, `"notes":"felt fine"`) {
			t.Error(body)
		}
		s.stop()
		put(t, file, string(text))
		got = refused(t, map[string]string{"database": database, "tracker-key-file": file})
		if !strings.Contains(got, ring.Key().String()) {
			t.Error(got)
		}
	})
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
