// Package apiv0 serves the club-status API, version 0, under /api/v0: the
// document's routes with Stint's readings of them. It turns requests into calls
// of package club and actions into JSON, for members and for the public.
package apiv0

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"stint/internal/account"
	"stint/internal/club"
	"stint/internal/db"
	"stint/internal/stream"
	"stint/internal/web"
)

// Options are what the API is made of.
type Options struct {
	Club     *club.Club
	Accounts *account.Store
	Hub      *stream.Hub
	Log      *slog.Logger
	Proxies  web.Proxies
	Failures *web.FailureLimit

	// Challenge answers a request that has neither credentials nor ?public with
	// 401 instead of the public view.
	Challenge bool
	// Open makes everybody a member with every right. It is for clubs that
	// chose to have no password.
	Open bool
}

// API is the running API.
type API struct {
	Options
	tail *tail
	stop context.CancelFunc
	done sync.WaitGroup
}

// New reads the log's state and begins to follow it and to look at the
// presence. The API must be closed before the hub and the database are.
func New(ctx context.Context, o Options) (*API, error) {
	t, err := newTail(ctx, o.Club, o.Hub)
	if err != nil {
		return nil, err
	}
	a := &API{Options: o, tail: t}
	report := func(err error) { o.Log.Error("club", "error", err) }
	ctx, a.stop = context.WithCancel(context.Background())
	a.done.Go(func() { t.follow(ctx, report) })
	a.done.Go(func() { o.Club.KeepLooking(ctx, report) })
	return a, nil
}

// Close stops following the log. Requests are no longer answered.
func (a *API) Close() {
	a.stop()
	a.done.Wait()
}

// PublicStatus is the status that everybody may know, and since when, in Unix
// seconds.
func (a *API) PublicStatus() (club.Status, int64) {
	s := a.tail.fresh(context.Background())
	return s.public.Status.InPublic(), s.public.Time
}

// handler answers one request of a caller, or says why not.
type handler func(w http.ResponseWriter, r *http.Request, c caller) error

// Register adds the API's routes.
func (a *API) Register(mux *http.ServeMux) {
	put := methods{http.MethodPut: a.put}
	a.route(mux, "/api/v0", put)
	a.route(mux, "/api/v0/{$}", put)
	a.route(mux, "/api/v0/status/current", get(a.currentStatus))
	for name, t := range map[string]club.Type{
		"status": club.TypeStatus, "announcement": club.TypeAnnouncement, "announcements": club.TypeAnnouncement,
		"presence": club.TypePresence, "all": "",
	} {
		a.route(mux, "/api/v0/"+name, get(a.selectActions(t)))
		a.route(mux, "/api/v0/"+name+"/stream", get(a.stream(t)))
		if t == club.TypeAnnouncement {
			a.route(mux, "/api/v0/"+name+"/current", get(a.currentAnnouncements))
		}
	}
	a.route(mux, "/api/v0/", nil)
}

// methods are a path's handlers; nil means that there is no such path.
type methods map[string]handler

func get(h handler) methods { return methods{http.MethodGet: h, http.MethodHead: h} }

func (m methods) allowed() string {
	var list []string
	for _, name := range []string{http.MethodGet, http.MethodHead, http.MethodPut} {
		if m[name] != nil {
			list = append(list, name)
		}
	}
	return strings.Join(append(list, http.MethodOptions), ", ")
}

var (
	anyOrigin = []string{"*"}
	exposed   = []string{"Date, ETag, Retry-After, X-Request-Id"} // beside what a page of another origin may read anyway
	varies    = []string{"Authorization, Cookie, Origin"}
)

func (a *API) route(mux *http.ServeMux, pattern string, m methods) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Access-Control-Allow-Origin"] = anyOrigin
		h["Access-Control-Expose-Headers"] = exposed
		h["Vary"] = varies
		if err := a.serve(w, r, m); err != nil {
			a.refuse(w, r, err)
		}
	})
}

func (a *API) serve(w http.ResponseWriter, r *http.Request, m methods) error {
	handle := m[r.Method]
	switch {
	case m == nil:
		return &web.Error{Status: http.StatusNotFound, Detail: "There is no such path. The action types are status, announcement, presence and all."}
	case r.Method == http.MethodOptions:
		web.Preflight(w)
		return nil
	case handle == nil:
		return web.MethodNotAllowed(m.allowed())
	}
	c, err := a.caller(r)
	if err != nil {
		return err
	}
	return handle(w, r, c)
}

// refuse answers with a problem document.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refused *web.Error
	var rule *club.Error
	switch {
	case errors.As(err, &refused):
	case errors.As(err, &rule):
		refused = &web.Error{Status: statusOf(rule.Reason), Field: rule.Member, Detail: rule.Detail}
	case errors.Is(err, stream.ErrFull):
		refused = unavailable("There are too many streams open, in total or from this address; close one or try again later.")
	case errors.Is(err, stream.ErrClosed), errors.Is(err, db.ErrClosed), r.Context().Err() != nil:
		refused = unavailable("The server is stopping.")
	default:
		a.Log.Error("internal error", "route", r.Pattern, "id", w.Header().Get("X-Request-Id"), "error", err)
		refused = &web.Error{Status: http.StatusInternalServerError, Detail: "Something went wrong in the server; its log tells more under this answer's X-Request-Id."}
		if errors.Is(err, db.ErrUnavailable) {
			refused = unavailable("The database does not answer; nothing was changed.")
		}
	}
	web.Problem(w, refused)
}

func unavailable(detail string) *web.Error {
	return &web.Error{Status: http.StatusServiceUnavailable, Detail: detail, Header: http.Header{"Retry-After": {"30"}}}
}

func statusOf(r club.Reason) int {
	switch r {
	case club.Past:
		return http.StatusForbidden
	case club.NotFound:
		return http.StatusNotFound
	}
	return http.StatusBadRequest
}
