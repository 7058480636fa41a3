package account_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"stint/internal/account"
	"stint/internal/db"
	"stint/internal/db/dbtest"
)

func open(t testing.TB, d *db.DB) *account.Store {
	t.Helper()
	s, err := account.Open(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func each(t *testing.T, fn func(t *testing.T, s *account.Store)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, open(t, d)) })
}

// clock is a time that a test moves.
type clock struct{ atomic.Pointer[time.Time] }

func stopClock(d *db.DB, at time.Time) *clock {
	c := &clock{}
	c.Store(&at)
	d.SetClock(c.now)
	return c
}

func (c *clock) now() time.Time { return *c.Load() }

func (c *clock) add(d time.Duration) {
	t := c.now().Add(d)
	c.Store(&t)
}

// within waits until ok, at most the given time.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
}

func add(t testing.TB, s *account.Store, label string, scope account.Scope, chosen string) string {
	t.Helper()
	secret, err := s.AddPassword(t.Context(), label, scope, chosen)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestScope(t *testing.T) {
	for text, want := range map[string]string{
		"all": "all", "read": "read", "status,read": "read,status", " presence , announce ": "announce,presence",
		"read,status,announce,presence": "all", "all,read": "all",
	} {
		scope, err := account.ParseScope(text)
		if err != nil || scope.String() != want {
			t.Errorf("%q: %v, %v; want %s", text, scope, err, want)
		}
	}
	for _, text := range []string{"", "write", "read,", "ALL", "read status"} {
		_, err := account.ParseScope(text)
		if !errors.Is(err, account.ErrInvalid) || !strings.Contains(err.Error(), "read, status, announce, presence and all are allowed") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if account.Status.Has(account.Read) || !account.All.Has(account.Presence) {
		t.Error("Has")
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestPasswords(t *testing.T) {
	each(t, func(t *testing.T, s *account.Store) {
		generated := add(t, s, "door switch", account.Status, "")
		if len(generated) < 52 || strings.Trim(generated, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			t.Errorf("generated secret %q", generated)
		}
		add(t, s, "menschen", account.All, "pässword mit ü:")

		for secret, want := range map[string]account.Password{
			generated:         {Label: "door switch", Scope: account.Status},
			"pässword mit ü:": {Label: "menschen", Scope: account.All},
		} {
			for range 2 {
				p, err := s.CheckPassword(t.Context(), secret)
				if p.Label != want.Label || p.Scope != want.Scope || isClosed(p.Revoked) || err != nil {
					t.Errorf("%s: %v, %v", want.Label, p, err)
				}
			}
		}
		kept, err := s.CheckPassword(t.Context(), generated)
		if err != nil {
			t.Fatal(err)
		}
		lost, err := s.CheckPassword(t.Context(), "pässword mit ü:")
		if err != nil {
			t.Fatal(err)
		}
		for _, wrong := range []string{"", "x", generated[1:], strings.ToUpper(generated), "pässword mit ü", "pässword\x00", "\xff12345678", strings.Repeat("x", 100_000)} {
			if p, err := s.CheckPassword(t.Context(), wrong); err != account.ErrUnauthorized {
				t.Errorf("%.20q: %v, %v", wrong, p, err)
			}
		}

		list, err := s.Passwords(t.Context())
		if err != nil || len(list) != 2 || list[0].Chosen || !list[1].Chosen || list[1].Label != "menschen" ||
			time.Since(list[0].Created) > time.Minute {
			t.Errorf("%+v, %v", list, err)
		}
		if err := s.RevokePassword(t.Context(), "menschen"); err != nil {
			t.Fatal(err)
		}
		if !isClosed(lost.Revoked) || isClosed(kept.Revoked) {
			t.Error("the bearers of the revoked password, or of another one, were told wrong")
		}
		if _, err := s.CheckPassword(t.Context(), "pässword mit ü:"); err != account.ErrUnauthorized {
			t.Error("a revoked password was accepted: ", err)
		}
		if _, err := s.CheckPassword(t.Context(), generated); err != nil {
			t.Error(err)
		}
		if err := s.RevokePassword(t.Context(), "menschen"); !errors.Is(err, account.ErrNotFound) {
			t.Error(err)
		}
		add(t, s, "menschen", account.Read, "")
	})
}

func TestPasswordsThatAreRefused(t *testing.T) {
	s := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	add(t, s, "taken", account.All, "the same one")
	for name, c := range map[string]struct {
		label  string
		scope  account.Scope
		chosen string
		kind   error
	}{
		"no label":          {"", account.All, "", account.ErrInvalid},
		"long label":        {strings.Repeat("ä", 26), account.All, "", account.ErrInvalid},
		"space around":      {" x", account.All, "", account.ErrInvalid},
		"line break":        {"a\nb", account.All, "", account.ErrInvalid},
		"broken label":      {"a\xff", account.All, "", account.ErrInvalid},
		"label is taken":    {"taken", account.All, "", account.ErrExists},
		"no scope":          {"x", 0, "", account.ErrInvalid},
		"seven characters":  {"x", account.All, "ääääääx", account.ErrInvalid},
		"201 bytes":         {"x", account.All, strings.Repeat("x", 201), account.ErrInvalid},
		"broken UTF-8":      {"x", account.All, "12345678\xff", account.ErrInvalid},
		"control character": {"x", account.All, "12345678\t", account.ErrInvalid},
		"secret is in use":  {"x", account.All, "the same one", account.ErrExists},
	} {
		if secret, err := s.AddPassword(t.Context(), c.label, c.scope, c.chosen); !errors.Is(err, c.kind) || secret != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	add(t, s, strings.Repeat("ä", 25), account.All, strings.Repeat("x", 200))
}

func TestFirstPasswordIsMadeOnce(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		var made atomic.Int32
		var wg sync.WaitGroup
		var secret string
		stores := []*account.Store{open(t, dbtest.Open(t, target)), open(t, dbtest.Open(t, target)), open(t, dbtest.Open(t, target))}
		for _, s := range stores {
			wg.Go(func() {
				first, err := s.FirstPassword(t.Context())
				if err != nil {
					t.Error(err)
				}
				if first != "" {
					made.Add(1)
					secret = first
				}
			})
		}
		wg.Wait()
		if made.Load() != 1 {
			t.Fatalf("made %d times", made.Load())
		}
		for _, s := range stores {
			within(t, time.Second, "heard", func() bool {
				p, err := s.CheckPassword(t.Context(), secret)
				return err == nil && p.Label == "first" && p.Scope == account.All
			})
		}
		if err := stores[0].RevokePassword(t.Context(), "first"); err != nil {
			t.Fatal(err)
		}
		if again, err := stores[0].FirstPassword(t.Context()); again != "" || err != nil {
			t.Error("a second first password: ", err)
		}
	})
}

func TestRevokedPasswordIsRefusedInTheOtherProcess(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		a, b := open(t, dbtest.Open(t, target)), open(t, dbtest.Open(t, target))
		accepted := func(s *account.Store, secret string) bool {
			_, err := s.CheckPassword(t.Context(), secret)
			return err == nil
		}
		for label, chosen := range map[string]string{"generated": "", "chosen": "correct horse"} {
			secret := add(t, a, label, account.All, chosen)
			within(t, time.Second, "heard of "+label, func() bool { return accepted(b, secret) })
			if err := a.RevokePassword(t.Context(), label); err != nil {
				t.Fatal(err)
			}
			if accepted(a, secret) {
				t.Errorf("%s: accepted where it was revoked", label)
			}
			within(t, time.Second, "refused "+label, func() bool { return !accepted(b, secret) })
		}
	})
}

// A bell without a reason must not cost everyone an argon2id.
func TestChosenPasswordStaysRemembered(t *testing.T) {
	target := dbtest.SQLite(t)
	d, other := dbtest.Open(t, target), dbtest.Open(t, target)
	s := open(t, d)
	add(t, s, "people", account.All, "correct horse")
	// argon2id never takes less than a millisecond, memory takes microseconds
	// in at least one of a few tries.
	remembered := func(tries int) bool {
		best := time.Hour
		for range tries {
			began := time.Now()
			if _, err := s.CheckPassword(t.Context(), "correct horse"); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(began))
		}
		return best < time.Millisecond
	}
	if remembered(1) {
		t.Error("remembered before it was verified")
	}
	heard, err := d.Wait(t.Context(), "account", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Migrate(t.Context(), "noise", "create table noise (id bigint)"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Wait(t.Context(), "account", heard); err != nil {
		t.Fatal(err)
	}
	time.Sleep(50 * time.Millisecond)
	if !remembered(5) {
		t.Error("forgotten without a reason")
	}

	stopClock(d, time.Now().Add(6*time.Minute))
	if remembered(1) {
		t.Error("still remembered after six minutes")
	}
}

func TestHashingGivesUpWithItsCaller(t *testing.T) {
	s := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	add(t, s, "people", account.All, "correct horse")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			_, err := s.CheckPassword(ctx, "wrong horse")
			if err != account.ErrUnauthorized && err != context.Canceled {
				t.Error(err)
			}
		})
	}
	began := time.Now()
	cancel()
	wg.Wait()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestPasswordUseIsDatedToTheDay(t *testing.T) {
	each(t, func(t *testing.T, s *account.Store) {
		secret := add(t, s, "door", account.Status, "")
		for range 3 {
			if _, err := s.CheckPassword(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
		}
		within(t, 5*time.Second, "dated", func() bool {
			list, err := s.Passwords(t.Context())
			return err == nil && list[0].Used.Equal(time.Now().UTC().Truncate(24*time.Hour))
		})
	})
}

func BenchmarkCheckPassword(b *testing.B) {
	s := open(b, dbtest.Open(b, dbtest.SQLite(b)))
	for name, chosen := range map[string]string{"generated": "", "chosen": "correct horse"} {
		secret := add(b, s, name, account.All, chosen)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.CheckPassword(b.Context(), secret); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
