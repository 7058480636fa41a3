package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"stint/api/apitest"
	"stint/client"
	"stint/internal/account"
	"stint/internal/config"
	"stint/internal/db"
	"stint/internal/server"
)

// house is a real server on a database of its own.
type house struct {
	dir      string
	listen   string
	url      string
	password string // of scope all
	stop     func() error
}

// text is a buffer that one goroutine writes and another reads.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (w *text) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *text) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

var welcome = regexp.MustCompile(`(?s)runs at (http://(\S+)).*\n    (\S+)\n\nSet the status`)

// start starts the server, again on the same address if it ran before.
func (h *house) start(flags map[string]string) error {
	all := map[string]string{"listen": h.listen, "database": filepath.Join(h.dir, "stint.db")}
	for name, value := range flags {
		all[name] = value
	}
	c, err := config.Load(config.Sources{Env: func(string) string { return "" }, Flags: all})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var out, log text
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, c, &out, &log) }()
	h.stop = func() error { cancel(); return <-done }
	for range 1000 {
		if m := welcome.FindStringSubmatch(out.String()); m != nil {
			h.url, h.listen, h.password = m[1], m[2], m[3]
		}
		if h.password != "" {
			if r, err := http.Get(h.url + "/readyz"); err == nil {
				r.Body.Close()
				return nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	h.stop()
	return fmt.Errorf("the server did not start: %s%s", &out, &log)
}

func newHouse(t *testing.T, flags map[string]string) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), listen: "127.0.0.1:0"}
	h.restart(t, flags)
	t.Cleanup(func() {
		if err := h.stop(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *house) restart(t *testing.T, flags map[string]string) {
	t.Helper()
	if err := h.start(flags); err != nil {
		t.Fatal(err)
	}
}

// beside runs fn on the running server's database.
func (h *house) beside(ctx context.Context, fn func(*account.Store) error) error {
	d, err := db.Open(ctx, filepath.Join(h.dir, "stint.db"))
	if err != nil {
		return err
	}
	defer d.Close()
	accounts, err := account.Open(ctx, d)
	if err != nil {
		return err
	}
	defer accounts.Close()
	return fn(accounts)
}

// person adds a person with a token of the scope, and waits until the server
// knows it.
func (h *house) person(ctx context.Context, name, zone string, scope account.TokenScope) (*client.Tracker, error) {
	c := &client.Tracker{BaseURL: h.url}
	err := h.beside(ctx, func(s *account.Store) (err error) {
		if _, err = s.AddUser(ctx, name, zone); err == nil {
			c.Token, err = s.CreateToken(ctx, name, "test", scope, time.Time{})
		}
		return err
	})
	for range 20 {
		if err != nil {
			break
		}
		if _, err = c.List(ctx, client.Filter{}); err == nil {
			return c, nil
		}
		var e *client.Error
		if errors.As(err, &e) && e.Code == "unauthorized" {
			err = nil
		}
		time.Sleep(200 * time.Millisecond)
	}
	return nil, fmt.Errorf("no token: %w", err)
}

// add adds a password beside the running server.
func (h *house) add(t *testing.T, scope account.Scope) string {
	t.Helper()
	var secret string
	err := h.beside(t.Context(), func(s *account.Store) (err error) {
		secret, err = s.AddPassword(t.Context(), scope.String(), scope, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c := h.member(t)
	c.Password = secret
	for range 6 {
		var e *client.Error
		if _, err := c.Status(t.Context()); !errors.As(err, &e) || e.Status != http.StatusUnauthorized {
			return secret
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Fatal("the password has no effect")
	return ""
}

// member returns a client whose answers are held to the contract.
func (h *house) member(t *testing.T) *client.Client {
	return &client.Client{BaseURL: h.url, Password: h.password, HTTP: h.http(t)}
}

// public returns a client without a password.
func (h *house) public(t *testing.T) *client.Client {
	return &client.Client{BaseURL: h.url + "/", HTTP: h.http(t)}
}

func (h *house) http(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: apitest.Transport(t, transport)}
}

// The examples speak to a server of their own.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "stint")
	if err != nil {
		panic(err)
	}
	h := &house{dir: dir, listen: "127.0.0.1:0"}
	if err := h.start(nil); err != nil {
		panic(err)
	}
	os.Setenv("STINT_URL", h.url)
	os.Setenv("STINT_PASSWORD", h.password)
	ann, err := h.person(context.Background(), "Ann", "Europe/Rome", account.TokenWrite)
	if err != nil {
		panic(err)
	}
	os.Setenv("STINT_TOKEN", ann.Token)
	code := m.Run()
	h.stop()
	os.RemoveAll(dir)
	os.Exit(code)
}
