package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// channel is the NOTIFY channel of every Stint process; the payload names the
// topic and nothing else.
const channel = "stint_bell"

// postgres is the engine of one PostgreSQL server, shared by any number of
// processes.
type postgres struct {
	config *pgx.ConnConfig
	lock   int64 // the writers' advisory lock: one for each database and schema
}

func openPostgres(ctx context.Context, target string) (*sql.DB, engine, error) {
	config, err := pgx.ParseConfig(target)
	if err != nil {
		return nil, nil, errors.New("the postgres:// URL can't be read; its form is postgres://user:password@host:port/database?sslmode=…")
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "stint"
	}
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	config.RuntimeParams["default_transaction_isolation"] = "read committed"
	config.RuntimeParams["synchronous_commit"] = "on"
	config.ConnectTimeout = 10 * time.Second
	pool := stdlib.OpenDB(*config)
	e := &postgres{config: config}
	err = pool.QueryRowContext(ctx, "select hashtextextended('stint writer ' || current_database() || '.' || current_schema(), 0)").Scan(&e.lock)
	if err != nil {
		pool.Close()
		return nil, nil, fmt.Errorf("PostgreSQL: %w", err)
	}
	return pool, e, nil
}

func (e *postgres) begin(s *session, write bool) error {
	if !write {
		return s.exec("begin isolation level repeatable read read only")
	}
	if err := s.exec("begin"); err != nil {
		return err
	}
	return s.exec("select pg_advisory_xact_lock($1)", e.lock)
}

func (*postgres) connected(ctx context.Context, c *sql.Conn, write bool) error {
	_, err := c.ExecContext(ctx, fmt.Sprintf("set default_transaction_read_only = %t", !write))
	return err
}

func (*postgres) announce(s *session, topics []string) error {
	for _, topic := range topics {
		if err := s.exec("select pg_notify('"+channel+"', $1)", topic); err != nil {
			return err
		}
	}
	return nil
}

func (*postgres) ddl(text string) string { return text }

// broken is true after any failed statement.
func (*postgres) broken(s *session, _ error) bool {
	c := connection(s)
	return c == nil || c.TxStatus() != 'T'
}

func (*postgres) lost(s *session) bool { return connection(s) == nil }

// connection is the connection itself, nil if it is gone.
func connection(s *session) (c *pgconn.PgConn) {
	s.conn.Raw(func(driver any) error {
		if open := driver.(*stdlib.Conn).Conn().PgConn(); !open.IsClosed() {
			c = open
		}
		return nil
	})
	return c
}

// idle has nothing to do: listen hears other processes.
func (*postgres) idle(*session, int64) (bool, error) { return false, nil }

// listen keeps one connection that hears NOTIFY. While that connection is
// lost it rings every bell once a second, so that nobody waits for one that
// could not be heard.
func (e *postgres) listen(ctx context.Context, b *bells) {
	for ctx.Err() == nil {
		e.hear(ctx, b)
		b.ringAll()
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// hear listens on one connection until it is lost or ctx ends.
func (e *postgres) hear(ctx context.Context, b *bells) {
	c, err := pgx.ConnectConfig(ctx, e.config.Copy())
	if err != nil {
		return
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(ctx, "listen "+channel); err != nil {
		return
	}
	b.ringAll()
	for {
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return
		}
		b.ring(n.Payload)
	}
}

func (*postgres) backup(context.Context, *sql.Conn, string) error {
	return errors.New("backup copies an SQLite database; for PostgreSQL use pg_dump")
}
