package apiv0_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stint/api/apitest"
	"stint/internal/account"
	"stint/internal/apiv0"
	"stint/internal/club"
	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/stream"
	"stint/internal/web"
)

// TestMain lets property tests, which write to real databases, run fewer checks
// than rapid does by itself, unless -rapid.checks says otherwise.
func TestMain(m *testing.M) {
	flag.Parse()
	own := map[string]string{"rapid.checks": "6", "rapid.nofailfile": "true"}
	flag.Visit(func(f *flag.Flag) { delete(own, f.Name) })
	for name, value := range own {
		if err := flag.Set(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// noon is the start of a minute; the present of a server is half a minute later.
const (
	noon = 1_800_000_000
	now  = noon + 30
	hour = 3600
)

var habits = club.Options{PresenceTimeout: 15 * time.Minute, PresenceInterval: 10 * time.Minute}

// server is the API on a real socket. Every answer that client gets is held to
// the contract.
type server struct {
	t        testing.TB
	url      string
	db       *db.DB
	clock    *atomic.Int64 // Unix seconds
	accounts *account.Store
	password string // of scope all
	hub      *stream.Hub
	club     *club.Club
	handler  http.Handler
	client   *http.Client
	log      *logs
	stop     func() // also at the end of the test

	// Set before the start, if at all.
	streams  stream.Options
	accepted func(net.Conn) // called with each new connection
}

// logs is a log that can be read while it is written.
type logs struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var labels atomic.Int64

// serve starts the API over d. Options are changed by the functions given.
func serve(t testing.TB, d *db.DB, change ...func(*apiv0.Options)) *server {
	t.Helper()
	clock := &atomic.Int64{}
	clock.Store(now)
	d.SetClock(func() time.Time { return time.Unix(clock.Load(), 0) })
	s := &server{t: t, db: d, clock: clock, log: &logs{}}
	s.start(change...)
	return s
}

func (s *server) start(change ...func(*apiv0.Options)) {
	s.t.Helper()
	ctx := context.Background()
	var err error
	if s.accounts, err = account.Open(ctx, s.db); err != nil {
		s.t.Fatal(err)
	}
	if s.club, err = club.Open(ctx, s.db, habits); err != nil {
		s.t.Fatal(err)
	}
	if s.password == "" {
		s.password = s.addPassword(account.All)
	}
	s.hub = stream.NewHub(s.streams)
	log := slog.New(slog.NewJSONHandler(s.log, nil))
	o := apiv0.Options{Club: s.club, Accounts: s.accounts, Hub: s.hub, Log: log, Failures: &web.FailureLimit{}}
	for _, f := range change {
		f(&o)
	}
	api, err := apiv0.New(ctx, o)
	if err != nil {
		s.t.Fatal(err)
	}
	mux := http.NewServeMux()
	api.Register(mux)
	s.handler = web.Log(log, mux)
	h := httptest.NewUnstartedServer(s.handler)
	h.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if s.accepted != nil {
			s.accepted(c)
		}
		return ctx
	}
	h.Start()
	s.url = h.URL
	base := &http.Transport{}
	s.client = &http.Client{Transport: apitest.Transport(s.t, base)}
	s.stop = sync.OnceFunc(func() {
		api.Close()
		closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s.hub.Close(closing)
		base.CloseIdleConnections()
		h.Close()
		s.accounts.Close()
	})
	s.t.Cleanup(s.stop)
}

// unjudged lets the client's answers pass that the contract does not know.
func (s *server) unjudged() {
	base := &http.Transport{}
	s.client.Transport = base
	s.t.Cleanup(base.CloseIdleConnections)
}

// restart stops the server and starts a new one on the same database.
func (s *server) restart() {
	s.t.Helper()
	s.stop()
	s.start()
}

func (s *server) addPassword(scope account.Scope) string {
	s.t.Helper()
	secret, err := s.accounts.AddPassword(context.Background(), "label "+strconv.FormatInt(labels.Add(1), 10), scope, "")
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

func (s *server) pass(seconds int64) { s.clock.Add(seconds) }

// request makes a request; auth "" is the public, "member" the password of scope
// all, anything else another password.
func (s *server) request(ctx context.Context, auth, method, path, body string, headers ...string) *http.Request {
	s.t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, content)
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
	return r
}

// do sends a request and reads the whole answer.
func (s *server) do(auth, method, path, body string, headers ...string) (*http.Response, string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	resp, err := s.client.Do(s.request(ctx, auth, method, path, body, headers...))
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

// get returns the body of a 200.
func (s *server) get(auth, path string) string {
	s.t.Helper()
	resp, text := s.do(auth, "GET", path, "")
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("GET %s: %d %s", path, resp.StatusCode, text)
	}
	return text
}

// put returns the body of a member's PUT, which must succeed.
func (s *server) put(body string) string {
	s.t.Helper()
	resp, text := s.do("member", "PUT", "/api/v0/", body)
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("PUT %s: %d %s", body, resp.StatusCode, text)
	}
	return text
}

// status wants a status code, and of an error a problem document that names the
// member.
func (s *server) status(want int, member, auth, method, path, body string, headers ...string) *http.Response {
	s.t.Helper()
	resp, text := s.do(auth, method, path, body, headers...)
	if resp.StatusCode != want {
		s.t.Errorf("%s %s %.200s: %d %s; want %d", method, path, body, resp.StatusCode, text, want)
		return resp
	}
	if want < 400 || method == "HEAD" {
		return resp
	}
	var p struct {
		Type, Title, Detail, Member string
		Status                      int
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		s.t.Errorf("%s %s: %v", method, path, err)
	}
	if resp.Header.Get("Content-Type") != "application/problem+json" || p.Status != want || p.Title != http.StatusText(want) ||
		p.Type != "about:blank" || p.Detail == "" || p.Member != member {
		s.t.Errorf("%s %s %.200s: %s; want member %q", method, path, body, text, member)
	}
	return resp
}

// head is the id of the newest action.
func (s *server) head() (id int64) {
	s.t.Helper()
	err := s.db.View(context.Background(), func(tx *db.Tx) error { return tx.QueryRow("select max(id) from action").Scan(&id) })
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// look lets the interval pass and waits for a look at the presence.
func (s *server) look() {
	s.t.Helper()
	s.pass(int64(habits.PresenceInterval.Seconds()))
	c, err := club.Open(context.Background(), s.db, habits)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	looking.Go(func() { c.KeepLooking(ctx, func(err error) { s.t.Error(err) }) })
	eventually(s.t, "a look", func() bool {
		var at int64
		err := s.db.View(context.Background(), func(tx *db.Tx) error { return tx.QueryRow("select at from look").Scan(&at) })
		return err == nil && at == s.clock.Load()
	})
	cancel()
	looking.Wait()
	s.caughtUp()
}

// many calls fn n times, side by side.
func many(n int, fn func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(fn)
	}
	wg.Wait()
}

// caughtUp waits until the server has read what others wrote.
func (s *server) caughtUp() {
	s.t.Helper()
	eventually(s.t, "the tail", func() bool {
		return strings.HasPrefix(s.get("member", "/api/v0/all?id=last"), fmt.Sprintf(`{"actions":[{"id":%d,`, s.head()))
	})
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited ten seconds for %s", what)
		}
	}
}

// dial opens a connection to the server that ends with the test.
func (s *server) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })
	return c
}

// each runs fn with a server on a fresh database of both kinds.
func each(t *testing.T, fn func(t *testing.T, s *server)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, serve(t, d)) })
}

// reading is a row of the readings, tested on a server of its own.
type reading struct {
	row  string
	test func(t *testing.T, s *server)
}

func readings(t *testing.T, rows []reading) {
	t.Helper()
	dbtest.EachTarget(t, func(t *testing.T, _ string) {
		fresh := dbtest.SQLite
		if strings.HasSuffix(t.Name(), "/postgres") {
			fresh = dbtest.Postgres
		}
		for _, r := range rows {
			t.Run(r.row, func(t *testing.T) {
				t.Parallel()
				r.test(t, serve(t, dbtest.Open(t, fresh(t))))
			})
		}
	})
}
