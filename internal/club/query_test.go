package club

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"stint/internal/db"
)

// fill appends n made-up actions to the log at once, at times near the present
// that sometimes go back.
func (h *house) fill(t tester, n int) {
	t.Helper()
	h.do(t, func(tx *db.Tx) error {
		second := int64(now - n)
		for i := range n {
			second += int64(i*7%5) - 1
			a := Action{Time: second, Note: fmt.Sprint("n", i)}
			switch i * i % 7 {
			case 0:
				a.Type, a.User, a.Status = TypeStatus, "Hans", []Status{Public, Private, Closed}[i%3]
			case 1, 2:
				a.Type, a.User, a.Method, a.From, a.To, a.Public, a.Visible = TypeAnnouncement, "Ann", New, second, second+60, i%3 == 0, i%3 == 0
			default:
				a.Type, a.Users, a.Anonymous = TypePresence, []Present{{"Ann", second}, {"Jürgen", 1}}, int64(i%2)
			}
			if err := insert(tx, &a); err != nil {
				return err
			}
		}
		return nil
	})
}

// pick is what a query means, on the whole log in memory.
func pick(log []Action, q Query, now int64) (list []Action) {
	var head int64
	for _, a := range log {
		if q.Type == "" || a.Type == q.Type {
			head = a.ID
		}
	}
	within := func(n int64, s Span, mark int64) bool {
		at := func(p *Point) (int64, bool) {
			if p == nil {
				return 0, false
			}
			if p.Relative {
				return mark + p.N, true
			}
			return p.N, true
		}
		a, hasA := at(s.A)
		b, hasB := at(s.B)
		switch {
		case hasA && hasB:
			return n >= min(a, b) && n <= max(a, b)
		case hasA:
			return n >= a
		case hasB:
			return n <= b
		}
		return true
	}
	for _, a := range log {
		if (q.Type == "" || a.Type == q.Type) && (!q.Public || a.Visible) && within(a.ID, q.IDs, head) && within(a.Time, q.Times, now) {
			list = append(list, a)
		}
	}
	if int64(len(list)) > q.Count {
		if q.First {
			return list[:q.Count]
		}
		return list[int64(len(list))-q.Count:]
	}
	return list
}

func drawSpan(t *rapid.T, label string, low, high int64) Span {
	end := func(label string) *Point {
		if rapid.IntRange(0, 3).Draw(t, label+" open") == 0 {
			return nil
		}
		if rapid.Bool().Draw(t, label+" relative") {
			return &Point{Relative: true, N: rapid.Int64Range(low-high-2, 2).Draw(t, label)}
		}
		return &Point{N: rapid.Int64Range(low-2, high+2).Draw(t, label)}
	}
	s := Span{A: end(label + " from")}
	if rapid.Bool().Draw(t, label+" is one point") {
		s.B = s.A
		return s
	}
	s.B = end(label + " to")
	return s
}

func drawQuery(t *rapid.T, log []Action) Query {
	n := int64(len(log))
	q := Query{
		Type:   rapid.SampledFrom([]Type{"", TypeStatus, TypeAnnouncement, TypePresence}).Draw(t, "type"),
		Public: rapid.IntRange(0, 3).Draw(t, "public") == 0,
		First:  rapid.Bool().Draw(t, "first"),
		Count:  rapid.OneOf(rapid.Int64Range(0, n+1), rapid.SampledFrom([]int64{0, 1, 20, page - 1, page, page + 1, 2 * page, 2*page + 1, n, 1 << 62})).Draw(t, "count"),
	}
	if rapid.Bool().Draw(t, "by id") {
		q.IDs = drawSpan(t, "id", 0, n)
	}
	if rapid.Bool().Draw(t, "by time") {
		q.Times = drawSpan(t, "time", log[len(log)/3].Time, now)
	}
	return q
}

func (h *house) selected(t tester, q Query) (list []Action, key string) {
	t.Helper()
	s, err := h.Select(context.Background(), q)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Each(context.Background(), func(part []Action) error {
		if len(part) == 0 || len(part) > page {
			return fmt.Errorf("a part of %d actions", len(part))
		}
		list = append(list, part...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, s.Key()
}

func ids(list []Action) (ids []int64) {
	for _, a := range list {
		ids = append(ids, a.ID)
	}
	return ids
}

// TestSelect compares random queries with the same done in memory, on a log
// that is longer than what is read at once, and on a short one.
func TestSelect(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for length, queries := range map[int]int{40: 10, 2500: 3} {
			t.Run(fmt.Sprint(length), func(t *testing.T) {
				h.anew(t)
				h.fill(t, length-2)
				log := h.log(t)
				keys := map[string][]int64{}
				rapid.Check(t, func(rt *rapid.T) {
					for range queries {
						q := drawQuery(rt, log)
						got, key := h.selected(rt, q)
						want := pick(log, q, now)
						if len(want)+len(got) > 0 && !reflect.DeepEqual(want, got) {
							rt.Fatalf("%+v: got ids %v, want %v", q, ids(got), ids(want))
						}
						if before, ok := keys[key]; ok && !slices.Equal(before, ids(got)) {
							rt.Fatalf("%+v: the key %q names %v and %v", q, key, before, ids(got))
						}
						keys[key] = ids(got)
					}
				})
			})
		}
	})
}

func TestAfter(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.fill(t, 2498)
		log := h.log(t)
		if len(log) != 2500 {
			t.Fatalf("%d actions", len(log))
		}
		for _, c := range []struct {
			id     int64
			of     Type
			public bool
		}{
			{0, "", false}, {-5, "", false}, {1, "", false}, {1499, "", false}, {1500, "", false}, {1501, "", false}, {2499, "", false},
			{2500, "", false}, {2501, "", false}, {1 << 62, "", false},
			{0, TypePresence, false}, {2000, TypeAnnouncement, false}, {0, TypeStatus, true}, {1000, TypeAnnouncement, true},
		} {
			t.Run(fmt.Sprint(c), func(t *testing.T) {
				got, err := h.After(t.Context(), c.id, c.of, c.public)
				if err != nil {
					t.Fatal(err)
				}
				after := Span{A: &Point{N: c.id + 1}}
				want := pick(log, Query{Type: c.of, Public: c.public, IDs: after, Count: page, First: true}, now)
				if len(want)+len(got) > 0 && !reflect.DeepEqual(want, got) {
					t.Errorf("got %v, want %v", ids(got), ids(want))
				}
			})
		}
	})
}

// TestSelectionStands: a selection does not grow while it is read.
func TestSelectionStands(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.fill(t, 1998)
		for _, q := range []Query{{Count: 1 << 40}, {Count: 1 << 40, First: true}, {Count: 1500}, {Count: 1 << 40, IDs: Span{A: &Point{N: 1}}}} {
			want := pick(h.log(t), q, now)
			s, err := h.Select(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			var got []Action
			err = s.Each(t.Context(), func(part []Action) error {
				got = append(got, part...)
				_, err := h.SetStatus(t.Context(), "Hans", Public, "")
				return err
			})
			if err != nil || !slices.Equal(ids(want), ids(got)) {
				t.Errorf("%+v: got %d actions, want %d; %v", q, len(got), len(want), err)
			}
		}
	})
}

// TestKeyOfALogThatWentOnOtherwise has the newest action differ, as after a backup was started on.
func TestKeyOfALogThatWentOnOtherwise(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.fill(t, page+500)
		key := func() string {
			s, err := h.Select(t.Context(), Query{Count: 5_000})
			if err != nil {
				t.Fatal(err)
			}
			return s.Key()
		}
		before := key()
		if again := key(); again != before {
			t.Errorf("%s, then %s", before, again)
		}
		h.do(t, func(tx *db.Tx) error {
			_, err := tx.Exec("update action set note = 'another' where id = (select max(id) from action)")
			return err
		})
		if key() == before {
			t.Error("two logs have one key")
		}
	})
}
