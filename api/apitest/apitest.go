// Package apitest holds a server to its contract, api/openapi.yaml, in tests.
//
// Transport judges every answer that passes through it: that its status is
// documented for the path and method; that the documented headers are there and
// have the documented values; its content type; its body, to the last member;
// that the shape is the one for the view that was asked for (a schema called
// Member… is not accepted where the public view was asked for, nor Public… for a
// member); that nobody without a password got what needs one; and each action of
// a stream as it is read, with its framing and the order of ids. Requests may be
// as wrong as a test wants.
//
// Where the document has no operation, its own defaults apply: an unknown path
// is 404 (components/responses/NotFound), another method 405 with an Allow that
// names exactly the documented ones (MethodNotAllowed), OPTIONS is 204
// (Preflight); under /api/v2 their names begin with V2. HEAD is judged as GET without a body. On a server that is open to
// everybody, send any credentials to be judged as a member. The pages for people, "/",
// and everything under "/docs/" and "/v/", are no part of the contract and are not judged.
package apitest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Transport returns a transport that sends requests by base, or
// http.DefaultTransport if that is nil, and fails t, once per answer, when an
// answer breaks the contract. It may be used by several goroutines.
func Transport(t testing.TB, base http.RoundTripper) http.RoundTripper {
	t.Helper()
	c, err := load()
	if err != nil {
		t.Fatalf("api/openapi.yaml: %v", err)
	}
	if base == nil {
		base = http.DefaultTransport
	}
	tr := &transport{contract: c, base: base, t: t}
	t.Cleanup(func() {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.over = true
	})
	return tr
}

type transport struct {
	*contract
	base http.RoundTripper
	mu   sync.Mutex
	t    testing.TB
	over bool // t has ended and must not be used any more
}

func (tr *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := tr.base.RoundTrip(req)
	if err != nil || req.URL.Path == "/" || req.URL.Path == "" || strings.HasPrefix(req.URL.Path, "/v/") || strings.HasPrefix(req.URL.Path, "/docs/") || req.URL.Path == "/docs/api" {
		return res, err
	}
	fail := func(err error) {
		if err != nil {
			tr.fail(req, res, err)
		}
	}
	x, err := tr.find(req, res)
	if err != nil {
		fail(err)
		return res, nil
	}
	media, err := x.head()
	if err != nil {
		fail(err)
		return res, nil
	}
	see(x.name)
	if item := media.get("x-item-schema"); item.exists() && req.Method != http.MethodHead {
		res.Body = &stream{ReadCloser: res.Body, x: x, item: item, report: fail,
			events: strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")}
		return res, nil
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	fail(x.body(media, body))
	return res, nil
}

func (tr *transport) fail(req *http.Request, res *http.Response, err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if !tr.over {
		tr.t.Errorf("contract: %s %s answered %d: %v", req.Method, req.URL.RequestURI(), res.StatusCode, err)
	}
}

var (
	seenMu sync.Mutex
	seen   = map[string]bool{}
)

func see(name string) {
	seenMu.Lock()
	defer seenMu.Unlock()
	seen[name] = true
}

// Unseen returns the documented answers that no Transport of this process has
// let pass, such as "GET /api/v0/status 304" and
// "GET /api/v0/all/stream 200 text/event-stream", for the paths that begin with
// prefix. A test can so prove that every line of the contract was tried.
func Unseen(prefix string) ([]string, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	seenMu.Lock()
	defer seenMu.Unlock()
	var names []string
	paths := c.root.get("paths")
	for template := range paths.members() {
		if !strings.HasPrefix(template, prefix) {
			continue
		}
		for _, method := range allowed(paths.get(template)) {
			responses := paths.get(template).get(strings.ToLower(method)).get("responses")
			for status := range responses.members() {
				names = append(names, answers(method+" "+template+" "+status, responses.get(status))...)
			}
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return seen[n] })
	slices.Sort(names)
	return names, nil
}

func answers(name string, response node) []string {
	kinds := slices.Collect(maps.Keys(response.get("content").members()))
	if kinds == nil {
		return []string{name}
	}
	for i, kind := range kinds {
		kinds[i] = name + " " + kind
	}
	return kinds
}
