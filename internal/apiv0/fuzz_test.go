package apiv0

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"stint/internal/club"
	"stint/internal/web"
)

// refused fails unless err is a 400 that names the member.
func refused(t *testing.T, input string, err error, member string) {
	t.Helper()
	var e *web.Error
	if !errors.As(err, &e) || e.Status != http.StatusBadRequest || e.Field != member || e.Detail == "" {
		t.Fatalf("%q: got %v, want a 400 about %q", input, err, member)
	}
}

var spans = map[string]*regexp.Regexp{
	"id":   regexp.MustCompile(`^(\d{1,15}|last(-\d{1,15}|[ +]0{1,15})?)?(:(\d{1,15}|last(-\d{1,15}|[ +]0{1,15})?)?)?$`),
	"time": regexp.MustCompile(`^(\d{1,15}|now([- +]\d{1,15})?)?(:(\d{1,15}|now([- +]\d{1,15})?)?)?$`),
}

// FuzzSpan compares parseSpan with the grammar of the readings, "Select
// queries".
func FuzzSpan(f *testing.F) {
	for _, seed := range []string{"", "5", "5:9", "9:5", ":", "5:", ":9", "last", "last-5", "last-5:last", "now", "now-3600:now", "now+60", "now 60", "x", "9:x", "1:2:3", "-5", "now+99999999999999999999", "last--1", "last+0", "-0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, mark := range map[string]string{"id": "last", "time": "now"} {
			s, err := parseSpan(name, mark, text)
			if allowed := spans[name].MatchString(text) && !strings.Contains(text, "\n"); allowed != (err == nil) {
				t.Fatalf("%s=%q: %v", name, text, err)
			}
			if err != nil {
				refused(t, text, err, name)
				continue
			}
			for _, p := range []*club.Point{s.A, s.B} {
				if p != nil && (p.N >= 1e15 || p.N <= -1e15 || !p.Relative && p.N < 0) {
					t.Fatalf("%s=%q: %+v", name, text, *p)
				}
			}
			if text == "" && (s.A != nil || s.B != nil) {
				t.Fatalf("%s=%q is a filter", name, text)
			}
		}
	})
}

// FuzzParameters reads the other parameters.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"", "count=5&take=first", "count=-1", "count=99999999999999999999", "take=x", "format=SSE", "format=xml", "keepalive=25", "keepalive=0", "keepalive=99999",
		"last_event_id=7", "last_event_id=-7", "last_event_id=9223372036854775808", "count=1&count=2", "format=%00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for _, member := range []bool{true, false} {
			c := caller{member: member, query: values}
			if n, err := parseCount(c); err != nil {
				refused(t, query, err, "count")
			} else if n < 0 || !member && n > buffered {
				t.Fatalf("%q: count %d", query, n)
			}
			if _, err := parseTake(c); err != nil {
				refused(t, query, err, "take")
			}
			form, err := parseFormat(c)
			if err != nil {
				refused(t, query, err, "format")
			} else if form != newline && form != sse {
				t.Fatalf("%q: format %d", query, form)
			}
			if every, err := parseKeepAlive(c, form); err != nil {
				refused(t, query, err, "keepalive")
			} else if every < 0 || every.Seconds() > maxKeepAlive || every == 0 && form == sse {
				t.Fatalf("%q: keep-alive %v", query, every)
			}
		}
	})
}

// FuzzLastEventID reads the header and the parameter.
func FuzzLastEventID(f *testing.F) {
	for _, seed := range []string{"", "0", "7", "-7", "+7", "007", "9223372036854775807", "9223372036854775808", "1.5", "x", " 7", "7\n", "\x00"} {
		f.Add(seed, "")
		f.Add("", seed)
	}
	f.Fuzz(func(t *testing.T, header, parameter string) {
		r := &http.Request{Header: http.Header{"Last-Event-Id": {header}}}
		query := url.Values{"last_event_id": {parameter}}
		if after, resumed, err := resumption(r, caller{query: query}); after != 0 || resumed || err != nil {
			t.Fatalf("the public: %d, %v, %v", after, resumed, err)
		}
		after, resumed, err := resumption(r, caller{member: true, query: query})
		if err != nil {
			refused(t, header+parameter, err, "last_event_id")
			return
		}
		given := header
		if given == "" {
			given = parameter
		}
		if resumed != (given != "") || after < 0 {
			t.Fatalf("%q, %q: %d, %v", header, parameter, after, resumed)
		}
		if n, err := strconv.ParseInt(given, 10, 64); resumed && (err != nil || n != after) {
			t.Fatalf("%q: %d", given, after)
		}
	})
}

// FuzzTime reads the times of announcements.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{"now", "now-60", "now+60", "1800000000", "1.8e9", "-1", "1e400", "now+99999999999999999999", "", " 5 ", "NaN", "0x10", "null", "5.5", "-0", "\r0", "\"7\""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		quoted, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{text, string(quoted)} {
			meant := text // also of the quoted text
			o, err := web.ParseObject([]byte(`{"from":` + value + `}`))
			if err != nil {
				continue
			}
			p, err := body{o}.time("from")
			switch {
			case err != nil:
				refused(t, value, err, "from")
			case p == nil && !strings.Contains(value, "null"):
				t.Fatalf("%s is absent", value)
			case p == nil:
			case math.Abs(float64(p.N)) > 1e15:
				t.Fatalf("%s: %+v", value, *p)
			case p.Relative:
				if !strings.Contains(meant, "now") {
					t.Fatalf("%s: %+v", value, *p)
				}
			default:
				meant = strings.Trim(strings.TrimSpace(meant), `"`)
				f, err := strconv.ParseFloat(strings.TrimSpace(meant), 64)
				if err != nil || math.Abs(f-float64(p.N)) > 0.5 {
					t.Fatalf("%s: %+v is not %v, %v", value, *p, f, err)
				}
			}
		}
	})
}

// FuzzMembers reads every member of every body.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{"type":"status","user":"Hans","status":"public","note":"hi"}`,
		`{"type":"announcement","method":"mod","aid":1,"user":"Hans","from":"now","to":"now+60","public":true,"url":null,"note":""}`,
		`{"action":"del","aid":9223372036854775808}`, `{"type":"presence","anonymous_client_id":18446744073709551615,"anonymous_users":2.5}`,
		`{"type":5,"method":{},"action":[],"aid":"1","public":"x","url":5}`, `{"anonymous_client_id":"7","anonymous_users":1e300}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := web.ParseObject(text)
		if err != nil {
			return
		}
		b := body{o}
		if kind, err := b.kind(); err != nil {
			refused(t, string(text), err, "type")
		} else if kind != club.TypeStatus && kind != club.TypeAnnouncement && kind != club.TypePresence {
			t.Fatalf("%s: type %q", text, kind)
		}
		method, err := b.method()
		if err != nil {
			var e *web.Error
			if !errors.As(err, &e) || e.Field != "method" && e.Field != "action" {
				t.Fatalf("%s: %v", text, err)
			}
		} else if _, err := b.draft(method); err != nil {
			var e *web.Error
			if !errors.As(err, &e) || e.Status != http.StatusBadRequest || !b.Has(e.Field) {
				t.Fatalf("%s: %v", text, err)
			}
		}
		if aid, err := b.aid(); err != nil {
			refused(t, string(text), err, "aid")
		} else if aid < 1 {
			t.Fatalf("%s: aid %d", text, aid)
		}
		if _, users, err := b.anonymous(); err == nil && math.Abs(float64(users)) > 1e15 {
			t.Fatalf("%s: %d users", text, users)
		}
	})
}
