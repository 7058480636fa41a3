// Package apiv2 serves the tracker API, version 2, under /api/v2: the document's routes with Stint's readings of
// them. It turns requests into calls of package tracker and sessions into JSON. The wire's words, its 0/1 flags and
// its odd spellings end here.
package apiv2

import (
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"stint/internal/account"
	"stint/internal/stream"
	"stint/internal/tracker"
	"stint/internal/web"
)

// Options are what the API is made of.
type Options struct {
	Tracker  *tracker.Tracker
	Accounts *account.Store
	Log      *slog.Logger
	Proxies  web.Proxies
	Failures *web.FailureLimit
	Hub      *stream.Hub // of the events; nil: there are none

	// PublicURL is scheme and host under which people reach the server; "": those of the request.
	PublicURL string
	// RequireHTTPS refuses requests that crossed a network in the clear (readings, "HTTPS").
	RequireHTTPS bool
}

// API answers requests. It must be closed before the hub is.
type API struct {
	Options
	feed  feed
	heavy chan struct{} // a place for each request that takes long
}

// New returns the API over o.
func New(o Options) *API {
	return &API{Options: o, heavy: make(chan struct{}, maxHeavy),
		feed: feed{tracker: o.Tracker, hub: o.Hub, report: func(err error) { o.Log.Error("events", "error", err) }}}
}

// Close ends what was begun for streams of events. Requests are no longer answered.
func (a *API) Close() { a.feed.close() }

// methods are what a path takes; nil means that there is no such path. HEAD is answered wherever GET is.
type methods map[string]method

// method is the handler of a method, and the scope that a token needs for it.
type method struct {
	needs account.TokenScope
	do    func(*API, *call) error
}

// anyone is the scope of methods that ask for a token themselves, where they need one.
const anyone account.TokenScope = ""

var sessions = methods{
	http.MethodGet:    {account.TokenRead, (*API).getSessions},
	http.MethodPost:   {account.TokenWrite, (*API).postSession},
	http.MethodPatch:  {account.TokenWrite, (*API).patchSession},
	http.MethodDelete: {account.TokenWrite, (*API).deleteSession},
}

var routes = map[string]methods{
	"/api/v2/sessions.php": sessions,
	"/api/v2/sessions":     sessions,
	"/api/v2":              nil,
	"/api/v2/":             nil,
}

// Register adds the API's routes.
func (a *API) Register(mux *http.ServeMux) {
	for pattern, m := range routes {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, m) })
	}
	for name, m := range family {
		for _, pattern := range []string{"/api/v2/" + name + ".php", "/api/v2/" + name} {
			mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, m) })
		}
	}
}

// call is one request and what is known about it by now.
type call struct {
	*http.Request
	w        http.ResponseWriter
	who      account.Caller
	query    query
	warnings warnings
	scope    tracker.Field // before the domain's fields where the wire has other words for them
	text     []byte        // for the answer's body; it goes back to texts
}

var texts = sync.Pool{New: func() any { return new([]byte) }}

const maxText = 256 << 10 // bytes of a text that is worth keeping

func (a *API) answer(w http.ResponseWriter, r *http.Request, m methods) {
	text := texts.Get().(*[]byte)
	c := &call{Request: r, w: w, text: (*text)[:0]}
	common(w.Header())
	if err := a.serve(c, m); err != nil {
		a.refuse(c, err)
	}
	if cap(c.text) <= maxText {
		*text = c.text
		texts.Put(text)
	}
}

func (a *API) serve(c *call, m methods) error {
	if m == nil {
		return &web.Error{Status: http.StatusNotFound, Code: "not_found", Detail: "There is nothing at this path; the sessions are at /api/v2/sessions.php."}
	}
	name := c.Method
	if name == http.MethodHead {
		name = http.MethodGet
	}
	method, ok := m[name]
	switch {
	case name == http.MethodOptions:
		preflight(c.w, m)
		return nil
	case !ok:
		return web.MethodNotAllowed(m.allowed() + ", OPTIONS")
	}
	if method.needs != anyone {
		if err := a.admit(c, method.needs); err != nil {
			return err
		}
	}
	if err := c.readQuery(); err != nil {
		return err
	}
	c.readPreference()
	return method.do(a, c)
}

func (m methods) allowed() string {
	var list []string
	for _, name := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
		if _, ok := m[name]; !ok {
			continue
		}
		list = append(list, name)
		if name == http.MethodGet {
			list = append(list, http.MethodHead)
		}
	}
	return strings.Join(list, ", ")
}

// Values of the headers that every answer has. What belongs to one person is stored nowhere on its way.
var (
	anyOrigin = []string{"*"}
	exposed   = []string{"Allow, Idempotent-Replayed, Last-Event-ID, Preference-Applied, Retry-After, X-Request-Id"}
	noStore   = []string{"no-store"}
	noSniff   = []string{"nosniff"}
	jsonType  = []string{"application/json; charset=utf-8"}
)

func common(h http.Header) {
	h["Access-Control-Allow-Origin"] = anyOrigin
	h["Access-Control-Expose-Headers"] = exposed
	h["Cache-Control"] = noStore
	h["X-Content-Type-Options"] = noSniff
}

// preflight answers what a browser asks before a request of another origin.
func preflight(w http.ResponseWriter, m methods) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", m.allowed())
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer")
	h.Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}
