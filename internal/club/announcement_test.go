package club

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// at is a draft by Hans from one second to another.
func at(from, to int64) Draft {
	return Draft{User: ptr("Hans"), From: &Point{N: from}, To: &Point{N: to}}
}

// with changes a copy of a draft.
func with(d Draft, change func(*Draft)) Draft {
	change(&d)
	return d
}

const hour = 3600

// The rules of the document, "New announcement", and the readings,
// "Announcements". The present is half past noon's minute.
func TestNew(t *testing.T) {
	future := at(now+hour, now+2*hour)
	ok := Action{Time: now, Type: TypeAnnouncement, Method: New, User: "Hans", From: now + hour, To: now + 2*hour}
	for _, c := range []struct {
		name   string
		draft  Draft
		reason Reason
		member string
		change func(*Action) // of what is stored, against ok
	}{
		{"plain", future, 0, "", nil},
		{"everything", Draft{User: ptr(" Ann "), Note: ptr(" n "), From: &Point{N: now + hour}, To: &Point{N: now + 2*hour}, Public: ptr(true), URL: ptr("http://x.org")}, 0, "",
			func(a *Action) {
				a.User, a.Note, a.Public, a.Visible, a.URL = "Ann", " n ", true, true, "http://x.org"
			}},
		{"said to be private", with(future, func(d *Draft) { d.Public = ptr(false) }), 0, "", nil},
		{"relative times", with(future, func(d *Draft) { d.From, d.To = &Point{true, hour}, &Point{true, 2 * hour} }), 0, "", nil},
		{"an instant", at(now+hour, now+hour), 0, "", func(a *Action) { a.To = now + hour }},
		{"now", with(future, func(d *Draft) { d.From = &Point{Relative: true} }), 0, "", func(a *Action) { a.From = now }},
		{"the start of this minute", at(noon, now+2*hour), 0, "", func(a *Action) { a.From = noon }},
		{"within this minute", at(noon, noon+1), 0, "", func(a *Action) { a.From, a.To = noon, noon+1 }},
		{"until 9999", at(now+hour, maxTime), 0, "", func(a *Action) { a.To = maxTime }},
		{"an 80-byte note", with(future, func(d *Draft) { d.Note = ptr(strings.Repeat("x", 80)) }), 0, "", func(a *Action) { a.Note = strings.Repeat("x", 80) }},

		{"no user", with(future, func(d *Draft) { d.User = nil }), Invalid, "user", nil},
		{"no from", with(future, func(d *Draft) { d.From = nil }), Invalid, "from", nil},
		{"no to", with(future, func(d *Draft) { d.To = nil }), Invalid, "to", nil},
		{"an empty user", with(future, func(d *Draft) { d.User = ptr(" ") }), Invalid, "user", nil},
		{"an 81-byte note", with(future, func(d *Draft) { d.Note = ptr(strings.Repeat("x", 81)) }), Invalid, "note", nil},
		{"a wrong url", with(future, func(d *Draft) { d.URL = ptr("ftp://x") }), Invalid, "url", nil},
		{"from after to", at(now+2*hour, now+hour), Invalid, "from", nil},
		{"from after to, both past", at(now-hour, now-2*hour), Invalid, "from", nil},
		{"before 1970", at(-1, now+hour), Invalid, "from", nil},
		{"after 9999", at(now, maxTime+1), Invalid, "to", nil},
		{"the minute before", at(noon-1, now+hour), Past, "from", nil},
		{"long ago", at(0, now+hour), Past, "from", nil},
		{"a minute ago, relative", with(future, func(d *Draft) { d.From = &Point{true, -60} }), Past, "from", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := draftNew(c.draft, now)
			wantError(t, err, c.reason, c.member)
			if c.reason != 0 {
				return
			}
			want := ok
			if c.change != nil {
				c.change(&want)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The rules of the document, "Modify announcement".
func TestMod(t *testing.T) {
	before := func(from, to int64) Action {
		return Action{ID: 9, Time: 1, Type: TypeAnnouncement, Method: New, AID: 7, User: "Hans", Note: "old", URL: "http://old.org",
			From: from, To: to, Public: true, Visible: true}
	}
	future, running := before(now+hour, now+2*hour), before(now-hour, now+hour)
	justBegun := before(noon+10, now+hour)
	for _, c := range []struct {
		name   string
		last   Action
		draft  Draft
		reason Reason
		member string
		change func(*Action) // of what is stored, against last
	}{
		{"move it", future, at(now+3*hour, now+4*hour), 0, "", func(a *Action) { a.From, a.To = now+3*hour, now+4*hour }},
		{"absent members stay", future, at(future.From, future.To), 0, "", func(*Action) {}},
		{"another user", future, with(at(future.From, future.To), func(d *Draft) { d.User = ptr("Ann") }), 0, "", func(a *Action) { a.User = "Ann" }},
		{"another note", future, with(at(future.From, future.To), func(d *Draft) { d.Note = ptr("new") }), 0, "", func(a *Action) { a.Note = "new" }},
		{"an empty note", future, with(at(future.From, future.To), func(d *Draft) { d.Note = ptr("") }), 0, "", func(a *Action) { a.Note = "" }},
		{"another url", future, with(at(future.From, future.To), func(d *Draft) { d.URL = ptr("http://new.org") }), 0, "", func(a *Action) { a.URL = "http://new.org" }},
		{"no url any more", future, with(at(future.From, future.To), func(d *Draft) { d.URL = ptr("") }), 0, "", func(a *Action) { a.URL = "" }},
		{"private", future, with(at(future.From, future.To), func(d *Draft) { d.Public = ptr(false) }), 0, "", func(a *Action) { a.Public, a.Visible = false, false }},
		{"begin this minute", future, at(noon, now+hour), 0, "", func(a *Action) { a.From, a.To = noon, now+hour }},
		{"a deleted one's last shape does not matter", before(now+hour, now+2*hour), at(now+hour, now+hour), 0, "", func(a *Action) { a.To = now + hour }},

		{"extend a running one", running, at(running.From, now+5*hour), 0, "", func(a *Action) { a.To = now + 5*hour }},
		{"shorten a running one", running, at(running.From, now+60), 0, "", func(a *Action) { a.To = now + 60 }},
		{"end a running one", running, with(at(running.From, 0), func(d *Draft) { d.To = &Point{Relative: true} }), 0, "", func(a *Action) { a.To = now }},
		{"end it with this minute", running, at(running.From, noon), 0, "", func(a *Action) { a.To = noon }},
		{"a running one keeps its second", running, at(minute(running.From), now+hour), 0, "", func(*Action) {}},
		{"a running one keeps its second, given later", running, at(minute(running.From)+59, now+hour), 0, "", func(*Action) {}},
		{"begun this minute, ended before it began", justBegun, at(noon, noon+5), 0, "", func(a *Action) { a.To = noon + 10 }},
		{"begins this second", before(now, now+hour), at(noon, now+2*hour), 0, "", func(a *Action) { a.To = now + 2*hour }},
		{"ends this second", before(now-hour, now), at(now-hour, now+hour), 0, "", func(a *Action) { a.To = now + hour }},

		{"no user", future, with(at(future.From, future.To), func(d *Draft) { d.User = nil }), Invalid, "user", nil},
		{"no from", future, with(at(future.From, future.To), func(d *Draft) { d.From = nil }), Invalid, "from", nil},
		{"no to", future, with(at(future.From, future.To), func(d *Draft) { d.To = nil }), Invalid, "to", nil},
		{"an 81-byte note", future, with(at(future.From, future.To), func(d *Draft) { d.Note = ptr(strings.Repeat("x", 81)) }), Invalid, "note", nil},
		{"from after to", future, at(now+2*hour, now+hour), Invalid, "from", nil},
		{"after 9999", future, at(now, maxTime+1), Invalid, "to", nil},
		{"ended a second ago", before(now-hour, now-1), at(now-hour, now+hour), Past, "", nil},
		{"ended long ago", before(1, 2), at(now, now+hour), Past, "", nil},
		{"move a running one to earlier", running, at(running.From-60, now+hour), Past, "from", nil},
		{"move a running one to later", running, at(running.From+60, now+hour), Past, "from", nil},
		{"move a running one to the future", running, at(now+hour, now+2*hour), Past, "from", nil},
		{"move a future one to the past", future, at(noon-1, now+hour), Past, "from", nil},
		{"end a running one in the past", running, at(running.From, noon-1), Past, "to", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := draftMod(c.draft, c.last, now)
			wantError(t, err, c.reason, c.member)
			if c.reason != 0 {
				return
			}
			want := c.last
			want.Time, want.Method = now, Mod
			c.change(&want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The rules of the document, "Delete announcement".
func TestDel(t *testing.T) {
	last := Action{ID: 9, Time: 1, Type: TypeAnnouncement, Method: Mod, AID: 7, User: "Hans", Note: "old", URL: "http://old.org",
		From: now + 1, To: now + hour, Public: true, Visible: true}
	for _, c := range []struct {
		name     string
		from, to int64
		user     *string
		reason   Reason
		member   string
	}{
		{"a future one", now + 1, now + hour, nil, 0, ""},
		{"by somebody else", now + 1, now + hour, ptr(" Ann "), 0, ""},
		{"by nobody", now + 1, now + hour, ptr(""), Invalid, "user"},
		{"begins this second", now, now + hour, nil, Past, ""},
		{"runs", now - 1, now + hour, nil, Past, ""},
		{"has ended", now - hour, now - 1, nil, Past, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := last
			before.From, before.To = c.from, c.to
			draft := Draft{User: c.user, Note: ptr(strings.Repeat("x", 99)), From: &Point{N: -5}, Public: ptr(false)}
			got, err := draftDel(draft, before, now)
			wantError(t, err, c.reason, c.member)
			if c.reason != 0 {
				return
			}
			want := before
			want.Time, want.Method = now, Del
			if c.user != nil {
				want.User = "Ann"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestAnnouncementLife tells the rules that need the log: what an aid is, and
// when it is unknown.
func TestAnnouncementLife(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		made, err := h.Announce(ctx, at(now+hour, now+2*hour))
		wantError(t, err, 0, "")
		if made.ID != 3 || made.AID != 3 {
			t.Errorf("id %d, aid %d; want 3", made.ID, made.AID)
		}
		changed, err := h.Modify(ctx, 3, with(at(now+hour, now+3*hour), func(d *Draft) { d.Note = ptr("n") }))
		wantError(t, err, 0, "")
		if changed.ID != 4 || changed.AID != 3 {
			t.Errorf("id %d, aid %d; want 4 and 3", changed.ID, changed.AID)
		}
		for _, aid := range []int64{1, 2, 4, 5, 0, -1, 1 << 62} {
			_, err = h.Modify(ctx, aid, at(now+hour, now+2*hour))
			wantError(t, err, NotFound, "aid")
			_, err = h.Delete(ctx, aid, Draft{})
			wantError(t, err, NotFound, "aid")
		}
		gone, err := h.Delete(ctx, 3, Draft{})
		wantError(t, err, 0, "")
		if gone.ID != 5 || gone.Method != Del || gone.Note != "n" || gone.To != now+3*hour {
			t.Errorf("deleted: %+v", gone)
		}
		_, err = h.Modify(ctx, 3, at(now+hour, now+2*hour))
		wantError(t, err, NotFound, "aid")
		_, err = h.Delete(ctx, 3, Draft{})
		wantError(t, err, NotFound, "aid")

		log := h.log(t)
		if diff := cmp.Diff([]Action{made, changed, gone}, log[2:]); diff != "" {
			t.Errorf("the log differs from the answers: %s", diff)
		}
	})
}
