package apiv0

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"stint/internal/account"
	"stint/internal/club"
	"stint/internal/web"
)

const (
	maxBody      = 16 << 10 // bytes
	writeTimeout = 30 * time.Second
)

func writeBy() time.Time { return time.Now().Add(writeTimeout) }

// put answers document, "PUT Queries". The body may have any Content-Type;
// unknown members, id and time are ignored.
func (a *API) put(w http.ResponseWriter, r *http.Request, c caller) error {
	if !c.member {
		return notPublic("PUT")
	}
	text, err := web.ReadBody(w, r, maxBody)
	if err != nil {
		return err
	}
	object, err := web.ParseObject(text)
	if err != nil {
		return err
	}
	b := body{object}
	kind, err := b.kind()
	if err != nil {
		return err
	}
	put := map[club.Type]struct {
		needs account.Scope
		do    func(r *http.Request, b body) ([]byte, error)
	}{
		club.TypeStatus:       {account.Status, a.putStatus},
		club.TypeAnnouncement: {account.Announce, a.putAnnouncement},
		club.TypePresence:     {account.Presence, a.putPresence},
	}[kind]
	if !c.scope.Has(put.needs) {
		return forbidden(c.scope, put.needs)
	}
	answer, err := put.do(r, b)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	_, err = w.Write(answer)
	return err
}

// putStatus answers the id of the action as a number (readings, "Actions").
func (a *API) putStatus(r *http.Request, b body) ([]byte, error) {
	user, err := b.mandatory("user")
	if err != nil {
		return nil, err
	}
	word, err := b.mandatory("status")
	if err != nil {
		return nil, err
	}
	status, err := club.CheckStatus(word)
	if err != nil {
		return nil, err
	}
	note, err := b.mandatory("note")
	if err != nil {
		return nil, err
	}
	action, err := a.Club.SetStatus(r.Context(), user, status, note)
	if err != nil {
		return nil, err
	}
	a.tail.done(action.ID)
	return strconv.AppendInt(nil, action.ID, 10), nil
}

// putAnnouncement answers the announcement's new action.
func (a *API) putAnnouncement(r *http.Request, b body) ([]byte, error) {
	method, err := b.method()
	if err != nil {
		return nil, err
	}
	draft, err := b.draft(method)
	if err != nil {
		return nil, err
	}
	var action club.Action
	if method == club.New {
		action, err = a.Club.Announce(r.Context(), draft)
	} else {
		var aid int64
		if aid, err = b.aid(); err != nil {
			return nil, err
		}
		if method == club.Mod {
			action, err = a.Club.Modify(r.Context(), aid, draft)
		} else {
			action, err = a.Club.Delete(r.Context(), aid, draft)
		}
	}
	if err != nil {
		return nil, err
	}
	a.tail.done(action.ID)
	return appendAction(nil, &action, memberView), nil
}

// putPresence answers null. A body names a person, counts people without names,
// or both (readings, "Presence").
func (a *API) putPresence(r *http.Request, b body) ([]byte, error) {
	h := club.Heartbeat{Counted: b.Has("anonymous_client_id") || b.Has("anonymous_users")}
	var err error
	if b.Has("user") || !h.Counted {
		if h.User, err = b.mandatory("user"); err != nil {
			return nil, err
		}
		if h.User, err = club.CheckUser(h.User); err != nil {
			return nil, err
		}
	}
	if h.Counted {
		if h.Client, h.Users, err = b.anonymous(); err != nil {
			return nil, err
		}
	}
	return []byte("null"), a.Club.Report(r.Context(), h)
}

// body is a request's object with the members of the document.
type body struct{ web.Object }

// kind is the type of action. A delete may lack it (readings,
// "Announcements").
func (b body) kind() (club.Type, error) {
	if !b.Has("type") {
		for _, name := range []string{"method", "action"} {
			if word, _ := b.Text(name); club.Method(word) == club.Del {
				return club.TypeAnnouncement, nil
			}
		}
		return "", web.BadRequest("type", `type is mandatory: "status", "announcement" or "presence".`)
	}
	word, _ := b.Text("type")
	switch kind := club.Type(word); kind {
	case club.TypeStatus, club.TypeAnnouncement, club.TypePresence:
		return kind, nil
	case "announcements":
		return club.TypeAnnouncement, nil
	}
	return "", web.BadRequest("type", `type must be "status", "announcement" or "presence".`)
}

// method reads method or action; without either, an aid means mod.
func (b body) method() (club.Method, error) {
	var found club.Method
	for _, name := range []string{"method", "action"} {
		if !b.Has(name) {
			continue
		}
		word, _ := b.Text(name)
		m := club.Method(word)
		if m != club.New && m != club.Mod && m != club.Del {
			return "", web.BadRequest(name, `%s must be "new", "mod" or "del".`, name)
		}
		if found != "" && found != m {
			return "", web.BadRequest(name, "method and action mean the same and must not differ.")
		}
		found = m
	}
	switch {
	case found != "":
		return found, nil
	case b.Has("aid"):
		return club.Mod, nil
	}
	return club.New, nil
}

func (b body) aid() (int64, error) {
	if !b.Has("aid") {
		return 0, web.BadRequest("aid", "aid is mandatory: the id of the announcement.")
	}
	n, err := strconv.ParseInt(string(b.Object["aid"]), 10, 64)
	if err != nil || n < 1 {
		return 0, web.BadRequest("aid", "aid must be a whole number from 1: the id of the announcement.")
	}
	return n, nil
}

// draft reads the members of an announcement; of a delete only user counts.
func (b body) draft(m club.Method) (d club.Draft, err error) {
	if d.User, err = b.optional("user"); err != nil || m == club.Del {
		return d, err
	}
	if d.Note, err = b.optional("note"); err != nil {
		return d, err
	}
	if d.From, err = b.time("from"); err != nil {
		return d, err
	}
	if d.To, err = b.time("to"); err != nil {
		return d, err
	}
	if d.URL, err = b.optional("url"); err != nil {
		return d, err
	}
	if b.Object["url"].Kind() == 'n' {
		d.URL = new(string)
	}
	if b.Has("public") {
		v := b.Object["public"].Kind()
		if v != 't' && v != 'f' {
			return d, web.BadRequest("public", "public must be true or false.")
		}
		public := v == 't'
		d.Public = &public
	}
	return d, nil
}

func (b body) mandatory(name string) (string, error) {
	text, err := b.optional(name)
	if err != nil {
		return "", err
	}
	if text == nil {
		return "", web.BadRequest(name, "%s is mandatory.", name)
	}
	return *text, nil
}

// optional returns nil for a member that is absent or null.
func (b body) optional(name string) (*string, error) {
	if !b.Has(name) {
		return nil, nil
	}
	text, ok := b.Text(name)
	if !ok {
		return nil, web.BadRequest(name, "%s must be a string.", name)
	}
	return &text, nil
}

// time reads seconds as a number (rounded), the same as a string, or now,
// now-N, now+N.
func (b body) time(name string) (*club.Point, error) {
	if !b.Has(name) {
		return nil, nil
	}
	text, isText := b.Text(name)
	if !isText {
		text = string(b.Object[name])
	}
	if p, ok := parsePoint(text, "now"); ok {
		return &p, nil
	}
	if n, ok := rounded(text); ok {
		return &club.Point{N: n}, nil
	}
	return nil, web.BadRequest(name, `%s must be a time in Unix seconds, or "now", "now-SECONDS" or "now+SECONDS".`, name)
}

// rounded reads a JSON number of at most 15 digits before the point.
func rounded(text string) (int64, bool) {
	v := jsontext.Value(text)
	if !v.IsValid() || v.Kind() != '0' {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.Abs(f) >= 1e15 {
		return 0, false
	}
	return int64(math.Round(f)), true
}

// anonymous reads the two members of a count without names. The client's id
// may be a string, as not every language has 64-bit numbers.
func (b body) anonymous() (client uint64, users int64, err error) {
	id, isText := b.Text("anonymous_client_id")
	if !isText {
		id = string(b.Object["anonymous_client_id"])
	}
	if client, err = strconv.ParseUint(id, 10, 64); err != nil {
		return 0, 0, web.BadRequest("anonymous_client_id", "anonymous_client_id is mandatory beside anonymous_users: a whole number from 0 to 18446744073709551615.")
	}
	users, ok := rounded(string(b.Object["anonymous_users"]))
	if !ok {
		return 0, 0, web.BadRequest("anonymous_users", "anonymous_users is mandatory beside anonymous_client_id: a number.")
	}
	return client, users, nil
}
