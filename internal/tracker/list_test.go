package tracker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/wall"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fill stores n sessions of one hour with gap hours between their starts, the newest ending before the present; every
// third is public. It returns them newest first.
func fill(t testing.TB, h *house, user int64, n int, gap int64) []*Session {
	t.Helper()
	all := make([]*Session, n)
	for from := 0; from < n; from += 500 {
		err := h.db.Do(context.Background(), func(tx *db.Tx) error {
			for i := from; i < min(from+500, n); i++ {
				start := wall.At(h.time().Unix()-int64(n-i)*gap*3600, romeZone)
				end := wall.At(start.Unix+3600, romeZone)
				s, err := h.add(tx, h.rome(user), &draft{start: start, end: &end, public: i%3 == 0})
				if err != nil {
					return err
				}
				all[n-1-i] = s
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// matching is the list that a filter should give of all, which is newest first.
func matching(all []*Session, zone *time.Location, f Filter) []*Session {
	var out []*Session
	for _, s := range all {
		day := s.Start.UTC().In(zone).Format(time.DateOnly)
		if f.From != "" && day < f.From || f.To != "" && day > f.To ||
			f.Active != nil && *f.Active != s.Active() || f.Public != nil && *f.Public != s.Public {
			continue
		}
		out = append(out, s)
	}
	return out
}

func TestListAgainstAScan(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		all := fill(t, h, 1, 2_500, 9)
		fill(t, h, 2, 40, 100)
		active := h.mustStart(t, h.rome(1), StartRequest{Public: true, ScheduledDate: "2026-02-10", Settings: allGames()})
		all = append([]*Session{active}, all...)
		zones := []*time.Location{romeZone, mustZone(t, "Pacific/Apia"), time.UTC}
		rapid.Check(t, func(rt *rapid.T) {
			flag := rapid.SampledFrom([]*bool{nil, ptr(true), ptr(false)})
			date := rapid.Custom(func(rt *rapid.T) string {
				back := rapid.IntRange(-10, 1_000).Draw(rt, "days back")
				return rapid.SampledFrom([]string{"", noon.AddDate(0, 0, -back).Format(time.DateOnly)}).Draw(rt, "date")
			})
			o := Owner{User: 1, Zone: rapid.SampledFrom(zones).Draw(rt, "zone")}
			f := Filter{From: date.Draw(rt, "from"), To: date.Draw(rt, "to"), Active: flag.Draw(rt, "active"), Public: flag.Draw(rt, "public"),
				Limit: rapid.IntRange(1, 250).Draw(rt, "limit"), Offset: rapid.IntRange(0, 2_600).Draw(rt, "offset")}
			if f.From != "" && f.To != "" && f.From > f.To {
				f.From, f.To = f.To, f.From
			}
			want := matching(all, o.Zone, f)
			p, err := h.List(t.Context(), o, f)
			if err != nil {
				rt.Fatal(err)
			}
			if p.Total != len(want) || p.Limit != min(f.Limit, MaxLimit) || p.Offset != f.Offset {
				rt.Fatalf("total %d of %d, limit %d, offset %d", p.Total, len(want), p.Limit, p.Offset)
			}
			want = want[min(f.Offset, len(want)):]
			want = want[:min(p.Limit, len(want))]
			if diff := cmp.Diff(ids(want), ids(p.Items)); diff != "" {
				rt.Fatal(diff)
			}
			for _, s := range p.Items {
				if (s.Play != nil) != s.Active() {
					rt.Fatalf("session %d: games %v", s.ID, s.Play)
				}
			}
		})
	})
}

func ids(all []*Session) []int64 {
	out := make([]int64, len(all))
	for i, s := range all {
		out[i] = s.ID
	}
	return out
}

func TestListRefuses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, tc := range []struct {
			name  string
			f     Filter
			field Field
		}{
			{"limit 0", Filter{}, FieldLimit},
			{"negative limit", Filter{Limit: -1}, FieldLimit},
			{"negative offset", Filter{Limit: 1, Offset: -1}, FieldOffset},
			{"from after to", Filter{Limit: 1, From: "2026-02-02", To: "2026-02-01"}, FieldFrom},
			{"bad from", Filter{Limit: 1, From: "2026-02-30"}, FieldFrom},
			{"bad to", Filter{Limit: 1, To: "tomorrow"}, FieldTo},
		} {
			t.Run(tc.name, func(t *testing.T) {
				_, err := h.List(t.Context(), h.rome(1), tc.f)
				wantError(t, err, Validation, tc.field)
			})
		}
		p, err := h.List(t.Context(), h.rome(1), Filter{Limit: 1_000, From: "0001-01-01", To: "9999-12-31"})
		if err != nil || p.Total != 0 || len(p.Items) != 0 || p.Limit != 200 {
			t.Errorf("an empty list: %+v, %v", p, err)
		}
	})
}

func TestFilterDaysAreLocal(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.mustInsert(t, h.rome(1), manual("2026-01-10 00:30", "2026-01-10 03:00"))
		for _, tc := range []struct {
			zone, from, to string
			want           int
		}{
			{"Europe/Rome", "2026-01-10", "2026-01-10", 1},
			{"Europe/Rome", "2026-01-09", "2026-01-09", 0},
			{"America/New_York", "2026-01-09", "2026-01-09", 1},
			{"America/New_York", "2026-01-10", "", 0},
		} {
			p, err := h.List(t.Context(), Owner{User: 1, Zone: mustZone(t, tc.zone)}, Filter{From: tc.from, To: tc.to, Limit: 5})
			if err != nil || p.Total != tc.want || len(p.Items) != tc.want {
				t.Errorf("%s %s: %+v, %v", tc.zone, tc.from, p, err)
			}
		}
	})
}

func BenchmarkList(b *testing.B) {
	h := openBench(b)
	small, large := int64(1), int64(2)
	fill(b, h, small, 1_000, 170)
	fill(b, h, large, 100_000, 1)
	for _, bc := range []struct {
		name string
		f    Filter
	}{
		{"first", Filter{}},
		{"public", Filter{Public: ptr(true)}},
		{"ended", Filter{Active: ptr(false)}},
		{"days", Filter{From: "2018-05-17", To: "2025-03-14"}},
		{"days,private", Filter{From: "2018-05-17", To: "2025-03-14", Public: ptr(false)}},
		{"last", Filter{Offset: 99_950}},
		{"middle", Filter{Offset: 50_000}},
	} {
		for name, user := range map[string]int64{"1000": small, "100000": large} {
			if bc.f.Offset > 0 && user == small {
				continue
			}
			b.Run(fmt.Sprintf("%s/%s", bc.name, name), func(b *testing.B) {
				f := bc.f
				f.Limit = 50
				for b.Loop() {
					p, err := h.List(b.Context(), h.rome(user), f)
					if err != nil || len(p.Items) != 50 {
						b.Fatal(len(p.Items), err)
					}
				}
			})
		}
	}
}
