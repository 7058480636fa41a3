package club

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
)

// TestLookInterval: looks are ten minutes apart, and say how long to wait.
func TestLookInterval(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			name string
			pass int64         // seconds since the last step
			wait time.Duration // until the next look
		}{
			{"the first start counts as a look", 0, 600 * time.Second},
			{"a second before", 599, time.Second},
			{"in time", 1, 600 * time.Second},
			{"just after", 0, 600 * time.Second},
			{"late", 1000, 600 * time.Second},
			{"the clock of another process is behind", -2, 602 * time.Second},
			{"the clock went back", -5000, 600 * time.Second},
			{"and runs on", 100, 500 * time.Second},
			{"the clock went far ahead", 1 << 31, 600 * time.Second},
		} {
			t.Run(c.name, func(t *testing.T) {
				h.pass(c.pass)
				if wait, err := h.look(t.Context()); wait != c.wait || err != nil {
					t.Errorf("wait %v, %v; want %v", wait, err, c.wait)
				}
			})
		}
		h.clock.Add(250) // milliseconds
		if wait, _ := h.look(t.Context()); wait != 599750*time.Millisecond {
			t.Errorf("wait %v after a quarter of a second", wait)
		}
	})
}

// TestOneLookOfMany: of several processes exactly one writes each look.
func TestOneLookOfMany(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		first := openHouse(t, dbtest.Open(t, target))
		clubs := []*house{first}
		for range 2 {
			h := &house{db: dbtest.Open(t, target), clock: first.clock}
			h.db.SetClock(func() time.Time { return time.UnixMilli(h.clock.Load()) })
			h.open(t)
			clubs = append(clubs, h)
		}
		const rounds = 10
		for round := range rounds {
			clubs[round%3].report(t, fmt.Sprint("guest ", round))
			first.pass(600)
			var wg sync.WaitGroup
			for i := range 9 {
				wg.Go(func() {
					if _, err := clubs[i%3].look(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		if log := first.log(t); len(log) != 2+rounds {
			t.Errorf("%d presence actions in %d looks", len(log)-2, rounds)
		}
	})
}

// TestPresenceSurvivesARestart: who was there before it is there after it, and
// the next look comes when it would have come.
func TestPresenceSurvivesARestart(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		d, err := db.Open(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		h := openHouse(t, d)
		h.report(t, "Hans")
		if err := h.Report(t.Context(), Heartbeat{Counted: true, Client: 1, Users: 4}); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		h.db = dbtest.Open(t, target)
		h.db.SetClock(func() time.Time { return time.UnixMilli(h.clock.Load()) })
		h.pass(500)
		h.open(t)
		if a := h.looked(t); a != nil {
			t.Errorf("looked too early: %+v", a)
		}
		h.pass(100)
		if a := h.looked(t); a == nil || a.Note != "joined: Hans; anonymous: 4" || a.Users[0].Since != now {
			t.Errorf("after the restart: %+v", a)
		}
		if log := h.log(t); len(log) != 3 {
			t.Errorf("%d actions, want 3: the first two are made once", len(log))
		}
	})
}

// TestKeepLooking lets two hours pass in a bubble.
func TestKeepLooking(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stint.db")
	synctest.Test(t, func(t *testing.T) {
		d, err := db.Open(context.Background(), file)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		c, err := Open(context.Background(), d, habits)
		if err != nil {
			t.Fatal(err)
		}
		h := &house{Club: c, db: d}
		began := time.Now()
		ctx, cancel := context.WithCancel(context.Background())
		var looking sync.WaitGroup
		looking.Go(func() { c.KeepLooking(ctx, func(err error) { t.Error(err) }) })

		time.Sleep(time.Minute)
		h.report(t, "Hans")
		time.Sleep(2*time.Hour - time.Minute + time.Second)
		cancel()
		looking.Wait()

		type event struct {
			after time.Duration
			note  string
		}
		var got []event
		for _, a := range h.log(t)[2:] {
			got = append(got, event{time.Unix(a.Time, 0).Sub(began), a.Note})
		}
		want := []event{{10 * time.Minute, "joined: Hans"}, {20 * time.Minute, "left: Hans"}}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestKeepLookingReportsFailures: a failure is reported and tried again after
// ten seconds.
func TestKeepLookingReportsFailures(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stint.db")
	synctest.Test(t, func(t *testing.T) {
		d, err := db.Open(context.Background(), file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Open(context.Background(), d, habits)
		if err != nil {
			t.Fatal(err)
		}
		d.Close()
		ctx, cancel := context.WithCancel(context.Background())
		began := time.Now()
		var when []time.Duration
		var looking sync.WaitGroup
		looking.Go(func() {
			c.KeepLooking(ctx, func(err error) {
				if !errors.Is(err, db.ErrClosed) {
					t.Error(err)
				}
				when = append(when, time.Since(began))
			})
		})
		time.Sleep(25 * time.Second)
		cancel()
		looking.Wait()
		if fmt.Sprint(when) != "[0s 10s 20s]" {
			t.Errorf("reported at %v", when)
		}
	})
}
