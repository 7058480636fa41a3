package apiv2_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"stint/internal/db/dbtest"
)

// ask sends a request to the handler and checks what is true of every answer: a status that is documented, one whole
// envelope, and a code where there is an error.
func (s *server) ask(t *testing.T, method, query, body string) (status int, answer object) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.URL.RawQuery = query
	r.RemoteAddr = "127.0.0.1:1"
	r.Header.Set("Authorization", "Bearer "+s.token)
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	switch w.Code {
	case 200, 201, 400, 404, 409, 413:
	default:
		t.Fatalf("%s %q %q is answered %d %s\n%s", method, query, body, w.Code, w.Body, s.log)
	}
	text := w.Body.Bytes()
	if !jsontext.Value(text).IsValid() || !utf8.Valid(text) {
		t.Fatalf("%s %q %q is answered %q", method, query, body, text)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	code, _ := answer.at("error.code").(string)
	if ok := w.Code < 300; answer["ok"] != ok || ok != (code == "") || ok == answer.has("error") {
		t.Fatalf("%s %q %q is answered %d %s", method, query, body, w.Code, text)
	}
	return w.Code, answer
}

func (o object) has(name string) bool { _, ok := o[name]; return ok }

// FuzzBody sends bodies to POST and PATCH. What is stored can be read, and goes again.
func FuzzBody(f *testing.F) {
	s := serve(f, dbtest.Open(f, dbtest.SQLite(f)), newClock())
	for _, c := range badRequests() {
		if c.method == "POST" && len(c.body) < 1000 {
			f.Add(c.body)
		}
	}
	f.Add(manual("2026-01-15", "10:00", "2026-01-17", "10:00", `"public":"1"`, `"notes":"\u0041\u2028"`, `"lockedby":null`))
	f.Add(`{"type":"live","scheduledend":"2026-03-01","maxend":1,"dices":1,"diceminmulti":1e-1,"dicemaxmulti":"99.99","dicespen":1,"mindiceplay":"2"}`)
	f.Add(`{"type":"live","scheduledend":"9999-12-31","scheduledendtime":"23:59","links":1,"resetvotes":1,"luck":true,"luckpen":"1","penluckunit":"hour"}`)
	f.Add(`{"endNow":true,"scheduledend":null,"scheduledendtime":""}`)
	f.Fuzz(func(t *testing.T, body string) {
		if status, answer := s.ask(t, "POST", "", body); status == 201 {
			id := "id=" + strconv.FormatFloat(answer.at("data.id").(float64), 'f', -1, 64)
			if status, _ := s.ask(t, "GET", id, ""); status != 200 {
				t.Errorf("stored, but not there: %q", body)
			}
			s.ask(t, "PATCH", id, body)
			removed, _ := s.ask(t, "DELETE", id+"&discard=1", "")
			if removed != 200 {
				removed, _ = s.ask(t, "DELETE", id, "")
			}
			if removed == 409 { // an old start that goes on
				s.ask(t, "PATCH", id, `{"endNow":true}`)
				s.ask(t, "DELETE", id, "")
			}
		}
		s.ask(t, "PATCH", "id=1", body)
	})
}

// FuzzQuery sends query strings to GET, PATCH and DELETE.
func FuzzQuery(f *testing.F) {
	s := serve(f, dbtest.Open(f, dbtest.SQLite(f)), newClock())
	s.post(manual("2026-01-15", "10:00", "2026-01-17", "10:00")).must(201)
	for _, c := range badRequests() {
		if c.method == "GET" {
			f.Add(strings.TrimPrefix(c.query, "?"))
		}
	}
	f.Add("from=2026-01-01&to=2026-02-01&active=0&limit=50&offset=0")
	f.Add("id=1&discard=1&%00=%ff")
	f.Fuzz(func(t *testing.T, query string) {
		s.ask(t, "GET", query, "")
		s.ask(t, "PATCH", query, `{"public":1}`)
		values, err := url.ParseQuery(query)
		if status, _ := s.ask(t, "DELETE", query, ""); status == 200 {
			if err != nil || len(values["id"]) != 1 {
				t.Errorf("%q removed a session", query)
			}
			s.ask(t, "POST", "", manual("2026-01-15", "10:00", "2026-01-17", "10:00"))
		}
	})
}

// FuzzDates stores what is accepted as a start, and finds it under its date.
func FuzzDates(f *testing.F) {
	s := serve(f, dbtest.Open(f, dbtest.SQLite(f)), newClock())
	for _, date := range []string{"2026-01-15", "2026-02-30", "2024-02-29", "2025-02-29", "0000-01-01", "10000-01-01", "2026-1-5", "٢٠٢٦-٠١-٠٥", "2006-02-05", "", "now"} {
		for _, clock := range []string{"10:00", "24:00", "7:5", "23:59", "", "00:60"} {
			f.Add(date, clock)
		}
	}
	f.Fuzz(func(t *testing.T, date, clock string) {
		if !utf8.ValidString(date) || !utf8.ValidString(clock) {
			t.Skip()
		}
		status, answer := s.ask(t, "POST", "", manual(date, clock, "2026-02-05", "12:00"))
		if status != 201 {
			if field, _ := answer.at("error.field").(string); !strings.HasPrefix(field, "start") && field != "enddate" {
				t.Errorf("%q %q: %v", date, clock, answer)
			}
			return
		}
		id := strconv.FormatFloat(answer.at("data.id").(float64), 'f', -1, 64)
		_, item := s.ask(t, "GET", "id="+id, "")
		start, _ := item.at("data.start").(string)
		// At the beginning of summer time the wall clock is another.
		if !strings.HasPrefix(start, date) || clock != "" && start[11:16] != clock && start[11:13] != "03" {
			t.Errorf("%q %q begins %s", date, clock, start)
		}
		q := url.Values{"from": {date}, "to": {date}}
		if _, list := s.ask(t, "GET", q.Encode(), ""); list.at("data.total") != 1.0 {
			t.Errorf("%q %q: not on its day", date, clock)
		}
		s.ask(t, "DELETE", "id="+id, "")
	})
}
