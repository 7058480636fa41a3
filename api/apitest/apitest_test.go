package apitest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"stint/api"
	"stint/api/apitest"
)

// answer is what a server might say to a request.
type answer struct {
	method, url string
	member      bool // with a password
	status      int
	header      http.Header
	body        string
}

func (a answer) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: req}, nil
}

// witness is a testing.TB that collects complaints.
type witness struct {
	testing.TB
	complaints []string
}

func (w *witness) Errorf(format string, args ...any) {
	w.complaints = append(w.complaints, fmt.Sprintf(format, args...))
}

// judge lets an answer pass a Transport and returns its complaints.
func judge(t *testing.T, a answer) []string {
	t.Helper()
	w := &witness{TB: t}
	req, err := http.NewRequestWithContext(t.Context(), a.method, "http://stint.invalid"+a.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a.member {
		req.SetBasicAuth("", "secret")
	}
	res, err := apitest.Transport(w, a).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if string(body) != a.body {
		t.Errorf("the body was changed: %q, want %q", body, a.body)
	}
	return w.complaints
}

func wantClean(t *testing.T, a answer) {
	t.Helper()
	if c := judge(t, a); c != nil {
		t.Errorf("complained about a good answer: %q\n%+v", c, a)
	}
}

func wantCaught(t *testing.T, what string, a answer) {
	t.Helper()
	if judge(t, a) == nil {
		t.Errorf("%s was not caught\n%+v", what, a)
	}
}

// samples are values that fit the headers of the document.
var samples = map[string]string{
	"Access-Control-Allow-Origin": "*", "X-Request-Id": "abc-1", "ETag": `"abc"`, "Cache-Control": "no-cache",
	"Vary": "Authorization, Cookie, Origin", "X-Accel-Buffering": "no", "Retry-After": "6",
	"WWW-Authenticate": `Basic realm="club", charset="UTF-8"`,
}

// samplesV2 are those that differ in the tracker wing.
var samplesV2 = map[string]string{
	"Cache-Control": "no-store", "WWW-Authenticate": "Bearer", "Idempotent-Replayed": "true", "Preference-Applied": "handling=strict", "Last-Event-ID": "16",
	"Content-Disposition": `attachment; filename="a.json"`,
}

func sample(url, name string) string {
	if value := samplesV2[name]; value != "" && strings.HasPrefix(url, "/api/v2/") {
		return value
	}
	return samples[name]
}

// optional are members that may be absent, or true, nullable may be null, and
// fractional may be 1.5, negative -1.
var (
	optional = []string{"member", "games", "field", "retry_at", "session", "warnings", "penalties", "values", "signs", "changes", "seconds", "add", "sub", "choice"}
	nullable = []string{"end", "scheduledend", "lockedby", "notes", "timezoneend", "end_utc", "scheduledend_utc", "reached_utc", "limitend", "limitend_utc", "last_play_utc", "next_play_utc",
		"unit", "source", "schedule", "rolled", "multiplier", "nonce", "cursor_next", "dom_nick", "from", "to", "type", "owner", "keyholder", "accepted", "expires",
		"session", "current_lock_start", "scheduled_end", "current_lock_time", "since_date", "link_game", "dice", "link", "luck", "simulation"}
	fractional = []string{"anonymous_users", "minmultiplier", "maxmultiplier", "multiplier", "add_mean_seconds", "sub_mean_seconds", "drift_seconds"}
	negative   = []string{"drift_seconds"}
)

// TestExamples lets each example of the document pass, and none that differs
// from it in one place.
func TestExamples(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Document)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, response := range op.Responses.Map() {
				var code int
				fmt.Sscan(status, &code)
				header := http.Header{}
				for name := range response.Value.Headers {
					header.Set(name, sample(path, name))
				}
				a := answer{method: method, url: path, status: code, header: header, member: true}
				t.Run(method+" "+path+" "+status, func(t *testing.T) { tryExamples(t, a, response.Value) })
			}
		}
	}
}

func tryExamples(t *testing.T, a answer, response *openapi3.Response) {
	if len(response.Content) == 0 {
		wantClean(t, a)
		tryHeaders(t, a, response)
		a.body = "x"
		wantCaught(t, "a body", a)
	}
	for kind, media := range response.Content {
		a := a
		a.header = a.header.Clone()
		a.header.Set("Content-Type", kind)
		if kind == "text/event-stream" {
			a.url += "?format=SSE"
		}
		examples := map[string]any{}
		if media.Example != nil {
			examples[""] = media.Example
		}
		for name, example := range media.Examples {
			examples[name] = example.Value.Value
		}
		if len(examples) == 0 {
			t.Errorf("%s has no example", kind)
		}
		for name, example := range examples {
			a := a
			a.member = name != "public"
			if text, ok := example.(string); ok {
				a.body = text
				wantClean(t, a)
			} else {
				a = tryJSON(t, a, example)
			}
			tryHeaders(t, a, response)
		}
	}
}

// tryHeaders changes what stands before the body.
func tryHeaders(t *testing.T, a answer, response *openapi3.Response) {
	t.Helper()
	for name, header := range response.Headers {
		b := a
		b.header = a.header.Clone()
		b.header.Del(name)
		if header.Value.Required {
			wantCaught(t, "the missing header "+name, b)
		} else {
			wantClean(t, b)
		}
		b.header.Set(name, "")
		wantCaught(t, "the empty header "+name, b)
		b.header[http.CanonicalHeaderKey(name)] = []string{sample(a.url, name), sample(a.url, name)}
		if name != "X-Request-Id" && name != "Retry-After" {
			wantCaught(t, "the doubled header "+name, b)
		}
	}
	b := a
	b.status = http.StatusTeapot
	wantCaught(t, "an undocumented status", b)
	b = a
	b.url = "/api/v0/nothing"
	if a.status != http.StatusNotFound {
		wantCaught(t, "a success at an unknown path", b)
	}
	if len(response.Content) > 0 {
		for _, kind := range []string{"", "application/xml", "text/plain; charset=latin1"} {
			b = a
			b.header = a.header.Clone()
			b.header.Set("Content-Type", kind)
			wantCaught(t, "the content type "+kind, b)
		}
		b = a
		b.method = http.MethodHead
		if a.method == http.MethodGet {
			wantCaught(t, "a body for HEAD", b)
			b.body = ""
			wantClean(t, b)
		}
	}
}

// tryJSON sends value, and every value that differs in one member. It returns
// the good answer.
func tryJSON(t *testing.T, a answer, value any) answer {
	t.Helper()
	send := func(value any) answer {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		a.body = string(text)
		return a
	}
	good := send(value)
	wantClean(t, good)
	for _, wrong := range []string{"", "{", "[]", `"x"`, good.body + "{}", "\xff"} {
		b := good
		b.body = wrong
		wantCaught(t, "the body "+wrong, b)
	}
	if twice := bytes.Replace([]byte(good.body), []byte("{"), []byte(`{"time":1,"time":1,`), 1); strings.Contains(good.body, "{") {
		b := good
		b.body = string(twice)
		wantCaught(t, "a member that stands twice", b)
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			v["more"] = 1
			wantCaught(t, "one member more", send(value))
			delete(v, "more")
			for name, was := range v {
				if !slices.Contains(optional, name) {
					delete(v, name)
					wantCaught(t, "the missing member "+name, send(value))
				}
				for _, wrong := range []any{nil, map[string]any{}, -1, 1.5, true} {
					v[name] = wrong
					if fmt.Sprint(was) == fmt.Sprint(wrong) || wrong == nil && slices.Contains(nullable, name) ||
						wrong == 1.5 && slices.Contains(fractional, name) || wrong == -1 && slices.Contains(negative, name) || wrong == true && slices.Contains(optional, name) {
						continue
					}
					wantCaught(t, fmt.Sprintf("%s with the value %v", name, wrong), send(value))
				}
				v[name] = was
				walk(was)
			}
		}
	}
	walk(value)
	return good
}
