// Package db is the ground floor under every table: one SQLite file or one
// PostgreSQL server behind the same few calls.
//
// Do writes, View reads, Migrate prepares the tables, Wait hears the bell.
//
// Writers are serial on both engines: SQLite has one writer, and on PostgreSQL
// every batch of writes first takes one transaction-level advisory lock. What a
// write checked is therefore still true when it writes, in every process, and
// ids from NextID are handed out in commit order.
//
// Writes that wait at the same time share one durable commit; one that fails is
// undone alone. Do returns only after that commit.
package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrClosed is returned by every call after Close.
	ErrClosed = errors.New("the database is closed")

	// ErrUnavailable says that the database can't be reached, or was lost before
	// anything was committed: nothing was done.
	ErrUnavailable = errors.New("the database does not answer")
)

const (
	readers  = 8    // connections that View may use at once
	maxBatch = 512  // writes that share one commit at most
	maxQueue = 1024 // writes that may wait for the writer before Do blocks
)

// DB is an open database. Its methods may be called by any number of
// goroutines.
type DB struct {
	engine engine
	pool   *sql.DB
	clock  atomic.Pointer[func() time.Time]
	bells  bells

	queue   chan *request
	readers chan *session
	poll    *time.Ticker
	closing chan struct{}
	once    sync.Once
	done    sync.WaitGroup

	commits, writes atomic.Int64
}

// engine is what differs between SQLite and PostgreSQL.
type engine interface {
	// begin opens a transaction.
	begin(s *session, write bool) error
	// connected prepares a new connection.
	connected(ctx context.Context, c *sql.Conn, write bool) error
	// ddl returns the engine's own words for a migration's text.
	ddl(text string) string
	// announce tells other processes, from inside the transaction, that the
	// topics ring when it commits.
	announce(s *session, topics []string) error
	// broken says whether the open transaction can't go on after an error.
	broken(s *session, err error) bool
	// lost says, after an error, whether the connection is gone.
	lost(s *session) bool
	// idle runs on the writer's connection when no write waits and about
	// twice a second; it says whether another process has written.
	idle(s *session, written int64) (foreign bool, err error)
	// listen runs until ctx ends and rings what other processes rang.
	listen(ctx context.Context, b *bells)
	// backup writes a consistent copy to a new file.
	backup(ctx context.Context, c *sql.Conn, file string) error
}

// Open opens the database at target: the path of an SQLite file, which is
// created if need be with mode 0600 in a folder of mode 0700, or a postgres://
// URL.
func Open(ctx context.Context, target string) (*DB, error) {
	open := openSQLite
	if strings.HasPrefix(target, "postgres://") || strings.HasPrefix(target, "postgresql://") {
		open = openPostgres
	}
	pool, eng, err := open(ctx, target)
	if err != nil {
		return nil, err
	}
	d := &DB{
		engine:  eng,
		pool:    pool,
		queue:   make(chan *request, maxQueue),
		readers: make(chan *session, readers),
		poll:    time.NewTicker(pollInterval),
		closing: make(chan struct{}),
	}
	d.SetClock(time.Now)
	for range readers {
		d.readers <- nil
	}
	w, err := d.connect(ctx, true)
	if err != nil {
		pool.Close()
		return nil, err
	}
	listening, stop := context.WithCancel(context.Background())
	d.done.Go(func() { defer stop(); d.write(w) })
	d.done.Go(func() { eng.listen(listening, &d.bells) })
	return d, nil
}

// Close finishes the writes that wait, refuses new ones and closes the
// database. It may be called more than once.
func (d *DB) Close() error {
	var err error
	d.once.Do(func() {
		close(d.closing)
		d.done.Wait()
		for range readers {
			if s := <-d.readers; s != nil {
				s.close()
			}
		}
		err = d.pool.Close()
	})
	return err
}

// SetClock replaces the clock behind Tx.Now. It is for tests whose time can't
// be had from testing/synctest.
func (d *DB) SetClock(now func() time.Time) { d.clock.Store(&now) }

// SetPoll replaces the half second after which an idle writer looks whether
// another process has written to the same SQLite file. It is for tests in which
// months pass.
func (d *DB) SetPoll(every time.Duration) { d.poll.Reset(every) }

// Now is the present instant by the database's clock, in UTC and whole
// milliseconds.
func (d *DB) Now() time.Time { return (*d.clock.Load())().UTC().Truncate(time.Millisecond) }

// Ping says whether the database answers a query.
func (d *DB) Ping(ctx context.Context) error {
	return d.View(ctx, func(tx *Tx) error {
		var one int
		return tx.QueryRow("select 1").Scan(&one)
	})
}

// Backup writes a consistent copy of an SQLite database to file, which must
// not exist yet, while others read and write. Starting on the copy restores
// it. For PostgreSQL it returns an error that names pg_dump.
func (d *DB) Backup(ctx context.Context, file string) error {
	c, err := d.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return d.engine.backup(ctx, c, file)
}

// Stats returns how many commits have been made and how many writes they
// held, since Open.
func (d *DB) Stats() (commits, writes int64) { return d.commits.Load(), d.writes.Load() }

// View runs fn on one consistent, read-only snapshot. fn must close the rows
// of one query before it makes the next.
func (d *DB) View(ctx context.Context, fn func(*Tx) error) error {
	s, err := d.borrow(ctx)
	if err != nil {
		return err
	}
	defer func() { d.readers <- s }()
	s, err = d.begin(ctx, s, false)
	if err != nil {
		return err
	}
	defer s.exec("rollback")
	return d.explain(s, fn(&Tx{Now: d.Now(), s: s}))
}

// explain adds to an error from inside a transaction that the connection was
// lost.
func (d *DB) explain(s *session, err error) error {
	if err != nil && d.engine.lost(s) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// Glance runs fn, which makes one read-only query, without a transaction
// around it: for what is read often. A second query would see a newer state.
// fn is run again when the connection was lost.
func (d *DB) Glance(ctx context.Context, fn func(*Tx) error) error {
	s, err := d.borrow(ctx)
	if err != nil {
		return err
	}
	defer func() { d.readers <- s }()
	for range 2 {
		if s == nil {
			if s, err = d.connect(ctx, false); err != nil {
				return fmt.Errorf("%w: %w", ErrUnavailable, err)
			}
		}
		if err = d.explain(s, fn(&Tx{Now: d.Now(), s: s})); !errors.Is(err, ErrUnavailable) {
			return err
		}
		s.close()
		s = nil
	}
	return err
}

// borrow takes one of the readers' sessions, which must be given back; it is
// nil if that reader has no connection yet.
func (d *DB) borrow(ctx context.Context) (*session, error) {
	select {
	case s := <-d.readers:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-d.closing:
		return nil, ErrClosed
	}
}

// begin opens a transaction on s, on a new connection if s is nil or its
// connection was lost. It returns the session to go on with, also beside an
// error.
func (d *DB) begin(ctx context.Context, s *session, write bool) (*session, error) {
	var err error
	for range 2 {
		if s == nil {
			if s, err = d.connect(ctx, write); err != nil {
				break
			}
		}
		if err = d.engine.begin(s, write); err == nil {
			return s, nil
		}
		s.close()
		s = nil
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// session is one connection with its prepared statements.
type session struct {
	conn       *sql.Conn
	statements map[string]*statement
}

type statement struct {
	*sql.Stmt
	writes bool // it is no select
}

func (d *DB) connect(ctx context.Context, write bool) (*session, error) {
	c, err := d.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.engine.connected(ctx, c, write); err != nil {
		c.Close()
		return nil, err
	}
	return &session{conn: c, statements: map[string]*statement{}}, nil
}

// close ends the connection itself, so that nothing of it (an open
// transaction, say) returns to the pool.
func (s *session) close() {
	for _, st := range s.statements {
		st.Close()
	}
	s.conn.Raw(func(any) error { return driver.ErrBadConn })
	s.conn.Close()
}

func (s *session) prepare(query string) (*statement, error) {
	if st, ok := s.statements[query]; ok {
		return st, nil
	}
	prepared, err := s.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	st := &statement{prepared, !strings.HasPrefix(strings.TrimSpace(query), "select")}
	s.statements[query] = st
	return st, nil
}

func (s *session) exec(query string, args ...any) error {
	st, err := s.prepare(query)
	if err != nil {
		return err
	}
	_, err = st.Exec(args...)
	return err
}

func (s *session) query(text string, into ...any) error {
	st, err := s.prepare(text)
	if err != nil {
		return err
	}
	return st.QueryRow().Scan(into...)
}
