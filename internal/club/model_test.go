package club

import (
	"cmp"
	"context"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// announced is an announcement in the model, which follows the words of the
// document and the readings and knows nothing of the log.
type announced struct {
	aid      int64
	from, to int64
	user     string
	note     string
	public   bool
	deleted  bool
}

type model struct {
	now  int64
	last int64 // id
	all  []*announced
}

func (m *model) find(aid int64) *announced {
	for _, a := range m.all {
		if a.aid == aid && !a.deleted {
			return a
		}
	}
	return nil
}

func (m *model) past(second int64) bool { return second/60 < m.now/60 }

func (m *model) announce(w wish) (Reason, *announced) {
	switch {
	case w.from > w.to:
		return Invalid, nil
	case m.past(w.from):
		return Past, nil
	}
	m.last++
	a := &announced{aid: m.last, from: w.from, to: w.to, user: w.user, public: w.public != nil && *w.public}
	if w.note != nil {
		a.note = *w.note
	}
	m.all = append(m.all, a)
	return 0, a
}

func (m *model) modify(aid int64, w wish) (Reason, *announced) {
	a := m.find(aid)
	if a == nil {
		return NotFound, nil
	}
	if w.from > w.to {
		return Invalid, nil
	}
	from := w.from
	if begun := a.from <= m.now; begun {
		if w.from/60 != a.from/60 {
			return Past, nil
		}
		from = a.from
	} else if m.past(w.from) {
		return Past, nil
	}
	if a.to < m.now || m.past(w.to) {
		return Past, nil
	}
	m.last++
	a.from, a.to, a.user = from, max(from, w.to), w.user
	if w.note != nil {
		a.note = *w.note
	}
	if w.public != nil {
		a.public = *w.public
	}
	return 0, a
}

func (m *model) delete(aid int64) (Reason, *announced) {
	a := m.find(aid)
	switch {
	case a == nil:
		return NotFound, nil
	case a.from <= m.now:
		return Past, nil
	}
	m.last++
	a.deleted = true
	return 0, a
}

// current is who announced to come and has not left.
func (m *model) current() (list []announced) {
	for _, a := range m.all {
		if !a.deleted && a.to >= m.now {
			list = append(list, *a)
		}
	}
	slices.SortFunc(list, func(a, b announced) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.aid, b.aid)) })
	return list
}

// wish is what a client asks for.
type wish struct {
	user     string
	from, to int64
	note     *string
	public   *bool
}

func drawWish(t *rapid.T, m *model) wish {
	near := func(label string) int64 {
		// Often the times of an announcement there is, give or take a little.
		if len(m.all) > 0 && rapid.Bool().Draw(t, "known "+label) {
			a := rapid.SampledFrom(m.all).Draw(t, "like")
			return rapid.SampledFrom([]int64{a.from, a.to}).Draw(t, label) + rapid.SampledFrom([]int64{0, 0, -1, 1, -30, 60}).Draw(t, "shift")
		}
		return m.now + rapid.Int64Range(-150, 400).Draw(t, label)
	}
	w := wish{user: rapid.SampledFrom([]string{"Hans", "Ann", "Jürgen"}).Draw(t, "user"), from: near("from"), to: near("to")}
	if w.from > w.to && rapid.IntRange(0, 9).Draw(t, "swap") > 0 {
		w.from, w.to = w.to, w.from
	}
	if rapid.Bool().Draw(t, "has note") {
		w.note = ptr(rapid.SampledFrom([]string{"", "a", "ü"}).Draw(t, "note"))
	}
	if rapid.Bool().Draw(t, "has public") {
		w.public = ptr(rapid.Bool().Draw(t, "public"))
	}
	return w
}

// draft gives the times as numbers or as distances from now.
func (w wish) draft(t *rapid.T, now int64) Draft {
	point := func(second int64) *Point {
		if rapid.Bool().Draw(t, "relative") {
			return &Point{Relative: true, N: second - now}
		}
		return &Point{N: second}
	}
	return Draft{User: &w.user, From: point(w.from), To: point(w.to), Note: w.note, Public: w.public}
}

func seen(a Action) announced {
	return announced{aid: a.AID, from: a.From, to: a.To, user: a.User, note: a.Note, public: a.Public, deleted: a.Method == Del}
}

// TestAnnouncementRules runs random wishes against the model.
func TestAnnouncementRules(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		rapid.Check(t, func(rt *rapid.T) {
			h.anew(t)
			m := &model{now: now, last: 2}
			for range rapid.IntRange(1, 25).Draw(rt, "steps") {
				announcementStep(rt, h, m)
			}
			compareCurrent(rt, h, m)
		})
	})
}

func announcementStep(t *rapid.T, h *house, m *model) {
	ctx := context.Background()
	aid := rapid.Int64Range(0, m.last+1).Draw(t, "aid")
	var reason Reason
	var want *announced
	var got Action
	var err error
	switch rapid.IntRange(0, 6).Draw(t, "what") {
	case 0:
		seconds := rapid.SampledFrom([]int64{1, 29, 30, 60, 200}).Draw(t, "pass")
		m.now += seconds
		h.pass(seconds)
		return
	case 1, 2:
		w := drawWish(t, m)
		reason, want = m.announce(w)
		got, err = h.Announce(ctx, w.draft(t, m.now))
	case 3, 4, 5:
		w := drawWish(t, m)
		reason, want = m.modify(aid, w)
		got, err = h.Modify(ctx, aid, w.draft(t, m.now))
	default:
		reason, want = m.delete(aid)
		got, err = h.Delete(ctx, aid, Draft{})
	}
	var refused *Error
	if reason != 0 {
		if refused, _ = err.(*Error); refused == nil || refused.Reason != reason {
			t.Fatalf("got %v, want reason %d", err, reason)
		}
		return
	}
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	if got.ID != m.last || got.Time != m.now || got.Visible != want.public || seen(got) != *want {
		t.Fatalf("got %+v, want %+v with id %d", got, *want, m.last)
	}
}

// compareCurrent compares the state with the model, now and later.
func compareCurrent(t *rapid.T, h *house, m *model) {
	for range 3 {
		s, err := h.Load(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		var got []announced
		for _, a := range s.Current(m.now) {
			got = append(got, seen(a))
		}
		if diff := gocmp.Diff(m.current(), got, gocmp.AllowUnexported(announced{})); diff != "" {
			t.Fatalf("current at %d: %s", m.now, diff)
		}
		m.now += 100
		h.pass(100)
	}
}

// TestRefusedLeavesNoTrace: what is refused takes no id.
func TestRefusedLeavesNoTrace(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		for range 3 {
			_, err := h.Announce(ctx, at(now-hour, now))
			wantError(t, err, Past, "from")
			_, err = h.SetStatus(ctx, "", Public, "")
			wantError(t, err, Invalid, "user")
			_, err = h.SetStatus(ctx, "Hans", Public, string(make([]byte, 81)))
			wantError(t, err, Invalid, "note")
			_, err = h.Delete(ctx, 77, Draft{})
			wantError(t, err, NotFound, "aid")
		}
		a, err := h.SetStatus(ctx, "Hans", Public, "")
		if err != nil || a.ID != 3 {
			t.Errorf("id %d, %v; want 3", a.ID, err)
		}
	})
}
