package apiv0

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"stint/internal/club"
	"stint/internal/web"
)

const (
	defaultCount = 20
	buffered     = 1000 // actions that are held in memory; also the most that the public gets
)

// param returns a query parameter, which may be given once.
func (c caller) param(name string) (value string, given bool, err error) {
	values := c.query[name]
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
		return values[0], true, nil
	}
	return "", false, web.BadRequest(name, "%s is given %d times; once is allowed.", name, len(values))
}

// currentStatus answers document, "GET current status".
func (a *API) currentStatus(w http.ResponseWriter, r *http.Request, c caller) error {
	a.tail.fresh(r.Context()).status[c.view()].Serve(w, r)
	return nil
}

// currentAnnouncements answers document, "GET current announcements".
func (a *API) currentAnnouncements(w http.ResponseWriter, r *http.Request, c caller) error {
	a.tail.fresh(r.Context()).current(a.Club.Now(), c.view()).Serve(w, r)
	return nil
}

// selectActions answers document, "Action select queries".
func (a *API) selectActions(t club.Type) handler {
	return func(w http.ResponseWriter, r *http.Request, c caller) error {
		if !c.member && (t == club.TypePresence || t == "") {
			return notPublic("This list")
		}
		if c.member && r.URL.RawQuery == "id=last" {
			a.tail.fresh(r.Context()).last[t].Serve(w, r)
			return nil
		}
		q, err := parseQuery(t, c)
		if err != nil {
			return err
		}
		selection, err := a.Club.Select(r.Context(), q)
		if err != nil {
			return err
		}
		if q.Count > buffered {
			return a.streamList(w, r, selection)
		}
		var list []club.Action
		err = selection.Each(r.Context(), func(actions []club.Action) error {
			list = actions
			return nil
		})
		if err != nil {
			return err
		}
		answer(appendActions(nil, list, c.view())).Serve(w, r)
		return nil
	}
}

// streamList answers a member's long list in bounded memory.
func (a *API) streamList(w http.ResponseWriter, r *http.Request, s *club.Selection) error {
	sum := sha256.Sum256([]byte(s.Key()))
	etag := `"` + hex.EncodeToString(sum[:12]) + `"`
	h := w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "no-cache")
	if web.Matches(r.Header["If-None-Match"], etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", contentType)
	if r.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(w)
	chunk := []byte(listHead)
	err := s.Each(r.Context(), func(actions []club.Action) error {
		for i := range actions {
			chunk = append(appendAction(chunk, &actions[i], memberView), ',')
		}
		// The last comma waits, as it may turn out to be one too many.
		control.SetWriteDeadline(writeBy())
		_, err := w.Write(chunk[:len(chunk)-1])
		chunk = append(chunk[:0], ',')
		return err
	})
	if err != nil {
		// The status is sent: only a broken connection can say that the list
		// is not whole.
		if r.Context().Err() == nil {
			a.Log.Error("list", "route", r.Pattern, "id", h.Get("X-Request-Id"), "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	if chunk[0] == ',' {
		chunk = chunk[:0]
	}
	_, err = w.Write(append(chunk, listTail...))
	return err
}

func parseQuery(t club.Type, c caller) (q club.Query, err error) {
	q = club.Query{Type: t, Public: !c.member, Count: defaultCount}
	id, _, err := c.param("id")
	if err != nil {
		return q, err
	}
	if id != "" && !c.member {
		return q, notPublic("A filter by id")
	}
	if q.IDs, err = parseSpan("id", "last", id); err != nil {
		return q, err
	}
	times, _, err := c.param("time")
	if err != nil {
		return q, err
	}
	if q.Times, err = parseSpan("time", "now", times); err != nil {
		return q, err
	}
	if q.First, err = parseTake(c); err != nil {
		return q, err
	}
	q.Count, err = parseCount(c)
	return q, err
}

func parseTake(c caller) (first bool, err error) {
	take, _, err := c.param("take")
	switch {
	case err != nil:
		return false, err
	case take == "first":
		return true, nil
	case take == "last" || take == "":
		return false, nil
	}
	return false, web.BadRequest("take", "take must be first or last.")
}

func parseCount(c caller) (int64, error) {
	text, _, err := c.param("count")
	if err != nil {
		return 0, err
	}
	if text == "" {
		return defaultCount, nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, web.BadRequest("count", "count must be a whole number from 0.")
	}
	if !c.member && n > buffered {
		return 0, web.BadRequest("count", "count may be at most %d without a password.", buffered)
	}
	return int64(n), nil
}

// parseSpan reads a filter: a point, or two points with a colon between, either
// of which may be missing (readings, "Select queries"). An empty text is no
// filter.
func parseSpan(name, mark, text string) (s club.Span, err error) {
	if text == "" {
		return s, nil
	}
	// In a query a plus sign that was not escaped arrives as a space.
	first, second, isRange := strings.Cut(strings.ReplaceAll(text, " ", "+"), ":")
	if s.A, err = parseEnd(name, mark, first, isRange); err != nil {
		return s, err
	}
	if !isRange {
		s.B = s.A
		return s, nil
	}
	s.B, err = parseEnd(name, mark, second, true)
	return s, err
}

func parseEnd(name, mark, text string, mayMiss bool) (*club.Point, error) {
	if text == "" && mayMiss {
		return nil, nil
	}
	p, ok := parsePoint(text, mark)
	if !ok || p.Relative && p.N > 0 && mark == "last" || strings.HasPrefix(text, "-") {
		return nil, web.BadRequest(name, "%s must be a number, %s or %s-NUMBER, or a range of two of these with a colon between.", name, mark, mark)
	}
	return &p, nil
}

// parsePoint reads a whole number, the mark, or the mark with a number added or
// subtracted. Numbers have at most 15 digits.
func parsePoint(text, mark string) (club.Point, bool) {
	rest, relative := strings.CutPrefix(text, mark)
	if relative && rest == "" {
		return club.Point{Relative: true}, true
	}
	negative := strings.HasPrefix(rest, "-")
	if negative || relative && strings.HasPrefix(rest, "+") {
		rest = rest[1:]
	} else if relative {
		return club.Point{}, false
	}
	n, ok := digits(rest)
	if negative {
		n = -n
	}
	return club.Point{Relative: relative, N: n}, ok
}

// digits reads a whole number of 1 to 15 digits without a sign.
func digits(text string) (int64, bool) {
	if len(text) == 0 || len(text) > 15 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil
}
