package db_test

import (
	"errors"
	"testing"

	"stint/internal/db"
	"stint/internal/db/dbtest"
)

// TestLostConnection ends the server's side of the connection from inside.
func TestLostConnection(t *testing.T) {
	d := dbtest.Open(t, dbtest.Postgres(t))
	migrated(t, d)
	if _, err := insert(d, "before"); err != nil {
		t.Fatal(err)
	}
	runs := 0
	lose := func(tx *db.Tx) error {
		runs++
		_, err := tx.Exec("select pg_terminate_backend(pg_backend_pid())")
		return err
	}
	for name, call := range map[string]func() error{
		"View":   func() error { return d.View(t.Context(), lose) },
		"Glance": func() error { return d.Glance(t.Context(), lose) },
		"Do":     func() error { return d.Do(t.Context(), lose) },
		"Do after a write": func() error {
			return d.Do(t.Context(), func(tx *db.Tx) error {
				if _, err := tx.Exec("insert into item (id, note) values (77, 'lost')"); err != nil {
					return err
				}
				return lose(tx)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			runs = 0
			if err := call(); !errors.Is(err, db.ErrUnavailable) || runs == 0 {
				t.Errorf("%v after %d runs", err, runs)
			}
			if n := count(t, d); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
		})
	}
	if _, err := insert(d, "after"); err != nil || count(t, d) != 2 {
		t.Errorf("no write after the connection was lost: %v, %d rows", err, count(t, d))
	}
}
