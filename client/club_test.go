package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stint/client"
)

var anyTime = cmpopts.IgnoreFields(client.Action{}, "Time")

func same(t *testing.T, what string, got, want any, o ...cmp.Option) {
	t.Helper()
	if d := cmp.Diff(want, got, append(o, anyTime)...); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// collect reads a list to its end.
func collect(t *testing.T, c *client.Client, of client.Type, q client.Query) []client.Action {
	t.Helper()
	var list []client.Action
	for a, err := range c.Actions(t.Context(), of, q) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	return list
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestStatus(t *testing.T) {
	h := newHouse(t, nil)
	c, ctx := h.member(t), t.Context()
	same(t, "id", must(c.SetStatus(ctx, " Hans ", client.Private, "tea"))(t), int64(3))
	same(t, "id", must(c.SetStatus(ctx, "Ann", client.Private, ""))(t), int64(4))
	first := client.Action{ID: 3, Type: client.TypeStatus, Note: "tea", User: "Hans", Status: client.Private}
	second := client.Action{ID: 4, Type: client.TypeStatus, User: "Ann", Status: client.Private}
	same(t, "status", must(c.Status(ctx))(t), client.CurrentStatus{Last: second, Changed: first})
	initial := client.Action{Type: client.TypeStatus, Status: client.Closed}
	same(t, "public status", must(h.public(t).Status(ctx))(t), client.CurrentStatus{Changed: initial})

	same(t, "by id", collect(t, c, client.TypeStatus, client.Query{ID: "3:4"}), []client.Action{first, second})
	same(t, "last", collect(t, c, client.TypeAll, client.Query{Count: 1}), []client.Action{second})
	same(t, "first", collect(t, c, client.TypeAll, client.Query{ID: "3:", Count: 1, First: true, Time: "now-600:"}), []client.Action{first})
	same(t, "public list", collect(t, h.public(t), client.TypeStatus, client.Query{}), []client.Action{initial})
	same(t, "none", collect(t, c, client.TypeAnnouncement, client.Query{}), []client.Action(nil))
}

func TestAnnouncements(t *testing.T) {
	h := newHouse(t, nil)
	c, ctx := h.member(t), t.Context()
	from := time.Now().Truncate(time.Second).Add(time.Hour)
	want := client.Action{ID: 3, Type: client.TypeAnnouncement, Method: client.New, AID: 3, User: "Hans",
		Note: "soldering", From: from.Unix(), To: from.Add(time.Hour).Unix(), IsPublic: true, URL: "https://club.example/s"}
	made := must(c.Announce(ctx, client.Announcement{User: "Hans", From: from, To: from.Add(time.Hour),
		Note: new("soldering"), IsPublic: new(true), URL: new("https://club.example/s")}))(t)
	same(t, "new", made, want)
	public := want
	public.ID, public.User = 0, ""
	same(t, "public", must(h.public(t).Announcements(ctx))(t), []client.Action{public})

	want.ID, want.Method, want.User, want.To, want.URL = 4, client.Mod, "Ann", from.Add(2*time.Hour).Unix(), ""
	same(t, "mod", must(c.ModifyAnnouncement(ctx, 3, client.Announcement{User: "Ann", From: from, To: from.Add(2 * time.Hour), URL: new("")}))(t), want)
	same(t, "current", must(c.Announcements(ctx))(t), []client.Action{want})
	want.ID, want.Method = 5, client.Del
	same(t, "del", must(c.DeleteAnnouncement(ctx, 3, ""))(t), want)
	same(t, "current", must(c.Announcements(ctx))(t), []client.Action{})

	running := must(c.Announce(ctx, client.Announcement{User: "Hans", To: from}))(t)
	ended := must(c.ModifyAnnouncement(ctx, running.AID, client.Announcement{User: "Hans"}))(t)
	if ended.From != running.From || ended.To >= from.Unix() {
		t.Errorf("ended: %+v", ended)
	}
}

func TestPresence(t *testing.T) {
	h := newHouse(t, map[string]string{"club-presence-interval": "1s"})
	c, ctx := h.member(t), t.Context()
	same(t, "nobody", must(c.Presence(ctx))(t), client.Action{ID: 2, Type: client.TypePresence, Users: []client.Present{}})
	if err := c.ReportPresent(ctx, "Hans"); err != nil {
		t.Fatal(err)
	}
	if err := c.ReportAnonymous(ctx, 1<<64-1, 3); err != nil {
		t.Fatal(err)
	}
	for a, err := range c.Stream(ctx, client.TypePresence, client.StreamOptions{After: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Users) == 1 && a.Users[0].User == "Hans" && a.Users[0].Since > 0 && a.Anonymous == 3 {
			break
		}
	}
}

func TestRefusals(t *testing.T) {
	h := newHouse(t, map[string]string{"club-anonymous": "challenge"})
	c, public := h.member(t), h.public(t)
	wrong := h.member(t)
	wrong.Password = "wrong"
	set := func(c *client.Client, user string) func() error {
		return func() error { _, err := c.SetStatus(t.Context(), user, client.Closed, ""); return err }
	}
	for name, try := range map[string]struct {
		do     func() error
		status int
		member string
	}{
		"wrong password":  {set(wrong, "Hans"), 401, ""},
		"no password":     {set(public, "Hans"), 401, ""},
		"long name":       {set(c, "sixteen bytes is"), 400, "user"},
		"no announcement": {func() error { _, err := c.DeleteAnnouncement(t.Context(), 99, ""); return err }, 404, "aid"},
		"the past": {func() error {
			_, err := c.Announce(t.Context(), client.Announcement{User: "Hans", From: time.Unix(1, 0)})
			return err
		}, 403, "from"},
		"public presence": {func() error { _, err := public.Presence(t.Context()); return err }, 401, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var e *client.Error
			if err := try.do(); !errors.As(err, &e) || e.Status != try.status || e.Member != try.member || e.Detail == "" || e.Temporary() {
				t.Errorf("%v, want status %d about %q", err, try.status, try.member)
			}
		})
	}
	if _, err := public.Status(t.Context()); err != nil {
		t.Errorf("a client without a password asks for the public view also where others are challenged: %v", err)
	}
}

func TestTooManyFailures(t *testing.T) {
	c := newHouse(t, nil).member(t)
	c.Password = "wrong"
	for range 50 {
		var e *client.Error
		if _, err := c.Status(t.Context()); !errors.As(err, &e) {
			t.Fatal(err)
		}
		if e.Status == http.StatusTooManyRequests {
			if e.RetryAfter <= 0 || !e.Temporary() {
				t.Errorf("%+v", e)
			}
			return
		}
	}
	t.Error("guessing was never slowed down")
}

func TestLongList(t *testing.T) {
	h := newHouse(t, nil)
	c := h.member(t)
	c.HTTP = nil // many at once, all over one default client
	errs := make(chan error)
	for range 12 {
		go func() {
			for range 100 {
				if _, err := c.SetStatus(t.Context(), "Hans", client.Public, ""); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	for range 12 {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	list := collect(t, h.member(t), client.TypeAll, client.Query{Count: 5000})
	for i, a := range list {
		if a.ID != int64(i+1) {
			t.Fatalf("action %d has the id %d", i+1, a.ID)
		}
	}
	if len(list) != 1202 {
		t.Errorf("%d actions, want 1202", len(list))
	}
	for range c.Actions(t.Context(), client.TypeAll, client.Query{Count: 5000}) {
		break
	}
}

// What stands between client and server may break answers in ways in which the
// server itself does not.
func TestBrokenAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status     int
		body, want string
	}{
		"error page of a proxy": {502, "<h1>Bad Gateway</h1>", "502 Bad Gateway"},
		"login page":            {200, "<h1>Welcome</h1>", "not a list"},
		"another object":        {200, `{"last":{}}`, "not a list"},
		"cut in an action":      {200, `{"actions":[{"id":1`, "unexpected EOF"},
		"cut in the list":       {200, `{"actions":[{"id":1}`, "EOF"},
		"cut at the end":        {200, `{"actions":[{"id":1}]`, "broke off"},
		"wrong type":            {200, `{"actions":[{"id":"1"}]}`, "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(c.status)
				w.Write([]byte(c.body))
			}))
			defer s.Close()
			var last error
			for _, err := range (&client.Client{BaseURL: s.URL}).Actions(t.Context(), client.TypeStatus, client.Query{}) {
				last = err
			}
			if last == nil || !strings.Contains(last.Error(), c.want) {
				t.Errorf("%v, want %q", last, c.want)
			}
		})
	}
}
