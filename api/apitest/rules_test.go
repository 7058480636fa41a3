package apitest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"stint/api/apitest"
)

const (
	memberAction = `{"id":17,"time":1798790000,"type":"status","note":"come in","user":"Hans","status":"public"}`
	nextAction   = `{"id":19,"time":1798790001,"type":"status","note":"","user":"Hans","status":"closed"}`
	publicAction = `{"time":1798790000,"type":"status","status":"public"}`
	problem405   = `{"type":"about:blank","title":"Method Not Allowed","status":405,"detail":"This path takes GET, HEAD."}`
)

// headers returns the sample headers of that name, with a content type.
func headers(kind string, names ...string) http.Header {
	h := http.Header{"Content-Type": {kind}}
	for _, name := range append(names, "Access-Control-Allow-Origin", "X-Request-Id") {
		h.Set(name, samples[name])
	}
	return h
}

func TestViews(t *testing.T) {
	json := headers("application/json", "ETag", "Cache-Control", "Vary")
	for _, c := range []struct {
		name, url string
		member    bool
		body      string
		caught    bool
	}{
		{"member", "/api/v0/status", true, `{"actions":[` + memberAction + `]}`, false},
		{"public", "/api/v0/status", false, `{"actions":[` + publicAction + `]}`, false},
		{"no actions", "/api/v0/status", false, `{"actions":[]}`, false},
		{"member's shape for the public", "/api/v0/status", false, `{"actions":[` + memberAction + `]}`, true},
		{"member's shape for ?public", "/api/v0/status?public", true, `{"actions":[` + memberAction + `]}`, true},
		{"public shape for a member", "/api/v0/status", true, `{"actions":[` + publicAction + `]}`, true},
		{"another type", "/api/v0/announcement", true, `{"actions":[` + memberAction + `]}`, true},
		{"presence without a password", "/api/v0/presence", false, `{"actions":[]}`, true},
		{"presence with ?public", "/api/v0/presence?public", true, `{"actions":[]}`, true},
		{"everything without a password", "/api/v0/all", false, `{"actions":[]}`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := answer{method: "GET", url: c.url, member: c.member, status: 200, header: json, body: c.body}
			if got := judge(t, a); (got != nil) != c.caught {
				t.Errorf("complaints: %q, want some: %v", got, c.caught)
			}
		})
	}
	put := answer{method: "PUT", url: "/api/v0", status: 200, header: headers("application/json"), body: "17"}
	wantCaught(t, "a PUT without a password", put)
}

func TestDefaults(t *testing.T) {
	problem := headers("application/problem+json")
	a := answer{method: "POST", url: "/api/v0/status", status: 405, header: problem, body: problem405}
	wantCaught(t, "405 without Allow", a)
	for allow, good := range map[string]bool{"GET, HEAD": true, "GET, HEAD, OPTIONS": true, "GET": false, "GET, HEAD, PUT": false} {
		a.header = a.header.Clone()
		a.header.Set("Allow", allow)
		if got := judge(t, a); (got == nil) != good {
			t.Errorf("Allow: %s: complaints %q, want none: %v", allow, got, good)
		}
	}
	a.method = "GET"
	wantCaught(t, "405 for a documented method", a)

	a = answer{method: "GET", url: "/api/v9", status: 404, header: problem, body: strings.Replace(problem405, "405", "404", 1)}
	wantClean(t, a)
	a.body = problem405
	wantCaught(t, "a problem with another status than the answer", a)
	a.header, a.body = headers("text/plain"), "404 page not found\n"
	wantCaught(t, "404 as plain text", a)

	a = answer{method: "OPTIONS", url: "/api/v0", status: 204, header: headers("")}
	wantCaught(t, "a preflight without its headers", a)
	a.header.Set("Access-Control-Allow-Methods", "GET, HEAD, PUT")
	a.header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Last-Event-ID, If-None-Match")
	wantClean(t, a)

	a = answer{method: "GET", url: "/docs/api/swagger.css", status: 200, header: http.Header{}}
	wantClean(t, a)
}

func TestStreams(t *testing.T) {
	sse := func(actions ...string) string {
		return "retry: 3000\n\n" + strings.Join(actions, "")
	}
	event := func(id, data string) string { return "id: " + id + "\ndata: " + data + "\n\n" }
	for _, c := range []struct {
		name, query string
		member      bool
		body        string
		caught      bool
	}{
		{"lines", "", true, memberAction + "\n" + nextAction + "\n", false},
		{"public lines", "", false, publicAction + "\n", false},
		{"member's lines for the public", "", false, memberAction + "\n", true},
		{"public lines for a member", "", true, publicAction + "\n", true},
		{"the second line is wrong", "", true, memberAction + "\n" + strings.Replace(nextAction, "closed", "open", 1) + "\n", true},
		{"half a line", "", true, memberAction + "\n" + nextAction[:20], true},
		{"the same action twice", "", true, memberAction + "\n" + memberAction + "\n", true},
		{"out of order", "", true, nextAction + "\n" + memberAction + "\n", true},
		{"keep-alive that was asked for", "?keepalive=5", true, "\n" + memberAction + "\n\n", false},
		{"keep-alive that was not", "", true, memberAction + "\n\n", true},
		{"pretty", "", true, "{\n}\n", true},
		{"events", "?format=SSE", true, sse(event("17", memberAction), ":\n\n", event("19", nextAction)), false},
		{"format in another case", "?format=sSe", true, sse(event("17", memberAction)), false},
		{"retry in the first event", "?format=SSE", true, "retry: 3000\n" + event("17", memberAction), false},
		{"public events", "?format=SSE", false, sse("data: " + publicAction + "\n\n"), false},
		{"public events with ids", "?format=SSE", false, sse(event("17", publicAction)), true},
		{"member's events for the public", "?format=SSE", false, sse("data: " + memberAction + "\n\n"), true},
		{"events without ids", "?format=SSE", true, sse("data: " + memberAction + "\n\n"), true},
		{"another id", "?format=SSE", true, sse(event("18", memberAction)), true},
		{"a name", "?format=SSE", true, sse("event: status\n" + event("17", memberAction)), true},
		{"no retry", "?format=SSE", true, event("17", memberAction), true},
		{"retry twice", "?format=SSE", true, sse() + sse(event("17", memberAction)), true},
		{"half an event", "?format=SSE", true, sse(event("17", memberAction), "id: 19\n"), true},
		{"the same event twice", "?format=SSE", true, sse(event("17", memberAction), event("17", memberAction)), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			kind := "application/x-ndjson"
			if strings.Contains(strings.ToLower(c.query), "sse") {
				kind = "text/event-stream"
			}
			a := answer{method: "GET", url: "/api/v0/status/stream" + c.query, member: c.member, status: 200,
				header: headers(kind, "Cache-Control", "X-Accel-Buffering"), body: c.body}
			if got := judge(t, a); (got != nil) != c.caught {
				t.Errorf("complaints: %q, want some: %v", got, c.caught)
			}
		})
	}
	a := answer{method: "GET", url: "/api/v0/status/stream", member: true, status: 200, header: headers("text/event-stream", "Cache-Control", "X-Accel-Buffering")}
	wantCaught(t, "events where lines were asked for", a)
}

func TestUnseen(t *testing.T) {
	const name = "GET /healthz 200 text/plain"
	before, err := apitest.Unseen("/healthz")
	if err != nil {
		t.Fatal(err)
	}
	wantClean(t, answer{method: "GET", url: "/healthz", status: 200, header: headers("text/plain; charset=utf-8"), body: "ok\n"})
	after, err := apitest.Unseen("/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(after, name) || len(after) > len(before) {
		t.Errorf("unseen: %q, then %q", before, after)
	}
}
