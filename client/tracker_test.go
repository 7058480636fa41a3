package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stint/client"
	"stint/internal/account"
)

func (h *house) tracker(t *testing.T, name string) *client.Tracker {
	t.Helper()
	c, err := h.person(t.Context(), name, "Europe/Rome", account.TokenWrite)
	if err != nil {
		t.Fatal(err)
	}
	c.HTTP = h.http(t)
	return c
}

// day is local midnight in Rome so many days ago, in January-proof text.
func day(ago int) string { return time.Now().UTC().AddDate(0, 0, -ago).Format(time.DateOnly) }

func refusal(t *testing.T, err error, code, field string) *client.Error {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) || e.Code != code || e.Member != field {
		t.Fatalf("%v, want %s about %q", err, code, field)
	}
	return e
}

func TestSessions(t *testing.T) {
	h := newHouse(t, nil)
	c, ctx := h.tracker(t, "Bob"), t.Context()
	made := must(c.Insert(ctx, client.Insert{Start: "2025-02-01 09:00", End: "2025-02-03", LockedBy: "Ann", Notes: "a weekend", Public: true}))(t)
	same(t, "inserted", made, client.Created{ID: made.ID, Status: "Session inserted successfully"})
	got := must(c.Get(ctx, made.ID))(t)
	rome := func(local string, utc string) client.Moment {
		at, err := time.Parse(time.DateTime, utc)
		if err != nil {
			t.Fatal(err)
		}
		return client.Moment{Local: local, UTC: at}
	}
	want := client.Session{
		ID:       made.ID,
		Start:    rome("2025-02-01 09:00:00", "2025-02-01 08:00:00"),
		End:      new(rome("2025-02-03 00:00:00", "2025-02-02 23:00:00")),
		Public:   true,
		LockedBy: new("Ann"), Notes: new("a weekend"),
	}
	same(t, "session", got, want, cmpopts.IgnoreFields(client.Session{}, "Inserted"))
	if ago := time.Since(got.Inserted); ago < -time.Second || ago > time.Minute {
		t.Errorf("inserted %s", got.Inserted)
	}
	same(t, "time", got.Start.Time().Format(time.RFC3339), "2025-02-01T09:00:00+01:00")

	edited := must(c.Edit(ctx, made.ID, client.Edit{Notes: new("x"), LockedBy: new(""), Public: new(false)}))(t)
	want.Notes, want.LockedBy, want.Public = new("x"), nil, false
	same(t, "edited", edited, want, cmpopts.IgnoreFields(client.Session{}, "Inserted"))

	_, err := c.Insert(ctx, client.Insert{Start: "2025-02-02", End: "2025-02-04"})
	if e := refusal(t, err, "overlap", ""); e.Status != http.StatusConflict || e.Session != made.ID {
		t.Errorf("%+v", e)
	}
	_, err = c.Insert(ctx, client.Insert{Start: "2025-02-30", End: "2025-03-04"})
	if e := refusal(t, err, "validation", "startdate"); e.Error() != "400 Bad Request: "+e.Detail {
		t.Errorf("%v", e)
	}
	if err := c.Delete(ctx, made.ID); err != nil {
		t.Error(err)
	}
	_, err = c.Get(ctx, made.ID)
	refusal(t, err, "not_found", "")
}

func TestStartAndStop(t *testing.T) {
	h := newHouse(t, nil)
	c, ctx := h.tracker(t, "Bob"), t.Context()
	end := time.Now().AddDate(0, 0, 20).Format(time.DateOnly)
	games := client.Games{
		Dice: &client.Dice{Number: 3, Unit: client.Hour, Wait: 6, WaitUnit: client.Hour, Min: 0.5, Max: 2,
			Penalty: &client.Penalty{Min: 1, Amount: 2, Unit: client.Day}},
		Link: &client.Link{Add: 3, AddUnit: client.Minute, Sub: 1, SubUnit: client.Minute, Min: 1, Max: 1.25, ResetVotes: true},
		Luck: &client.Luck{Add: 1, AddUnit: client.Day, Sub: 12, SubUnit: client.Hour, Wait: 30, WaitUnit: client.Minute, Min: 1, Max: 1,
			Penalty: &client.Penalty{Min: 2, Amount: 1, Unit: client.Month, Always: true}},
	}
	made := must(c.Start(ctx, client.Start{ScheduledEnd: end + " 08:30", MaxEnd: true, LimitEnd: end + " 12:00", Notes: "n", Games: games}))(t)
	if !made.Games || len(made.Proof) == 0 {
		t.Errorf("%+v", made)
	}
	s := must(c.Get(ctx, made.ID))(t)
	if !s.Active || !s.HasHistory || s.HasChanges || s.End != nil || s.Limit.Local != end+" 12:00:00" || !s.Reached.IsZero() {
		t.Errorf("%+v", s)
	}
	if s.Scheduled.UTC.Before(s.Start.UTC) || s.Scheduled.Local > end+" 08:30:00" {
		t.Errorf("scheduled %+v", s.Scheduled)
	}
	if s.Games.Link.Token == "" {
		t.Error("no token to vote with")
	}
	same(t, "games", *s.Games, games, cmpopts.IgnoreFields(client.Link{}, "Token"), cmpopts.EquateEmpty())

	_, err := c.Start(ctx, client.Start{})
	if e := refusal(t, err, "active_session_exists", ""); e.Session != s.ID {
		t.Errorf("%+v", e)
	}
	_, err = c.Stop(ctx, s.ID)
	if e := refusal(t, err, "validation", "endNow"); !e.RetryAt.Equal(s.Start.UTC.Add(time.Hour)) {
		t.Errorf("%+v", e)
	}
	refusal(t, c.Delete(ctx, s.ID), "still_active", "")
	if err := c.Discard(ctx, s.ID); err != nil {
		t.Error(err)
	}

	made = must(c.Start(ctx, client.Start{Start: day(3) + " 10:00"}))(t)
	s = must(c.Edit(ctx, made.ID, client.Edit{ScheduledEnd: new(end)}))(t)
	same(t, "scheduled", s.Scheduled.Local, end+" 00:00:00")
	s = must(c.Edit(ctx, made.ID, client.Edit{ScheduledEnd: new("")}))(t)
	same(t, "not scheduled", s.Scheduled, (*client.Moment)(nil))
	s = must(c.Edit(ctx, made.ID, client.Edit{End: day(2) + " 09:15"}))(t)
	same(t, "end", s.End.Local, day(2)+" 09:15:00")
	_, err = c.Stop(ctx, s.ID)
	refusal(t, err, "not_active", "")
	made = must(c.Start(ctx, client.Start{Start: day(2) + " 10:00"}))(t)
	if s = must(c.Stop(ctx, made.ID))(t); s.Active {
		t.Errorf("%+v", s)
	}
}

func TestList(t *testing.T) {
	h := newHouse(t, nil)
	c, ctx := h.tracker(t, "Bob"), t.Context()
	var want []string
	for i := range 7 {
		start := day(10 + i)
		must(c.Insert(ctx, client.Insert{Start: start + " 10:00", End: start + " 12:00", Public: i%2 == 0}))(t)
		want = append(want, start+" 10:00:00")
	}
	starts := func(f client.Filter) (list []string) {
		for s, err := range c.Sessions(ctx, f) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, s.Start.Local)
		}
		return list
	}
	same(t, "all", starts(client.Filter{}), want)
	same(t, "pages of two", starts(client.Filter{Limit: 2}), want)
	same(t, "from the third", starts(client.Filter{Limit: 3, Offset: 2}), want[2:])
	same(t, "days", starts(client.Filter{From: day(12), To: day(11)}), want[1:3])
	same(t, "public", starts(client.Filter{Public: new(true), Active: new(false)}), []string{want[0], want[2], want[4], want[6]})
	same(t, "active", starts(client.Filter{Active: new(true)}), []string(nil))
	p := must(c.List(ctx, client.Filter{Limit: 2, Offset: 6}))(t)
	if p.Count != 1 || p.Total != 7 || p.Limit != 2 || p.Offset != 6 || len(p.Items) != 1 {
		t.Errorf("%+v", p)
	}

	// What is stored between two pages makes nothing come twice.
	var list []string
	for s, err := range c.Sessions(ctx, client.Filter{Limit: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		if list = append(list, s.Start.Local); len(list) == 2 {
			must(c.Insert(ctx, client.Insert{Start: day(5), End: day(4)}))(t)
		}
	}
	same(t, "while one is stored", list, want)

	var last error
	for _, err := range c.Sessions(ctx, client.Filter{From: "2025-02-30"}) {
		last = err
	}
	refusal(t, last, "validation", "from")
}

// breaking loses the connection after the server has answered, so many times.
type breaking struct {
	http.RoundTripper
	left atomic.Int32
	keys []string
}

func (b *breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	b.keys = append(b.keys, r.Method+" "+r.Header.Get("Idempotency-Key"))
	res, err := b.RoundTripper.RoundTrip(r)
	if err == nil && b.left.Add(-1) >= 0 {
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return res, err
}

// A POST whose answer was lost is sent again under the same key and happens
// once; what can't be repeated safely is not.
func TestLostAnswers(t *testing.T) {
	h := newHouse(t, nil)
	c, ctx := h.tracker(t, "Bob"), t.Context()
	network := &breaking{RoundTripper: c.HTTP.Transport}
	c.HTTP = &http.Client{Transport: network}
	network.left.Store(2)
	made := must(c.Start(ctx, client.Start{Start: day(2), Notes: "once"}))(t)
	if len(network.keys) != 3 || len(network.keys[0]) < len("POST ")+20 || slices.Compact(slices.Clone(network.keys))[0] != network.keys[2] {
		t.Errorf("%q", network.keys)
	}
	network.left.Store(2)
	if p := must(c.List(ctx, client.Filter{}))(t); p.Total != 1 {
		t.Errorf("%d sessions", p.Total)
	}
	network.left.Store(3)
	if _, err := c.Get(ctx, made.ID); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	network.left.Store(1)
	network.keys = nil
	if _, err := c.Stop(ctx, made.ID); !errors.Is(err, io.ErrUnexpectedEOF) || !slices.Equal(network.keys, []string{"PATCH "}) {
		t.Errorf("%v, %q", err, network.keys)
	}

	i := client.Insert{Start: day(9), End: day(8), Key: "import-9"}
	first, again := must(c.Insert(ctx, i))(t), must(c.Insert(ctx, i))(t)
	same(t, "the same key", again, first)
	i.End = day(7)
	_, err := c.Insert(ctx, i)
	refusal(t, err, "idempotency_conflict", "")
}

func TestTrackerErrors(t *testing.T) {
	h := newHouse(t, nil)
	reader, err := h.person(t.Context(), "Cid", "UTC", account.TokenRead)
	if err != nil {
		t.Fatal(err)
	}
	_, err = reader.Start(t.Context(), client.Start{})
	refusal(t, err, "forbidden", "")
	reader.Token = "stint_wrong"
	_, err = reader.List(t.Context(), client.Filter{})
	if e := refusal(t, err, "unauthorized", ""); e.Status != 401 || e.Temporary() {
		t.Errorf("%+v", e)
	}

	for name, text := range map[string]string{
		"no JSON": "hello", "another API": `{"id":3}`, "no data": `{"ok":true}`, "not ok": `{"ok":false,"data":{}}`,
		"no start": `{"ok":true,"data":{"id":3}}`, "a list": `{"ok":true,"data":[]}`,
		"no time": `{"ok":true,"data":{"id":3,"start":"2025-02-02 09:00:00","start_utc":"yesterday"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				io.WriteString(w, text)
			}))
			defer s.Close()
			c := &client.Tracker{BaseURL: s.URL}
			if _, err := c.Get(t.Context(), 3); err == nil || asked.Load() != 1 {
				t.Errorf("%v after %d requests", err, asked.Load())
			}
		})
	}

	// A proxy may refuse in its own words; nobody listens on the other address.
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }))
	c := &client.Tracker{BaseURL: s.URL + "/"}
	var e *client.Error
	if _, err := c.List(t.Context(), client.Filter{}); !errors.As(err, &e) || e.Error() != "502 Bad Gateway" || !e.Temporary() {
		t.Errorf("%v", err)
	}
	s.Close()
	began := time.Now()
	if _, err := c.List(t.Context(), client.Filter{}); err == nil || !strings.Contains(err.Error(), "refused") || time.Since(began) > firstTry {
		t.Errorf("%v after %s", err, time.Since(began))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.List(ctx, client.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

const firstTry = 200 * time.Millisecond // no second try is made in this time

func TestMoment(t *testing.T) {
	at := time.Date(2025, 2, 2, 8, 0, 0, 0, time.UTC)
	for local, want := range map[string]string{
		"2025-02-02 09:00:00": "2025-02-02T09:00:00+01:00",
		"2025-02-02 08:00:00": "2025-02-02T08:00:00Z",
		"2025-02-01 20:30:00": "2025-02-01T20:30:00-11:30",
		"":                    "2025-02-02T08:00:00Z",
	} {
		if d := cmp.Diff(want, client.Moment{Local: local, UTC: at}.Time().Format(time.RFC3339)); d != "" {
			t.Error(d)
		}
	}
}
