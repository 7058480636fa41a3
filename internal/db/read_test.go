package db_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
)

func TestGlanceReadsOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		migrated(t, d)
		if _, err := insert(d, "x"); err != nil {
			t.Fatal(err)
		}
		var n int
		read := func(tx *db.Tx) error { return tx.QueryRow("select count(*) from item").Scan(&n) }
		if err := d.Glance(t.Context(), read); err != nil || n != 1 {
			t.Errorf("%d rows, %v", n, err)
		}
		for range 20 { // more often than there are readers
			err := d.Glance(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec("delete from item")
				return err
			})
			if err == nil {
				t.Error("a write was let through")
			}
		}
		if err := d.Glance(t.Context(), read); err != nil || n != 1 {
			t.Errorf("%d rows after refused writes, %v", n, err)
		}
	})
}

func TestMissingRow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		migrated(t, d)
		err := d.View(t.Context(), func(tx *db.Tx) error {
			var note string
			return tx.QueryRow("select note from item where id = $1", 7).Scan(&note)
		})
		if !errors.Is(err, sql.ErrNoRows) {
			t.Error(err)
		}
		err = d.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRow("select nonsense").Scan(new(int)) })
		if err == nil {
			t.Error("a broken query answered")
		}
	})
}

func TestBadTargets(t *testing.T) {
	notADatabase := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notADatabase, []byte(strings.Repeat("plain text\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"postgres://%zz", notADatabase, t.TempDir()} {
		if d, err := db.Open(t.Context(), target); err == nil {
			d.Close()
			t.Errorf("%s was opened", target)
		}
	}
}

func TestTxNowIsOneInstant(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		at := time.Date(2026, 2, 3, 4, 5, 6, 7_890_000, time.FixedZone("", 3600))
		d.SetClock(func() time.Time { return at })
		want := time.Date(2026, 2, 3, 3, 5, 6, 7_000_000, time.UTC)
		check := func(tx *db.Tx) error {
			if tx.Now != want {
				t.Errorf("now %v, want %v", tx.Now, want)
			}
			return nil
		}
		if err := errors.Join(d.Do(t.Context(), check), d.View(t.Context(), check)); err != nil {
			t.Error(err)
		}
	})
}

func TestViewIsOneSnapshotAndReadOnly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		migrated(t, d)
		err := d.View(t.Context(), func(tx *db.Tx) error {
			var before, later int
			if err := tx.QueryRow("select count(*) from item").Scan(&before); err != nil {
				return err
			}
			if _, err := insert(d, "meanwhile"); err != nil {
				return err
			}
			if err := tx.QueryRow("select count(*) from item").Scan(&later); err != nil {
				return err
			}
			if before != 0 || later != 0 {
				t.Errorf("%d rows, then %d in one snapshot", before, later)
			}
			_, err := tx.Exec("delete from item")
			return err
		})
		if err == nil {
			t.Error("a write inside View was let through")
		}
		if n := count(t, d); n != 1 {
			t.Errorf("%d rows, want 1", n)
		}
	})
}
