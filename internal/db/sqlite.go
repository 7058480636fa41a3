package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"

	driver "modernc.org/sqlite" // registers the driver "sqlite"
)

// checkpointAfter is how many writes may pass before the write-ahead log is
// copied into the database file, which is done only when no write waits.
const checkpointAfter = 4000

// sqlite is the engine of one file. All its fields belong to the writer.
type sqlite struct {
	version      int64 // of the data, as the writer's connection sees it
	checkpointed int64 // writes made when the log was last copied
}

func openSQLite(_ context.Context, path string) (*sql.DB, engine, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, fmt.Errorf("folder of the database: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("database file: %w", err)
	}
	f.Close()
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, err
	}
	q := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)",
		"foreign_keys(1)", "secure_delete(1)", "wal_autocheckpoint(20000)", "journal_size_limit(67108864)"}}
	pool, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: abs, RawQuery: q.Encode()}).String())
	return pool, &sqlite{}, err
}

func (*sqlite) begin(s *session, write bool) error {
	if write {
		return s.exec("begin immediate")
	}
	return s.exec("begin")
}

func (*sqlite) connected(ctx context.Context, c *sql.Conn, write bool) error {
	if _, err := c.ExecContext(ctx, fmt.Sprintf("pragma query_only = %t", !write)); err != nil {
		return fmt.Errorf("not a usable SQLite database: %w", err)
	}
	return nil
}

// announce has nothing to do: other processes watch the data version.
func (*sqlite) announce(*session, []string) error { return nil }

var bigintKey = regexp.MustCompile(`bigint( not null)? primary key`)

// ddl makes a 64-bit key the row's own number, which SQLite does only under this
// spelling; otherwise every table would carry a second tree.
func (*sqlite) ddl(text string) string {
	return bigintKey.ReplaceAllString(text, "integer primary key")
}

// broken is true after any failed statement: some leave the transaction as it
// was, others, as on a full disk, have undone all of it.
func (*sqlite) broken(_ *session, err error) bool {
	var failed *driver.Error
	return errors.As(err, &failed)
}

// lost is never true: there is no connection that another machine could end.
func (*sqlite) lost(*session) bool { return false }

// listen has nothing to do: idle hears other processes.
func (*sqlite) listen(context.Context, *bells) {}

func (e *sqlite) idle(s *session, written int64) (bool, error) {
	if written-e.checkpointed >= checkpointAfter {
		e.checkpointed = written
		if err := s.query("pragma wal_checkpoint(passive)", new(int64), new(int64), new(int64)); err != nil {
			return false, err
		}
	}
	before := e.version
	if err := s.query("pragma data_version", &e.version); err != nil {
		return false, err
	}
	return before != e.version, nil
}

func (*sqlite) backup(ctx context.Context, c *sql.Conn, file string) error {
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer f.Close()
	if _, err := c.ExecContext(ctx, "vacuum into $1", file); err != nil {
		return errors.Join(fmt.Errorf("backup: %w", err), os.Remove(file))
	}
	return f.Sync()
}
