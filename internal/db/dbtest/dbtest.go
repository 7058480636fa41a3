// Package dbtest gives tests both databases: a fresh SQLite file and a fresh
// schema on a real PostgreSQL server.
package dbtest

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"stint/internal/db"
)

// Each runs fn twice, as the subtests "sqlite" and "postgres", each on an empty
// database that is closed and removed afterwards.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	EachTarget(t, func(t *testing.T, target string) { fn(t, Open(t, target)) })
}

// EachTarget is Each for tests that open the database themselves, several
// times or in another process: target is what db.Open takes.
func EachTarget(t *testing.T, fn func(t *testing.T, target string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t)) })
}

// Open opens target and closes it when the test ends.
func Open(t testing.TB, target string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// SQLite returns the path of an SQLite file that does not exist yet.
func SQLite(t testing.TB) string {
	return filepath.Join(t.TempDir(), "stint.db")
}

// Postgres returns the URL of a fresh schema on the server named by
// STINT_TEST_POSTGRES, or else on one that this test binary starts. Without
// PostgreSQL's programs the test is skipped; with CI=true it fails.
func Postgres(t testing.TB) string {
	t.Helper()
	base, err := server()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	schema := "t_" + rand.Text()
	administer(t, base, fmt.Sprintf("create schema %q", schema))
	t.Cleanup(func() { administer(t, base, fmt.Sprintf("drop schema %q cascade", schema)) })
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", fmt.Sprintf("%q", schema))
	u.RawQuery = q.Encode()
	return u.String()
}

// Breakable is Postgres with a switch: cut ends every connection to the target
// and lets no other in, mend lets them in again.
func Breakable(t testing.TB) (target string, cut, mend func()) {
	t.Helper()
	var base string
	role := "r_" + rand.Text()
	t.Cleanup(func() { // after the schema
		if base != "" {
			administer(t, base, fmt.Sprintf("drop role %q", role))
		}
	})
	u, err := url.Parse(Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	base = u.String()
	administer(t, base, fmt.Sprintf("create role %q superuser login password '%s'", role, role))
	u.User = url.UserPassword(role, role)
	cut = func() {
		administer(t, base, fmt.Sprintf("alter role %q nologin", role),
			fmt.Sprintf("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = '%s'", role))
	}
	return u.String(), cut, func() { administer(t, base, fmt.Sprintf("alter role %q login", role)) }
}

func administer(t testing.TB, base string, statements ...string) {
	t.Helper()
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Error(err)
		return
	}
	defer admin.Close()
	for _, statement := range statements {
		if _, err := admin.Exec(statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
