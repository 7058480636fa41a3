package tracker

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/seal"
	"stint/internal/tracker/wall"
)

func TestVerdict(t *testing.T) {
	const from, to = 100_000, 186_400
	fine := facts{from: from, to: to, scheduled: to + 1}
	for _, tc := range []struct {
		name   string
		min    int
		change func(*facts)
		want   Reason
	}{
		{"no play", 1, func(*facts) {}, DayMissed},
		{"one of two", 2, func(f *facts) { f.plays = 1 }, DayMissed},
		{"two of two", 2, func(f *facts) { f.plays = 2 }, DayEnough},
		{"no minimum", 0, func(*facts) {}, DayEnough},
		{"first day", 1, func(f *facts) { f.since = from + 1 }, DayFirst},
		{"begun at midnight", 1, func(f *facts) { f.since = from }, DayMissed},
		{"reached on the day", 1, func(f *facts) { f.scheduled = to - 1 }, DayReached},
		{"reached at its end", 1, func(f *facts) { f.scheduled = to }, DayReached},
		{"reached long before", 1, func(f *facts) { f.scheduled = from - 5; f.reached = from - 5 }, DayReached},
		{"reached on the day, then set later", 1, func(f *facts) { f.reached = from + 1 }, DayReached},
		{"reached before, then set later", 1, func(f *facts) { f.reached = from }, DayMissed},
		{"down for two hours", 1, func(f *facts) { f.down = 7_200 }, DayMissed},
		{"down for longer", 1, func(f *facts) { f.down = 7_201 }, DayDown},
		{"played while mostly down", 1, func(f *facts) { f.down = 50_000; f.plays = 1 }, DayEnough},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := fine
			tc.change(&f)
			if got := (Penalty{Min: tc.min}).verdict(f); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// daily is luck with a minimum of one play a day; a missed day costs an hour.
func daily1() Settings {
	return Settings{Luck: &Luck{Add: Span{1, Minute}, Sub: Span{1, Minute}, Wait: Span{0, Hour}, Multi: Multis{One, One},
		Penalty: &Penalty{Min: 1, Time: Span{1, Hour}, Always: true}}}
}

// days is what midnights found for a session, by date, each "reason applied".
func (h *house) days(t testing.TB, session int64) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := h.db.View(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query("select game, day, reason, applied_s from tracker_day where session_id = $1", session)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var game, reason string
			var day, applied int64
			if err := rows.Scan(&game, &day, &reason, &applied); err != nil {
				return err
			}
			key := wall.Date(day).String()
			if found[key] != "" {
				t.Errorf("%s was judged twice", key)
			}
			found[key] = fmt.Sprintf("%s %d", reason, applied)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// calendar simulates a server that runs from tick to tick, whatever the clock of the machine says.
type calendar struct {
	*house
	t *testing.T
}

// until ticks every half hour, and at the instant itself.
func (c calendar) until(at time.Time) {
	for c.time().Before(at) {
		c.set(minTime(at, c.time().Add(30*time.Minute)))
		if _, err := c.tick(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// TestPenaltiesWithTwoProcesses ticks two trackers over the same database at the same time.
func TestPenaltiesWithTwoProcesses(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		h := openHouse(t, dbtest.Open(t, target))
		d := dbtest.Open(t, target)
		d.SetClock(h.time)
		other, err := Open(t.Context(), d, h.keys, Options{Zone: h.zoneOf})
		if err != nil {
			t.Fatal(err)
		}
		h.beat, other.beat = time.Hour, time.Hour
		var sessions []int64
		for user := int64(1); user <= 100; user++ {
			sessions = append(sessions, h.mustStart(t, h.rome(user), StartRequest{ScheduledDate: "2026-12-01", Settings: daily1()}).ID)
		}
		for range 60 {
			h.pass(time.Hour)
			codes := at(2, func(i int) error {
				_, err := []*Tracker{h.Tracker, other}[i].tick(t.Context())
				return err
			})
			if codes[""] != 2 {
				t.Fatal(codes)
			}
		}
		for _, s := range sessions {
			if got := h.days(t, s); len(got) != 3 || got["2026-02-02"] != "first_day 0" || got["2026-02-03"] != "missed 3600" || got["2026-02-04"] != "missed 3600" {
				t.Fatalf("session %d: %v", s, got)
			}
		}
	})
}

// TestAPlayAfterMidnightDoesNotHideTheDayBefore plays before the server has looked at the clock.
func TestAPlayAfterMidnightDoesNotHideTheDayBefore(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.beat = 24 * time.Hour
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-02-10", Settings: daily1()})
		tick := func() {
			if _, err := h.tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		tick()
		h.pass(24 * time.Hour)
		tick()
		h.pass(13 * time.Hour) // one hour into the day after a missed one
		m := h.mustPlay(t, 1, s.ID, LuckGame)
		if got := h.days(t, s.ID); got["2026-02-02"] != "first_day 0" || got["2026-02-03"] != "missed 3600" || len(got) != 2 {
			t.Errorf("%v", got)
		}
		if by := m.Scheduled.Unix - s.Scheduled.Unix; by != 3600+60 && by != 3600-60 {
			t.Errorf("the end moved by %d", by)
		}
		tick()
		days := h.mustGet(t, h.rome(1), s.ID).Play.State[LuckGame].Days
		if len(days) != 2 || days[0] != (Midnight{"2026-02-03", 0, 3600, DayMissed}) || days[1] != (Midnight{"2026-02-02", 0, 0, DayFirst}) {
			t.Errorf("%+v", days)
		}
		h.set(time.Date(2026, 2, 4, 23, 0, 0, 0, time.UTC))
		tick()
		if got := h.days(t, s.ID); got["2026-02-04"] != "enough 0" {
			t.Errorf("%v", got)
		}
	})
}

func TestTheLastDayIsFree(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.beat = 100 * time.Hour
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-02-05", ScheduledTime: "00:30", LimitDate: "2026-02-05", LimitTime: "00:40", Settings: daily1()})
		c := calendar{h, t}
		c.until(time.Date(2026, 2, 7, 12, 0, 0, 0, time.UTC))
		want := map[string]string{"2026-02-02": "first_day 0", "2026-02-03": "missed 600", "2026-02-04": "missed 0", "2026-02-05": "schedule_reached 0", "2026-02-06": "schedule_reached 0"}
		if got := h.days(t, s.ID); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v, want %v", got, want)
		}
		if n := h.count("tracker_log where kind = 'penalty' and rolled_s = 3600"); n != 2 {
			t.Errorf("%d penalties in the history", n)
		}
		if got := *h.mustGet(t, h.rome(1), s.ID).Scheduled; got.Unix != s.Limit.Unix {
			t.Errorf("the end went to %v", got.UTC())
		}
	})
}

// TestZoneThatMovesWest gives no day twice.
func TestZoneThatMovesWest(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.beat = 100 * time.Hour
		r := daily1()
		r.Luck.Penalty.Always = false
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-02-10", Settings: r})
		c := calendar{h, t}
		c.until(time.Date(2026, 2, 3, 4, 0, 0, 0, time.UTC)) // 05:00 in Rome, the evening before in Honolulu
		h.mustPlay(t, 1, s.ID, LuckGame)
		west := mustZone(t, "Pacific/Honolulu")
		h.zones.Store(int64(1), west)
		_, err := h.Play(t.Context(), Owner{User: 1, Zone: west}, PlayRequest{Session: s.ID, Game: LuckGame}, nil)
		wantError(t, err, DailyLimit, "")
		retryAt(t, err, time.Date(2026, 2, 4, 10, 0, 0, 0, time.UTC))
		c.until(time.Date(2026, 2, 4, 12, 0, 0, 0, time.UTC))
		if got := h.days(t, s.ID); len(got) != 2 || got["2026-02-03"] != "enough 0" {
			t.Errorf("%v", got)
		}
	})
}

func TestRunInRealTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stint.db")
	keys, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		h := &house{}
		stop := h.boot(t, file, keys, beat)
		defer func() { stop() }()
		o := Owner{User: 1, Zone: romeZone} // the bubble begins at 2000-01-01 00:00 UTC, 01:00 in Rome
		s, err := h.Start(t.Context(), o, StartRequest{ScheduledDate: "2000-01-03", ScheduledTime: "12:00", Settings: daily1()}, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Hour)
		stop()
		time.Sleep(time.Hour)
		stop = h.boot(t, file, keys, beat)
		time.Sleep(time.Until(time.Date(2000, 1, 1, 23, 0, 0, 0, time.UTC)) + time.Second) // first midnight
		synctest.Wait()
		wantEvents(t, h.Tracker, "started")
		time.Sleep(24 * time.Hour) // second midnight: the day was missed
		synctest.Wait()
		wantEvents(t, h.Tracker, "started", "penalty")
		time.Sleep(13*time.Hour - time.Minute) // 12:59 in Rome; the end moved to 13:00
		synctest.Wait()
		wantEvents(t, h.Tracker, "started", "penalty")
		time.Sleep(time.Minute)
		synctest.Wait()
		wantEvents(t, h.Tracker, "started", "penalty", "reached")
		if got, err := h.Get(t.Context(), o, s.ID); err != nil || !got.Active() || len(got.Play.State[LuckGame].Days) != 2 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func wantEvents(t *testing.T, tr *Tracker, kinds ...string) {
	t.Helper()
	all, err := tr.Events(t.Context(), 1, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, e.Kind)
	}
	if fmt.Sprint(got) != fmt.Sprint(kinds) {
		t.Errorf("%v: %v, want %v", time.Now().UTC(), got, kinds)
	}
}
