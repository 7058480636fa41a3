package tracker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/fair"
)

// fillHistory adds n plays to a session, one a second before the present.
func fillHistory(t testing.TB, h *house, user, session int64, n int) {
	t.Helper()
	for from := 0; from < n; from += 2_000 {
		err := h.db.Do(context.Background(), func(tx *db.Tx) error {
			for i := from; i < min(from+2_000, n); i++ {
				e := entry{user: user, session: session, kind: kindPlay, typ: TypeAdd, source: SourceDice, unit: ptr(int64(60)), rolled: ptr(int64(60)),
					at: h.time().Add(-time.Duration(n-i) * time.Second)}
				if err := e.write(tx); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestHistories(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		s := h.game(t, 1, Settings{Luck: luckOnly().Luck, Link: linkOnly(false).Link})
		h.pass(1500 * time.Millisecond)
		m := h.mustPlay(t, 1, s.ID, LuckGame)
		h.pass(time.Minute)
		v := h.mustVote(t, Voter{Cookie: "x"}, s.Play.Token, ChoiceSub)
		p, err := h.Histories(t.Context(), o, HistoryFilter{Session: s.ID, Limit: 500})
		if err != nil || len(p.Items) != 3 || p.Limit != 200 || p.Next != "" || p.HasChanges {
			t.Fatal(p, err)
		}
		vote, play, start := p.Items[0], p.Items[1], p.Items[2]
		if start.Type != TypeStart || start.Unit != nil || start.Source != "" || start.Schedule.Unix() != s.Scheduled.Unix || !start.Happened.Equal(noon) {
			t.Errorf("%+v", start)
		}
		if play.Type != m.Operation || *play.Unit != m.Applied || *play.Rolled != m.Seconds || play.Source != SourceLuck || *play.Multi != m.Multi || *play.Nonce != 1 ||
			play.Schedule.Unix() != m.Scheduled.Unix || !play.Happened.Equal(noon.Add(1500*time.Millisecond)) {
			t.Errorf("%+v", play)
		}
		if vote.Type != fair.Sub || vote.Source != SourceLink || *vote.Unit != v.Applied {
			t.Errorf("%+v", vote)
		}
		for name, tc := range map[string]struct {
			f    HistoryFilter
			want int
		}{
			"type":            {HistoryFilter{Type: TypeStart}, 1},
			"source":          {HistoryFilter{Source: SourceLink}, 1},
			"type and source": {HistoryFilter{Type: fair.Sub, Source: SourceLink}, 1},
			"neither":         {HistoryFilter{Type: TypeStart, Source: SourceLink}, 0},
			"keyholder":       {HistoryFilter{Dom: ptr(true)}, 0},
			"owner, public":   {HistoryFilter{Dom: ptr(false)}, 3},
			"from":            {HistoryFilter{From: noon.Add(time.Second)}, 2},
			"before":          {HistoryFilter{Before: noon.Add(time.Second)}, 1},
			"an instant":      {HistoryFilter{From: noon, Before: noon.Add(time.Millisecond)}, 1},
		} {
			tc.f.Session, tc.f.Limit = s.ID, 50
			if p, err := h.Histories(t.Context(), o, tc.f); err != nil || len(p.Items) != tc.want {
				t.Errorf("%s: %+v, %v", name, p, err)
			}
		}
	})
}

func TestHistoriesRefuse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, b := h.game(t, 1, luckOnly()), h.game(t, 2, luckOnly())
		for range 3 {
			h.mustPlay(t, 1, a.ID, LuckGame)
			h.mustPlay(t, 2, b.ID, LuckGame)
		}
		p, err := h.Histories(t.Context(), h.rome(2), HistoryFilter{Session: b.ID, Limit: 1})
		if err != nil || p.Next == "" {
			t.Fatal(p, err)
		}
		for name, tc := range map[string]struct {
			f     HistoryFilter
			code  Code
			field Field
		}{
			"unknown session":        {HistoryFilter{Session: 99, Limit: 1}, NotFound, ""},
			"another's session":      {HistoryFilter{Session: b.ID, Limit: 1}, NotFound, ""},
			"another's cursor":       {HistoryFilter{Session: a.ID, Limit: 1, Cursor: p.Next}, Validation, FieldCursor},
			"no cursor":              {HistoryFilter{Session: a.ID, Limit: 1, Cursor: "x"}, Validation, FieldCursor},
			"changed cursor":         {HistoryFilter{Session: b.ID, Limit: 1, Cursor: "A" + p.Next[1:]}, Validation, FieldCursor},
			"cursor of another list": {HistoryFilter{Session: a.ID, Limit: 1, Cursor: position{kind: inChanges, session: a.ID}.String()}, Validation, FieldCursor},
			"limit":                  {HistoryFilter{Session: a.ID}, Validation, FieldLimit},
			"type":                   {HistoryFilter{Session: a.ID, Limit: 1, Type: "add"}, Validation, FieldType},
			"source":                 {HistoryFilter{Session: a.ID, Limit: 1, Source: "CARDS"}, Validation, FieldSource},
			"from after before":      {HistoryFilter{Session: a.ID, Limit: 1, From: noon, Before: noon.Add(-1)}, Validation, FieldFrom},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := h.Histories(t.Context(), h.rome(1), tc.f)
				wantError(t, err, tc.code, tc.field)
			})
		}
	})
}

// TestCursorsBesideWriters pages through a history while plays arrive: what was there at the first page is seen once,
// in order.
func TestCursorsBesideWriters(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, luckOnly())
		fillHistory(t, h, 1, s.ID, 300)
		var writers sync.WaitGroup
		stop := make(chan struct{})
		for range 4 {
			writers.Go(func() {
				for range 2_000 {
					select {
					case <-stop:
						return
					default:
						h.pass(time.Millisecond)
						if _, err := h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: LuckGame}, nil); err != nil && codeOf(err) != ScheduleReached {
							t.Error(err)
							return
						}
					}
				}
			})
		}
		for range 5 {
			var times []time.Time
			known := 0
			f := HistoryFilter{Session: s.ID, Limit: 7}
			for {
				p, err := h.Histories(t.Context(), h.rome(1), f)
				if err != nil {
					t.Fatal(err)
				}
				for _, i := range p.Items {
					if times = append(times, i.Happened); i.Happened.Before(noon) {
						known++
					}
				}
				if f.Cursor = p.Next; f.Cursor == "" {
					break
				}
			}
			if known != 300 || !slices.IsSortedFunc(times, func(a, b time.Time) int { return b.Compare(a) }) {
				t.Errorf("%d of 300 old rows, in order: %v", known, len(times))
			}
		}
		close(stop)
		writers.Wait()
	})
}

func TestEvents(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		heard, err := h.Wait(t.Context(), 1<<60)
		if err != nil {
			t.Fatal(err)
		}
		s := h.game(t, 1, Settings{Luck: luckOnly().Luck, Link: linkOnly(false).Link})
		h.game(t, 2, luckOnly())
		if heard, err = h.Wait(t.Context(), heard); err != nil {
			t.Fatal(err)
		}
		h.mustPlay(t, 1, s.ID, LuckGame)
		if _, err = h.Wait(t.Context(), heard); err != nil {
			t.Fatal(err)
		}
		h.mustVote(t, Voter{Cookie: "x"}, s.Play.Token, ChoiceAdd)
		h.pass(time.Hour)
		if _, err := h.Edit(t.Context(), h.rome(1), s.ID, EditRequest{Public: ptr(true), EndNow: true}); err != nil {
			t.Fatal(err)
		}
		wantEvents(t, h.Tracker, "started", "play", "vote", "changed", "stopped")
		mine, err := h.Events(t.Context(), 1, 1, 2)
		if err != nil || len(mine) != 2 || mine[0].Kind != kindPlay || mine[0].ID != 3 || mine[0].Session != s.ID || *mine[0].Nonce != 1 {
			t.Errorf("%+v, %v", mine, err)
		}
		all, err := h.Events(t.Context(), 0, 0, 100)
		last, err2 := h.LastEvent(t.Context())
		if err != nil || err2 != nil || len(all) != 6 || last != all[5].ID {
			t.Errorf("%+v, %v, %v", all, err, err2)
		}
	})
}

func TestStats(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		s, err := h.Stats(t.Context(), o)
		if err != nil || s.Active != nil || s.Total != 0 || s.Since != nil {
			t.Errorf("%+v, %v", s, err)
		}
		h.mustInsert(t, o, manual("2026-01-10", "2026-01-12"))
		active := h.mustStart(t, o, StartRequest{})
		h.pass(90 * time.Minute)
		s, err = h.Stats(t.Context(), o)
		if err != nil || s.Active.ID != active.ID || s.Locked != 5400 || s.Total != 2*86_400+5400 || s.Since.Local().Format(time.DateOnly) != "2026-01-10" {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func BenchmarkHistories(b *testing.B) {
	h := openBench(b)
	for user, n := range map[int64]int{1: 1_000, 2: 100_000} {
		s := h.game(b, user, luckOnly())
		fillHistory(b, h, user, s.ID, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if p, err := h.Histories(b.Context(), h.rome(user), HistoryFilter{Session: s.ID, Limit: 50}); err != nil || len(p.Items) != 50 {
					b.Fatal(p, err)
				}
			}
		})
	}
}
