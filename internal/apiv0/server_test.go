package apiv0_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stint/internal/account"
	"stint/internal/apiv0"
	"stint/internal/club"
	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/stream"
	"stint/internal/web"
)

// server is the API on a real socket.
type server struct {
	t        testing.TB
	url      string
	accounts *account.Store
	password string // of scope all
	client   *http.Client
	log      *bytes.Buffer
}

// serve starts the API over d. Options are changed by the functions given.
func serve(t testing.TB, d *db.DB, change ...func(*apiv0.Options)) *server {
	t.Helper()
	ctx := t.Context()
	accounts, err := account.Open(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	c, err := club.Open(ctx, d, club.Options{PresenceTimeout: 15 * time.Minute, PresenceInterval: 10 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	password, err := accounts.AddPassword(ctx, "test "+time.Now().Format(time.RFC3339Nano), account.All, "")
	if err != nil {
		t.Fatal(err)
	}
	hub := stream.NewHub(stream.Options{})
	s := &server{t: t, accounts: accounts, password: password, log: &bytes.Buffer{}}
	logs := slog.New(slog.NewTextHandler(s.log, nil))
	o := apiv0.Options{Club: c, Accounts: accounts, Hub: hub, Log: logs, Failures: &web.FailureLimit{}}
	for _, f := range change {
		f(&o)
	}
	api, err := apiv0.New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	api.Register(mux)
	h := httptest.NewServer(web.Log(logs, mux))
	s.url = h.URL
	s.client = &http.Client{Transport: &http.Transport{}}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		hub.Close(t.Context())
		h.Close()
		api.Close()
		accounts.Close()
	})
	return s
}

// do sends a request; auth "" is the public, "member" the password of scope all,
// anything else another password.
func (s *server) do(auth, method, path, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	switch auth {
	case "":
	case "member":
		r.SetBasicAuth("", s.password)
	default:
		r.SetBasicAuth("anybody", auth)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp, string(text)
}

func TestFirstSteps(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		for _, step := range []struct{ auth, method, path, body string }{
			{"", "GET", "/api/v0/status/current", ""},
			{"member", "GET", "/api/v0/status/current", ""},
			{"member", "PUT", "/api/v0", `{"type":"status","user":"Hans","status":"public","note":"hi"}`},
			{"member", "GET", "/api/v0/status/current", ""},
			{"", "GET", "/api/v0/status/current", ""},
			{"member", "PUT", "/api/v0/", `{"type":"announcement","user":"Hans","from":"now","to":"now+3600","public":true}`},
			{"member", "PUT", "/api/v0/", `{"type":"announcement","user":"Hans","from":"now","to":"now+3600"}`},
			{"member", "GET", "/api/v0/announcement/current", ""},
			{"", "GET", "/api/v0/announcements/current", ""},
			{"member", "PUT", "/api/v0/", `{"type":"presence","user":"Hans"}`},
			{"member", "GET", "/api/v0/all?count=2000", ""},
			{"member", "GET", "/api/v0/all?count=2", ""},
			{"member", "GET", "/api/v0/all?id=last", ""},
			{"", "GET", "/api/v0/all?id=last", ""},
			{"", "GET", "/api/v0/announcement?take=first", ""},
			{"", "GET", "/api/v0/nothing", ""},
			{"", "POST", "/api/v0", ""},
		} {
			r, body := s.do(step.auth, step.method, step.path, step.body)
			t.Logf("%s %s %s -> %d %s", step.auth, step.method, step.path, r.StatusCode, body)
		}
	})
}
