package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Type is a kind of action.
type Type string

// The types of actions, and all of them.
const (
	TypeStatus       Type = "status"
	TypeAnnouncement Type = "announcement"
	TypePresence     Type = "presence"
	TypeAll          Type = "all"
)

// The values of a status: open to everyone, open to members, or closed.
const (
	Public  = "public"
	Private = "private"
	Closed  = "closed"
)

// The methods of an announcement action.
const (
	New = "new"
	Mod = "mod"
	Del = "del"
)

// Action is one entry of the club's log. Which fields count depends on its type;
// in the public view ID, User and most notes are missing.
type Action struct {
	ID   int64  `json:"id,omitempty"` // from 1, in the order of the log
	Time int64  `json:"time"`         // Unix seconds
	Type Type   `json:"type"`
	Note string `json:"note"`

	User   string `json:"user,omitempty"`   // status and announcement: who did it
	Status string `json:"status,omitempty"` // status: Public, Private or Closed

	Method   string `json:"method,omitempty"` // announcement: New, Mod or Del
	AID      int64  `json:"aid,omitempty"`    // announcement: the id of its New action
	From     int64  `json:"from,omitempty"`   // announcement: Unix seconds
	To       int64  `json:"to,omitempty"`     // announcement: Unix seconds
	IsPublic bool   `json:"public,omitempty"` // announcement: it stands in the public view
	URL      string `json:"url,omitempty"`    // announcement: a link, or ""

	Users     []Present `json:"users,omitempty"`           // presence: sorted by name
	Anonymous float64   `json:"anonymous_users,omitempty"` // presence: how many more people are there
}

// Present is somebody who is there.
type Present struct {
	User  string `json:"user"`
	Since int64  `json:"since"` // Unix seconds
}

// CurrentStatus is the newest status action, and the newest that changed the
// status. They differ when somebody confirmed what was set already. In the
// public view Last is the zero Action.
type CurrentStatus struct {
	Last    Action `json:"last"`
	Changed Action `json:"changed"`
}

// Status returns the current status.
func (c *Client) Status(ctx context.Context) (CurrentStatus, error) {
	var now CurrentStatus
	err := c.call(ctx, http.MethodGet, "/status/current", nil, nil, &now)
	return now, err
}

// SetStatus sets the status to Public, Private or Closed and returns the id of
// the action. The user's name has 1 to 15 bytes, the note at most 80.
func (c *Client) SetStatus(ctx context.Context, user, status, note string) (id int64, err error) {
	body := map[string]any{"type": TypeStatus, "user": user, "status": status, "note": note}
	err = c.call(ctx, http.MethodPut, "", nil, body, &id)
	return id, err
}

// Announcement is what somebody announces: to be there from From to To. The zero
// time is the server's present. Fields that are nil are absent: false or empty
// in a new announcement, kept as they are in one that is modified.
type Announcement struct {
	User     string // 1 to 15 bytes
	From, To time.Time
	Note     *string // at most 80 bytes
	IsPublic *bool
	URL      *string // http or https, at most 500 bytes; "" takes the link away
}

func (a Announcement) body(method string) map[string]any {
	body := map[string]any{
		"type": TypeAnnouncement, "method": method,
		"user": a.User, "from": moment(a.From), "to": moment(a.To),
	}
	if a.Note != nil {
		body["note"] = *a.Note
	}
	if a.IsPublic != nil {
		body["public"] = *a.IsPublic
	}
	if a.URL != nil {
		body["url"] = *a.URL
	}
	return body
}

func moment(t time.Time) any {
	if t.IsZero() {
		return "now"
	}
	return t.Unix()
}

// Announcements returns the announcements that have not ended, each as its
// newest action, ordered by From.
func (c *Client) Announcements(ctx context.Context) ([]Action, error) {
	var list struct{ Actions []Action }
	err := c.call(ctx, http.MethodGet, "/announcement/current", nil, nil, &list)
	return list.Actions, err
}

// Announce makes an announcement and returns its first action, whose AID names
// the announcement from then on. From must not lie before the current minute.
func (c *Client) Announce(ctx context.Context, a Announcement) (Action, error) {
	var action Action
	err := c.call(ctx, http.MethodPut, "", nil, a.body(New), &action)
	return action, err
}

// ModifyAnnouncement changes an announcement that has not ended. Of one that has
// begun, From must stay; the zero To ends it.
func (c *Client) ModifyAnnouncement(ctx context.Context, aid int64, a Announcement) (Action, error) {
	body := a.body(Mod)
	body["aid"] = aid
	var action Action
	err := c.call(ctx, http.MethodPut, "", nil, body, &action)
	return action, err
}

// DeleteAnnouncement takes away an announcement that has not begun. An empty
// user leaves the name as it was.
func (c *Client) DeleteAnnouncement(ctx context.Context, aid int64, user string) (Action, error) {
	body := map[string]any{"type": TypeAnnouncement, "method": Del, "aid": aid}
	if user != "" {
		body["user"] = user
	}
	var action Action
	err := c.call(ctx, http.MethodPut, "", nil, body, &action)
	return action, err
}

// Presence returns who is there, as of the server's last look.
func (c *Client) Presence(ctx context.Context) (Action, error) {
	var list struct{ Actions []Action }
	err := c.call(ctx, http.MethodGet, "/presence", url.Values{"id": {"last"}}, nil, &list)
	if err == nil && len(list.Actions) != 1 {
		err = fmt.Errorf("the answer has %d actions, want 1", len(list.Actions))
	}
	if err != nil {
		return Action{}, err
	}
	return list.Actions[0], nil
}

// ReportPresent says that user is there, which holds for 15 minutes unless the
// server is set otherwise. Repeat it while it is true.
func (c *Client) ReportPresent(ctx context.Context, user string) error {
	var null json.RawMessage
	return c.call(ctx, http.MethodPut, "", nil, map[string]any{"type": TypePresence, "user": user}, &null)
}

// ReportAnonymous says that so many people are there without a name, in the same
// way. Each place that counts uses a number of its own as source; the counts of
// all sources are added.
func (c *Client) ReportAnonymous(ctx context.Context, source uint64, people int) error {
	var null json.RawMessage
	body := map[string]any{
		"type":                TypePresence,
		"anonymous_client_id": strconv.FormatUint(source, 10),
		"anonymous_users":     people,
	}
	return c.call(ctx, http.MethodPut, "", nil, body, &null)
}

// Query selects actions. Its filters combine; the zero Query is the newest 20.
type Query struct {
	ID    string // "5", "5:9", "last", "last-5:"; members only
	Time  string // Unix seconds or "now-3600", or a range of them such as "now-3600:"
	Count int    // at most so many; 0 means 20. The public may ask for 1,000.
	First bool   // the first Count actions that match instead of the last
}

// Actions returns the selected actions in the order of the log. They are decoded
// as they arrive, so that a long list needs little memory. After an error the
// sequence ends.
func (c *Client) Actions(ctx context.Context, t Type, q Query) iter.Seq2[Action, error] {
	return func(yield func(Action, error) bool) {
		if err := c.list(ctx, t, q, yield); err != nil && err != errStopped {
			yield(Action{}, err)
		}
	}
}

// errStopped says that whoever ranges over a sequence has left the loop.
var errStopped = errors.New("stopped")

func (c *Client) list(ctx context.Context, t Type, q Query, yield func(Action, error) bool) error {
	query := url.Values{}
	if q.ID != "" {
		query.Set("id", q.ID)
	}
	if q.Time != "" {
		query.Set("time", q.Time)
	}
	if q.Count != 0 {
		query.Set("count", strconv.Itoa(q.Count))
	}
	if q.First {
		query.Set("take", "first")
	}
	res, err := c.do(ctx, http.MethodGet, "/"+string(t), query, nil, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	d := json.NewDecoder(res.Body)
	for _, want := range []json.Token{json.Delim('{'), "actions", json.Delim('[')} {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("the answer is not a list of actions: %w", err)
		}
		if token != want {
			return fmt.Errorf("the answer is not a list of actions: %v stands where %v is expected", token, want)
		}
	}
	for d.More() {
		var a Action
		if err := d.Decode(&a); err != nil {
			return fmt.Errorf("the answer can't be read: %w", err)
		}
		if !yield(a, nil) {
			return errStopped
		}
	}
	for range 2 {
		if _, err := d.Token(); err != nil {
			return fmt.Errorf("the list broke off: %w", err)
		}
	}
	_, err = io.Copy(io.Discard, io.MultiReader(d.Buffered(), res.Body))
	return err
}
