package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"stint/internal/web"
)

func TestMatches(t *testing.T) {
	const etag = `"5d41402abc4b"`
	for _, c := range []struct {
		name   string
		values []string
		want   bool
	}{
		{"no header", nil, false},
		{"empty", []string{""}, false},
		{"the same", []string{etag}, true},
		{"weak", []string{"W/" + etag}, true},
		{"another", []string{`"5d41402abc4c"`}, false},
		{"without quotes", []string{"5d41402abc4b"}, false},
		{"the beginning", []string{`"5d41402a`}, false},
		{"one of several", []string{`"a", ` + etag + ` , "b"`}, true},
		{"none of several", []string{`"a", "b"`}, false},
		{"in a second header", []string{`"a"`, etag}, true},
		{"any", []string{"*"}, true},
		{"any, as a tag", []string{`"*"`}, false},
		{"commas only", []string{",,,"}, false},
		{"lower-case weak", []string{"w/" + etag}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := web.Matches(c.values, etag); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func FuzzMatches(f *testing.F) {
	for _, seed := range []string{`"a", W/"b"`, `*`, `W/`, `"`, ``, `,`, `W/W/"a"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		const etag = `"5d41402abc4b"`
		if web.Matches([]string{header}, etag) && !strings.Contains(header, etag) && !strings.Contains(header, "*") {
			t.Fatalf("%q matches %s", header, etag)
		}
		if !web.Matches([]string{header + "," + etag}, etag) || !web.Matches([]string{header, "W/" + etag}, etag) {
			t.Fatalf("%q hides %s", header, etag)
		}
	})
}

func TestAnswer(t *testing.T) {
	a := web.NewAnswer("application/json", []byte(`{"a":1}`))
	get := func(method string, headers ...string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, "/", nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		a.Serve(w, r)
		return w
	}
	first := get("GET")
	etag := first.Header().Get("ETag")
	for _, c := range []struct {
		name   string
		got    *httptest.ResponseRecorder
		status int
		body   string
	}{
		{"GET", first, 200, `{"a":1}`},
		{"HEAD", get("HEAD"), 200, ""},
		{"GET of what the client has", get("GET", "If-None-Match", etag), 304, ""},
		{"HEAD of what the client has", get("HEAD", "If-None-Match", etag), 304, ""},
		{"GET of something else", get("GET", "If-None-Match", `"x"`), 200, `{"a":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got.Code != c.status || c.got.Body.String() != c.body {
				t.Errorf("got %d %q", c.got.Code, c.got.Body)
			}
			h := c.got.Header()
			if h.Get("ETag") != etag || strings.HasPrefix(etag, "W/") || h.Get("Cache-Control") != "no-cache" {
				t.Errorf("headers %v", h)
			}
			if c.status == 200 && (h.Get("Content-Length") != "7" || h.Get("Content-Type") != "application/json") {
				t.Errorf("headers %v", h)
			}
			if c.status == 304 && (h.Get("Content-Length") != "" || h.Get("Content-Type") != "") {
				t.Errorf("headers %v", h)
			}
		})
	}
	same := web.NewAnswer("application/json", []byte(`{"a":1}`))
	other := web.NewAnswer("application/json", []byte(`{"a":2}`))
	w := httptest.NewRecorder()
	same.Serve(w, httptest.NewRequest("GET", "/", nil))
	if w.Header().Get("ETag") != etag {
		t.Error("the same body has another ETag")
	}
	w = httptest.NewRecorder()
	other.Serve(w, httptest.NewRequest("GET", "/", nil))
	if w.Header().Get("ETag") == etag {
		t.Error("another body has the same ETag")
	}
	if got := string(other.Bytes()); got != `{"a":2}` {
		t.Errorf("Bytes: %s", got)
	}
}

func TestErrors(t *testing.T) {
	e := web.BadRequest("note", "note has %d bytes.", 81)
	if e.Status != http.StatusBadRequest || e.Field != "note" || e.Detail != "note has 81 bytes." || !strings.Contains(e.Error(), "400") {
		t.Errorf("%+v", e)
	}
	m := web.MethodNotAllowed("GET, HEAD")
	if m.Status != http.StatusMethodNotAllowed || m.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("%+v", m)
	}
}
