package apiv2_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"stint/api/apitest"
	"stint/internal/account"
	"stint/internal/apiv2"
	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/seal"
	"stint/internal/tracker"
	"stint/internal/web"
)

// noon is when a test begins: 13:00 in Rome.
var noon = time.Date(2026, 2, 5, 12, 0, 0, 0, time.UTC)

const path = "/api/v2/sessions.php"

// server is the API on a real socket, over a database whose time the test sets.
type server struct {
	t        testing.TB
	db       *db.DB
	clock    *atomic.Int64 // Unix milliseconds
	accounts *account.Store
	url      string
	handler  http.Handler
	client   *http.Client
	token    string // of Ann in Rome, scope write
	log      *lockedBuffer
	options  apiv2.Options
}

// lockedBuffer is a log that may be read while it is written.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// each runs fn against a server on a fresh database of both engines.
func each(t *testing.T, fn func(t *testing.T, s *server), change ...func(*apiv2.Options)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, serve(t, d, newClock(), change...)) })
}

func newClock() *atomic.Int64 {
	c := &atomic.Int64{}
	c.Store(noon.UnixMilli())
	return c
}

var testKey = seal.NewKey()

// serve starts the API over d with a user Ann. A second server on the same database shares her and her token.
func serve(t testing.TB, d *db.DB, clock *atomic.Int64, change ...func(*apiv2.Options)) *server {
	t.Helper()
	d.SetClock(func() time.Time { return time.UnixMilli(clock.Load()) })
	accounts, err := account.Open(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Parse(testKey)
	if err != nil {
		t.Fatal(err)
	}
	rules, err := tracker.Open(t.Context(), d, keys, tracker.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, db: d, clock: clock, accounts: accounts, log: &lockedBuffer{}}
	logs := slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o := apiv2.Options{Tracker: rules, Accounts: accounts, Log: logs, Failures: &web.FailureLimit{}, RequireHTTPS: true}
	for _, f := range change {
		f(&o)
	}
	s.options = o
	mux := http.NewServeMux()
	apiv2.New(o).Register(mux)
	s.handler = web.Log(logs, mux)
	h := httptest.NewServer(s.handler)
	s.url = h.URL
	s.client = &http.Client{Transport: judged(t)}
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		h.Close()
		accounts.Close()
	})
	if _, err := accounts.User(t.Context(), "Ann"); err != nil {
		s.token = s.person("Ann", "Europe/Rome")
	}
	return s
}

// person adds a user and returns a token with the scope write.
func (s *server) person(name, zone string) string {
	s.t.Helper()
	if _, err := s.accounts.AddUser(s.t.Context(), name, zone); err != nil {
		s.t.Fatal(err)
	}
	return s.tokenOf(name, "phone", account.TokenWrite, time.Time{})
}

func (s *server) tokenOf(user, label string, scope account.TokenScope, expires time.Time) string {
	s.t.Helper()
	secret, err := s.accounts.CreateToken(s.t.Context(), user, label, scope, expires)
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

func (s *server) pass(d time.Duration) { s.clock.Add(d.Milliseconds()) }

// result is an answer.
type result struct {
	t      testing.TB
	status int
	proto  string
	header http.Header
	text   string
	body   object
}

// object is a JSON object that was read.
type object map[string]any

// at returns the value at a path such as "data.items.0.id", nil if there is none.
func (o object) at(path string) any {
	var v any = map[string]any(o)
	for name := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[name]
		case []any:
			if i := int(name[0] - '0'); len(name) == 1 && i < len(node) {
				v = node[i]
			} else {
				return nil
			}
		default:
			return nil
		}
	}
	return v
}

// do sends a request as Ann. Headers come in pairs; an empty value takes a header away.
func (s *server) do(method, target, body string, headers ...string) result {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		}
	}
	return s.send(r)
}

func (s *server) send(r *http.Request) result {
	s.t.Helper()
	resp, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	got := result{t: s.t, status: resp.StatusCode, proto: resp.Proto, header: resp.Header, text: string(text)}
	if len(text) > 0 {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&got.body); err != nil {
			s.t.Fatalf("%s %s: %v in %q", r.Method, r.URL.Path, err, text)
		}
	}
	return got
}

func (s *server) get(query string) result { s.t.Helper(); return s.do("GET", path+query, "") }
func (s *server) post(body string, headers ...string) result {
	s.t.Helper()
	return s.do("POST", path, body, headers...)
}
func (s *server) patch(id, body string) result {
	s.t.Helper()
	return s.do("PATCH", path+"?id="+id, body)
}
func (s *server) delete(query string) result { s.t.Helper(); return s.do("DELETE", path+query, "") }

// must fails the test unless the status is that.
func (r result) must(status int) result {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.text)
	}
	return r
}

// want compares values of the answer, written as JSON; "absent" is a member that is not there.
func (r result) want(pairs ...string) result {
	r.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		got := "absent"
		if v := r.body.at(pairs[i]); v != nil || r.has(pairs[i]) {
			text, _ := json.Marshal(v)
			got = string(text)
		}
		if got != pairs[i+1] {
			r.t.Errorf("%s is %s, want %s", pairs[i], got, pairs[i+1])
		}
	}
	return r
}

// has says whether the member is there, be it null.
func (r result) has(path string) bool {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		_, ok := r.body[path]
		return ok
	}
	parent, _ := r.body.at(path[:i]).(map[string]any)
	_, ok := parent[path[i+1:]]
	return ok
}

// refused checks an error's status, code and field ("" for none).
func (r result) refused(status int, code, field string) result {
	r.t.Helper()
	if r.status != status || r.body.at("error.code") != code || r.body.at("ok") != false {
		r.t.Fatalf("answered %d %s, want %d %s", r.status, r.text, status, code)
	}
	if got, _ := r.body.at("error.field").(string); got != field {
		r.t.Errorf("field %q, want %q: %s", got, field, r.text)
	}
	if message, _ := r.body.at("error.message").(string); message == "" {
		r.t.Errorf("no message: %s", r.text)
	}
	return r
}

// id is the id of the session in an answer to POST.
func (r result) id() string {
	r.t.Helper()
	n, ok := r.body.at("data.id").(json.Number)
	if !ok {
		r.t.Fatalf("no id: %s", r.text)
	}
	return n.String()
}

// warnings is meta.warnings.
func (r result) warnings() []string {
	list, _ := r.body.at("meta.warnings").([]any)
	var texts []string
	for _, w := range list {
		texts = append(texts, w.(string))
	}
	return texts
}

// manual is the body of a session that has ended.
func manual(start, startTime, end, endTime string, more ...string) string {
	b, _ := json.Marshal(map[string]string{"type": "manual", "startdate": start, "starttime": startTime, "enddate": end, "endtime": endTime})
	return with(string(b), more...)
}

// with adds members to an object.
func with(body string, more ...string) string {
	if len(more) == 0 {
		return body
	}
	return strings.TrimSuffix(body, "}") + "," + strings.Join(more, ",") + "}"
}

func judged(t testing.TB) http.RoundTripper { return apitest.Transport(t, &http.Transport{}) }

// raw returns a part of a JSON text as it is written.
func raw(t testing.TB, text string, names ...string) string {
	t.Helper()
	for _, name := range names {
		var node any = &map[string]json.RawMessage{}
		if strings.HasPrefix(text, "[") {
			node = &[]json.RawMessage{}
		}
		if err := json.Unmarshal([]byte(text), node); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		switch node := node.(type) {
		case *map[string]json.RawMessage:
			text = string((*node)[name])
		case *[]json.RawMessage:
			text = string((*node)[name[0]-'0'])
		}
	}
	return text
}

// count is how many rows a table has.
func (s *server) count(t testing.TB, table string) (n int) {
	t.Helper()
	err := s.db.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRow("select count(*) from " + table).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}
