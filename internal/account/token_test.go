package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"stint/internal/account"
	"stint/internal/db"
	"stint/internal/db/dbtest"
)

func person(t testing.TB, s *account.Store, name, zone string) account.User {
	t.Helper()
	u, err := s.AddUser(t.Context(), name, zone)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func token(t testing.TB, s *account.Store, user, label string, expires time.Time) string {
	t.Helper()
	secret, err := s.CreateToken(t.Context(), user, label, account.TokenWrite, expires)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestUsers(t *testing.T) {
	each(t, func(t *testing.T, s *account.Store) {
		ann := person(t, s, "Ann", "Europe/Rome")
		person(t, s, "élodie B.", "UTC")
		for _, name := range []string{"ANN", "ann", "Élodie B."} {
			if _, err := s.AddUser(t.Context(), name, "UTC"); !errors.Is(err, account.ErrExists) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"", " ann", "a\x00b", strings.Repeat("x", 51), "a\u202eb"} {
			if _, err := s.AddUser(t.Context(), name, "UTC"); !errors.Is(err, account.ErrInvalid) {
				t.Errorf("%q: %v", name, err)
			}
		}
		for _, zone := range []string{"", "Local", "Mars/Olympus", "../etc/passwd", "right/Europe/Rome", "localtime"} {
			if _, err := s.AddUser(t.Context(), "Bob", zone); !errors.Is(err, account.ErrInvalid) {
				t.Errorf("zone %q: %v", zone, err)
			}
			if err := s.SetZone(t.Context(), "Ann", zone); !errors.Is(err, account.ErrInvalid) {
				t.Errorf("zone %q: %v", zone, err)
			}
		}
		if err := s.SetZone(t.Context(), "ann", "America/New_York"); err != nil {
			t.Fatal(err)
		}
		got, err := s.User(t.Context(), "aNN")
		ann.Zone = "America/New_York"
		if got != ann || err != nil {
			t.Errorf("%+v, %v", got, err)
		}
		list, err := s.Users(t.Context())
		if err != nil || len(list) != 2 || list[0] != ann || list[1].ID != 2 {
			t.Errorf("%+v, %v", list, err)
		}
		if err := s.SetZone(t.Context(), "Bob", "UTC"); !errors.Is(err, account.ErrNotFound) {
			t.Error(err)
		}
	})
}

func TestZoneInsideATransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ann := person(t, open(t, d), "Ann", "Europe/Rome")
		err := d.View(t.Context(), func(tx *db.Tx) error {
			zone, err := account.Zone(tx, ann.ID)
			if err == nil && zone.String() != "Europe/Rome" {
				t.Errorf("zone %s", zone)
			}
			if _, err := account.Zone(tx, ann.ID+1); !errors.Is(err, account.ErrNotFound) {
				t.Error(err)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestRemoveUser(t *testing.T) {
	each(t, func(t *testing.T, s *account.Store) {
		ann := person(t, s, "Ann", "UTC")
		secret := token(t, s, "Ann", "phone", time.Time{})
		if _, err := s.CheckToken(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
		boom := errors.New("boom")
		var erased int64
		erase := func(tx *db.Tx, id int64) error { erased = id; return nil }
		err := s.RemoveUser(t.Context(), "ann", erase, func(*db.Tx, int64) error { return boom })
		if _, found := s.User(t.Context(), "Ann"); err != boom || found != nil {
			t.Errorf("%v, %v", err, found)
		}
		if err := s.RemoveUser(t.Context(), "ann", erase); err != nil || erased != ann.ID {
			t.Errorf("%v, erased %d", err, erased)
		}
		if _, err := s.CheckToken(t.Context(), secret); err != account.ErrUnauthorized {
			t.Error("the token of a removed user was accepted: ", err)
		}
		if err := s.RemoveUser(t.Context(), "ann"); !errors.Is(err, account.ErrNotFound) {
			t.Error(err)
		}
		if again := person(t, s, "Ann", "UTC"); again.ID == ann.ID {
			t.Error("an id was given out twice")
		}
	})
}

func TestTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		clock := stopClock(d, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		ann := person(t, s, "Ann", "Europe/Rome")
		secret := token(t, s, "ann", "phone", clock.now().Add(48*time.Hour))
		if !strings.HasPrefix(secret, "stint_") || len(secret) != len("stint_")+52 {
			t.Errorf("secret %q", secret)
		}
		c, err := s.CheckToken(t.Context(), secret)
		if err != nil || c.UserID != ann.ID || c.UserName != "Ann" || c.Zone.String() != "Europe/Rome" || c.TokenID != 1 || c.Scope != account.TokenWrite {
			t.Errorf("%+v, %v", c, err)
		}
		for _, wrong := range []string{"", "stint_", secret[6:], "tinst_" + secret[6:], secret + "a", "stint_" + strings.Repeat("a", 52)} {
			if _, err := s.CheckToken(t.Context(), wrong); err != account.ErrUnauthorized {
				t.Errorf("%q: %v", wrong, err)
			}
		}
		if err := s.SetZone(t.Context(), "Ann", "UTC"); err != nil {
			t.Fatal(err)
		}
		if c, err := s.CheckToken(t.Context(), secret); err != nil || c.Zone.String() != "UTC" {
			t.Errorf("after the change of zone: %v, %v", c.Zone, err)
		}

		clock.add(48*time.Hour - time.Second)
		if _, err := s.CheckToken(t.Context(), secret); err != nil {
			t.Error("one second before it expires: ", err)
		}
		clock.add(time.Second)
		if _, err := s.CheckToken(t.Context(), secret); err != account.ErrUnauthorized {
			t.Error("when it expires: ", err)
		}
		fresh, err := s.RegenerateToken(t.Context(), "Ann", "phone")
		if err != nil {
			t.Fatal(err)
		}
		if again, err := s.CheckToken(t.Context(), fresh); err != nil || again.TokenID != c.TokenID {
			t.Errorf("%+v, %v", again, err)
		}
		list, err := s.Tokens(t.Context(), "ann")
		if err != nil || len(list) != 1 || !list[0].Expires.Equal(clock.now().Add(48*time.Hour)) || !list[0].Created.Equal(clock.now()) || list[0].User != "Ann" {
			t.Errorf("%+v, %v", list, err)
		}
		if err := s.RevokeToken(t.Context(), "ann", "phone"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CheckToken(t.Context(), fresh); err != account.ErrUnauthorized {
			t.Error("a revoked token was accepted: ", err)
		}
	})
}

func TestTokensThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *account.Store) {
		person(t, s, "Ann", "UTC")
		token(t, s, "Ann", "phone", time.Time{})
		for name, c := range map[string]struct {
			user, label string
			scope       account.TokenScope
			expires     time.Time
			kind        error
		}{
			"no user":   {"Bob", "x", "read", time.Time{}, account.ErrNotFound},
			"no label":  {"Ann", "", "read", time.Time{}, account.ErrInvalid},
			"taken":     {"Ann", "phone", "read", time.Time{}, account.ErrExists},
			"bad scope": {"Ann", "x", "all", time.Time{}, account.ErrInvalid},
			"past":      {"Ann", "x", "read", time.Now().Add(-time.Second), account.ErrInvalid},
		} {
			if _, err := s.CreateToken(t.Context(), c.user, c.label, c.scope, c.expires); !errors.Is(err, c.kind) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, label := range []string{"none", ""} {
			if err := s.RevokeToken(t.Context(), "Ann", label); !errors.Is(err, account.ErrNotFound) {
				t.Error(err)
			}
			if _, err := s.RegenerateToken(t.Context(), "Ann", label); !errors.Is(err, account.ErrNotFound) {
				t.Error(err)
			}
		}
		if _, err := s.Tokens(t.Context(), "Bob"); !errors.Is(err, account.ErrNotFound) {
			t.Error(err)
		}
		if list, err := s.Tokens(t.Context(), ""); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

func TestRevokedTokenIsRefusedInTheOtherProcess(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		a, b := open(t, dbtest.Open(t, target)), open(t, dbtest.Open(t, target))
		person(t, a, "Ann", "UTC")
		end := map[string]func(label string) error{
			"revoked": func(label string) error { return a.RevokeToken(t.Context(), "Ann", label) },
			"regenerated": func(label string) error {
				_, err := a.RegenerateToken(t.Context(), "Ann", label)
				return err
			},
		}
		for label, end := range end {
			secret := token(t, a, "Ann", label, time.Time{})
			for _, s := range []*account.Store{a, b, a, b} {
				if _, err := s.CheckToken(t.Context(), secret); err != nil {
					t.Fatal(err)
				}
			}
			if err := end(label); err != nil {
				t.Fatal(err)
			}
			if _, err := a.CheckToken(t.Context(), secret); err != account.ErrUnauthorized {
				t.Errorf("accepted where it was %s: %v", label, err)
			}
			within(t, time.Second, label, func() bool {
				_, err := b.CheckToken(t.Context(), secret)
				return err == account.ErrUnauthorized
			})
		}
	})
}

// A check that read the token just before it was revoked must not keep it.
func TestRevokingRacesWithChecking(t *testing.T) {
	each(t, func(t *testing.T, s *account.Store) {
		person(t, s, "Ann", "UTC")
		for range 20 {
			secret := token(t, s, "Ann", "phone", time.Time{})
			stop := make(chan struct{})
			checking := make(chan struct{})
			go func() {
				defer close(checking)
				for {
					select {
					case <-stop:
						return
					default:
						s.CheckToken(context.Background(), secret)
					}
				}
			}()
			err := s.RevokeToken(t.Context(), "Ann", "phone")
			_, refused := s.CheckToken(t.Context(), secret)
			close(stop)
			<-checking
			_, still := s.CheckToken(t.Context(), secret)
			if err != nil || refused != account.ErrUnauthorized || still != account.ErrUnauthorized {
				t.Fatal(err, refused, still)
			}
		}
	})
}

func TestTokenUseIsWrittenOnceAnHour(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		began := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		clock := stopClock(d, began)
		person(t, s, "Ann", "UTC")
		secret := token(t, s, "Ann", "phone", time.Time{})
		used := func(want time.Time) func() bool {
			return func() bool {
				list, err := s.Tokens(t.Context(), "Ann")
				return err == nil && list[0].Used.Equal(want)
			}
		}
		check := func() {
			if _, err := s.CheckToken(t.Context(), secret); err != nil {
				t.Fatal(err)
			}
		}
		check()
		within(t, 5*time.Second, "first use", used(began))
		_, before := d.Stats()
		clock.add(59 * time.Minute)
		for range 10 {
			check()
		}
		if _, after := d.Stats(); after != before {
			t.Errorf("%d writes within the hour", after-before)
		}
		clock.add(time.Minute)
		check()
		within(t, 5*time.Second, "an hour later", used(clock.now()))
	})
}

func BenchmarkCheckToken(b *testing.B) {
	s := open(b, dbtest.Open(b, dbtest.SQLite(b)))
	person(b, s, "Ann", "UTC")
	secret := token(b, s, "Ann", "phone", time.Time{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.CheckToken(b.Context(), secret); err != nil {
			b.Fatal(err)
		}
	}
}
