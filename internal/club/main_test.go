package club

import (
	"context"
	"errors"
	goflag "flag"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stint/internal/db"
	"stint/internal/db/dbtest"
)

// TestMain lets property tests, which write to real databases, run fewer checks
// than rapid does by itself, unless -rapid.checks says otherwise.
func TestMain(m *testing.M) {
	goflag.Parse()
	own := map[string]string{"rapid.checks": "25", "rapid.nofailfile": "true"}
	goflag.Visit(func(f *goflag.Flag) { delete(own, f.Name) })
	for name, value := range own {
		if err := goflag.Set(name, value); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// noon is the start of a minute; the present of a house is half a minute later.
const (
	noon = 1_800_000_000
	now  = noon + 30
)

var habits = Options{PresenceTimeout: 15 * time.Minute, PresenceInterval: 10 * time.Minute}

// tester is what helpers need of a testing.T or a rapid.T.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// house is a club over a database whose time the test sets.
type house struct {
	*Club
	db    *db.DB
	clock *atomic.Int64 // Unix milliseconds
}

func openHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	h := &house{db: d, clock: &atomic.Int64{}}
	h.set(now)
	d.SetClock(func() time.Time { return time.UnixMilli(h.clock.Load()) })
	h.open(t)
	return h
}

func (h *house) open(t tester) {
	t.Helper()
	var err error
	if h.Club, err = Open(context.Background(), h.db, habits); err != nil {
		t.Fatal(err)
	}
}

// anew empties the tables and opens the club at second now, for the next check
// of a property.
func (h *house) anew(t tester) {
	t.Helper()
	h.set(now)
	h.do(t, func(tx *db.Tx) error {
		for _, text := range []string{"delete from action", "delete from present", "delete from anonymous", "delete from look",
			"delete from counter where name = 'action'"} {
			if _, err := tx.Exec(text); err != nil {
				return err
			}
		}
		return nil
	})
	h.open(t)
}

func (h *house) set(second int64)   { h.clock.Store(second * 1000) }
func (h *house) pass(seconds int64) { h.clock.Add(seconds * 1000) }

func (h *house) do(t tester, fn func(*db.Tx) error) {
	t.Helper()
	if err := h.db.Do(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// log reads the whole log.
func (h *house) log(t tester) []Action {
	t.Helper()
	var all []Action
	for {
		list, err := h.After(context.Background(), int64(len(all)), "", false)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, list...); len(list) == 0 {
			return all
		}
	}
}

// each runs fn in a fresh house on both engines.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, openHouse(t, d)) })
}

// wantError compares an error with the reason and the member at fault; reason 0
// stands for no error.
func wantError(t tester, err error, reason Reason, member string) {
	t.Helper()
	if reason == 0 {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	var refused *Error
	if !errors.As(err, &refused) || refused.Reason != reason || refused.Member != member || refused.Detail == "" {
		t.Fatalf("got %#v, want reason %d and member %q", err, reason, member)
	}
}

func ptr[T any](v T) *T { return &v }
