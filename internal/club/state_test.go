package club

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestInitialState(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		first := Action{ID: 1, Time: now, Type: TypeStatus, Note: "initial state", User: "stint", Status: Closed, Visible: true}
		second := Action{ID: 2, Time: now, Type: TypePresence}
		if diff := cmp.Diff([]Action{first, second}, h.log(t)); diff != "" {
			t.Error(diff)
		}
		s, err := h.Load(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := State{Head: 2, LastStatus: first, ChangedStatus: first, PublicStatus: first, LastPresence: second, current: map[int64]Action{}}
		if diff := cmp.Diff(want, s, cmp.AllowUnexported(State{})); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]Action{first, second}, s.Newest()); diff != "" {
			t.Error(diff)
		}
		if list := s.Current(now); len(list) != 0 {
			t.Errorf("announced: %v", list)
		}
	})
}

// TestStatusMarks: which status actions change the status, and which the public
// one.
func TestStatusMarks(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			status          Status
			changed, public int64 // ids, after it
		}{
			{Closed, 1, 1},  // 3
			{Private, 4, 1}, // 4
			{Private, 4, 1},
			{Public, 6, 6},
			{Public, 6, 6},
			{Private, 8, 8},
			{Closed, 9, 8},
			{Private, 10, 8},
			{Public, 11, 11},
			{Closed, 12, 12},
		} {
			a, err := h.SetStatus(t.Context(), "Hans", c.status, "")
			if err != nil {
				t.Fatal(err)
			}
			s, err := h.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if s.LastStatus.ID != a.ID || s.ChangedStatus.ID != c.changed || s.PublicStatus.ID != c.public {
				t.Errorf("after %d (%s): last %d, changed %d, public %d; want %d and %d", a.ID, c.status,
					s.LastStatus.ID, s.ChangedStatus.ID, s.PublicStatus.ID, c.changed, c.public)
			}
		}
	})
}

// randomStep does one thing that may add an action. Refusals are fine.
func randomStep(t *rapid.T, h *house, head int64) {
	ctx := context.Background()
	user := rapid.SampledFrom([]string{"Hans", "Ann", "Jürgen"}).Draw(t, "user")
	switch rapid.IntRange(0, 7).Draw(t, "what") {
	case 0:
		h.pass(rapid.SampledFrom([]int64{1, 60, 700, -30}).Draw(t, "pass"))
	case 1, 2:
		_, _ = h.SetStatus(ctx, user, rapid.SampledFrom([]Status{Public, Private, Closed}).Draw(t, "status"), "")
	case 3, 4:
		from := rapid.Int64Range(0, 300).Draw(t, "from")
		d := Draft{User: &user, From: &Point{true, from}, To: &Point{true, from + rapid.Int64Range(0, 300).Draw(t, "length")}, Public: ptr(rapid.Bool().Draw(t, "public"))}
		if aid := rapid.Int64Range(1, head).Draw(t, "aid"); rapid.Bool().Draw(t, "new") {
			_, _ = h.Announce(ctx, d)
		} else {
			_, _ = h.Modify(ctx, aid, d)
		}
	case 5:
		_, _ = h.Delete(ctx, rapid.Int64Range(1, head).Draw(t, "aid"), Draft{})
	default:
		_ = h.Report(ctx, Heartbeat{User: user})
		_, _ = h.look(ctx)
	}
}

// TestLoadIsTheFold: what Load reads from the tables is what follows from the
// log, action by action.
func TestLoadIsTheFold(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		rapid.Check(t, func(rt *rapid.T) {
			h.anew(t)
			var fold State
			for range rapid.IntRange(1, 6).Draw(rt, "rounds") {
				for range rapid.IntRange(1, 6).Draw(rt, "steps") {
					randomStep(rt, h, max(fold.Head, 3))
				}
				list, err := h.After(context.Background(), fold.Head, "", false)
				if err != nil {
					rt.Fatal(err)
				}
				for _, a := range list {
					if a.ID != fold.Head+1 {
						rt.Fatalf("id %d after %d", a.ID, fold.Head)
					}
					turns := a.Type == TypeStatus && a.Status.InPublic() != fold.LastStatus.Status.InPublic()
					if a.Visible != (turns || a.Public) {
						rt.Fatalf("visible after %s: %+v", fold.LastStatus.Status, a)
					}
					fold.Apply(a)
				}
				compareStates(rt, h, fold)
			}
		})
	})
}

func compareStates(t *rapid.T, h *house, fold State) {
	loaded, err := h.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	second := h.Now()
	got := []any{loaded.Head, loaded.LastStatus, loaded.ChangedStatus, loaded.PublicStatus, loaded.LastAnnouncement, loaded.LastPresence, loaded.Newest(), loaded.Current(second)}
	// Asking the fold would make it forget, and the clock may go back.
	copied := State{}
	for _, a := range h.log(t) {
		copied.Apply(a)
	}
	want := []any{fold.Head, fold.LastStatus, fold.ChangedStatus, fold.PublicStatus, fold.LastAnnouncement, fold.LastPresence, fold.Newest(), copied.Current(second)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
}

// TestCurrentForgets: what has ended is dropped from memory.
func TestCurrentForgets(t *testing.T) {
	var s State
	for i := range int64(10) {
		s.Apply(Action{ID: i + 1, AID: i + 1, Type: TypeAnnouncement, Method: New, From: i, To: 10 * i})
	}
	for _, c := range []struct {
		now  int64
		want int
	}{{0, 10}, {1, 9}, {10, 9}, {11, 8}, {90, 1}, {91, 0}} {
		if got := len(s.Current(c.now)); got != c.want || len(s.current) != c.want {
			t.Errorf("at %d: %d announcements, %d in memory; want %d", c.now, got, len(s.current), c.want)
		}
	}
}
