package tracker

import (
	"context"
	"errors"
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

// TestPenaltiesOverThreeMonths ticks by hand, on both engines.
func TestPenaltiesOverThreeMonths(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		h := openHouse(t, dbtest.Open(t, target))
		h.beat = 30 * time.Minute
		h.set(threeMonths)
		playThreeMonths(t, h, calendar{h, t}.until, func(outage time.Duration) {
			h.pass(outage)
			restarted, err := Open(t.Context(), h.db, h.keys, Options{Zone: h.zoneOf})
			if err != nil {
				t.Fatal(err)
			}
			restarted.beat = h.beat
			h.Tracker = restarted
		})
	})
}

// TestPenaltiesOverThreeMonthsInRealTime leaves everything to Run: the program sleeps, and is stopped and started, until
// the months are over. PostgreSQL can't take part, because a connection that listens never lets a bubble's time pass.
func TestPenaltiesOverThreeMonthsInRealTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stint.db")
	keys, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(threeMonths))
		h := &house{}
		stop := h.boot(t, file, keys, 30*time.Minute)
		defer func() { stop() }()
		playThreeMonths(t, h, func(at time.Time) {
			time.Sleep(time.Until(at))
			synctest.Wait()
		}, func(outage time.Duration) {
			stop()
			time.Sleep(outage)
			stop = h.boot(t, file, keys, 30*time.Minute)
		})
	})
}

// boot opens the file and runs a tracker on it until stop.
func (h *house) boot(t *testing.T, file string, keys *seal.Ring, beat time.Duration) (stop func()) {
	d, err := db.Open(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	d.SetPoll(time.Hour)
	h.db = d
	if h.Tracker, err = Open(t.Context(), d, keys, Options{Zone: h.zoneOf, Report: func(err error) { t.Error(err) }}); err != nil {
		t.Fatal(err)
	}
	h.beat = beat
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

var threeMonths = time.Date(2026, 2, 10, 10, 0, 0, 0, time.UTC)

// playThreeMonths lets two owners play on most days, in zones that change their clocks in different directions within
// these months (Rome's goes forward on March 29, Santiago's back at the midnight before April 5), with four restarts:
// short, over a midnight, for a day, and for three. until lets time pass, restart lets it pass without a server.
func playThreeMonths(t *testing.T, h *house, until func(time.Time), restart func(outage time.Duration)) {
	rome, santiago := Owner{1, romeZone}, Owner{2, mustZone(t, "America/Santiago")}
	h.zones.Store(santiago.User, santiago.Zone)
	start := StartRequest{ScheduledDate: "2026-12-01", Settings: daily1()}
	one, two := h.mustStart(t, rome, start).ID, h.mustStart(t, santiago, start).ID
	type outage struct {
		from time.Time
		long time.Duration
	}
	outages := []outage{
		{time.Date(2026, 2, 20, 9, 0, 0, 0, time.UTC), time.Hour},
		{time.Date(2026, 3, 1, 22, 30, 0, 0, time.UTC), 90 * time.Minute}, // over Rome's midnight
		{time.Date(2026, 3, 25, 0, 30, 0, 0, time.UTC), 24 * time.Hour},
		{time.Date(2026, 4, 10, 1, 0, 0, 0, time.UTC), 72 * time.Hour},
	}
	skipped := func(date string) bool { // the days on which nobody plays
		day, err := wall.ParseDate(date)
		if err != nil {
			t.Fatal(err)
		}
		return day%4 == 0
	}
	end := time.Date(2026, 5, 15, 12, 0, 0, 0, time.UTC)
	for noon := threeMonths.Add(5 * time.Hour); noon.Before(end); noon = noon.AddDate(0, 0, 1) {
		for len(outages) > 0 && outages[0].from.Before(noon) {
			until(outages[0].from)
			restart(outages[0].long)
			outages = outages[1:]
		}
		if h.db.Now().After(noon) {
			continue
		}
		until(noon)
		if skipped(noon.Format(time.DateOnly)) {
			continue
		}
		for session, o := range map[int64]Owner{one: rome, two: santiago} {
			if _, err := h.Play(t.Context(), o, PlayRequest{Session: session, Game: LuckGame}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	until(end)
	down := daysDown(one, two)
	for session := range down {
		checkDays(t, h, session, skipped, down[session])
	}
}

// daysDown is the days of which the outages take more than two hours, in each owner's zone.
func daysDown(one, two int64) map[int64]map[string]bool {
	return map[int64]map[string]bool{
		one: {"2026-03-25": true, "2026-04-10": true, "2026-04-11": true, "2026-04-12": true, "2026-04-13": true},
		two: {"2026-03-24": true, "2026-03-25": true, "2026-04-09": true, "2026-04-10": true, "2026-04-11": true, "2026-04-12": true},
	}
}

// checkDays compares what the midnights found with what was done on each day from February 10 to May 14.
func checkDays(t *testing.T, h *house, session int64, skipped func(string) bool, down map[string]bool) {
	found := h.days(t, session)
	penalties := int64(0)
	last := time.Date(2026, 5, 15, 0, 0, 0, 0, time.UTC)
	n := 0
	for day := time.Date(2026, 2, 10, 0, 0, 0, 0, time.UTC); day.Before(last); day = day.AddDate(0, 0, 1) {
		date := day.Format(time.DateOnly)
		n++
		want := "enough 0"
		switch {
		case skipped(date) && down[date]:
			want = "down 0"
		case skipped(date):
			want = "missed 3600"
			penalties++
		}
		got := found[date]
		if !skipped(date) && down[date] && got == "down 0" { // the play fell into the outage
			want = got
		}
		if got != want {
			t.Errorf("session %d, %s: %q, want %q", session, date, got, want)
		}
	}
	if len(found) != n {
		t.Errorf("session %d: %d days were judged, want %d", session, len(found), n)
	}
	if rows := h.count(fmt.Sprintf("tracker_log where session_id = %d and kind = 'penalty' and source = 'PENALTY' and type = 'ADD' and unit_s = 3600 and rolled_s = 3600", session)); rows != penalties || penalties < 20 {
		t.Errorf("session %d: %d penalties in the history, want %d", session, rows, penalties)
	}
}
