package db

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Tx is one request's view of the database. It is valid only inside the
// function it was given to.
type Tx struct {
	// Now is the one instant of this request, in UTC and whole milliseconds.
	Now time.Time

	s     *session
	group *group // nil in View
	wrote bool
}

// group is what the writes of one batch have in common.
type group struct {
	counters map[string]int64 // as the batch has left them
	rings    []string
}

// Exec runs a statement with $1, $2, … and returns how many rows it changed.
func (t *Tx) Exec(query string, args ...any) (int64, error) {
	st, err := t.prepare(query)
	if err != nil {
		return 0, err
	}
	r, err := st.Exec(args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Query runs a query with $1, $2, …; the caller closes the rows.
func (t *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	st, err := t.prepare(query)
	if err != nil {
		return nil, err
	}
	return st.Query(args...)
}

// QueryRow runs a query of which at most one row matters.
func (t *Tx) QueryRow(query string, args ...any) *sql.Row {
	st, err := t.prepare(query)
	if err != nil {
		// A row can't be made from an error; the query itself repeats it.
		return t.s.conn.QueryRowContext(context.Background(), query, args...)
	}
	return st.QueryRow(args...)
}

func (t *Tx) prepare(query string) (*statement, error) {
	st, err := t.s.prepare(query)
	if err != nil || st.writes {
		t.wrote = true
	}
	return st, err
}

const setCounter = `insert into counter (name, value) values ($1, $2) on conflict (name) do update set value = $2`

// NextID counts the named counter up and returns its new value: 1, 2, 3, …
// without gaps, because a write that fails takes its step back. A larger id is
// never seen before a smaller one. Only Do counts; the counters' new values are
// stored once a batch.
func (t *Tx) NextID(counter string) (int64, error) {
	value, known := t.group.counters[counter]
	if !known {
		err := t.QueryRow("select value from counter where name = $1", counter).Scan(&value)
		if err != nil && err != sql.ErrNoRows {
			return 0, err
		}
		if t.group.counters == nil {
			t.group.counters = map[string]int64{}
		}
	}
	t.wrote = true
	t.group.counters[counter] = value + 1
	return value + 1, nil
}

// Ring makes the topic's bell ring in every process, after the commit and only
// if it succeeds.
func (t *Tx) Ring(topic string) {
	if !slices.Contains(t.group.rings, topic) {
		t.group.rings = append(t.group.rings, topic)
	}
}

// Migrate brings a module's tables up to date: step i, counted from 0, takes
// them from version i to i+1. A step is DDL text for both engines, its
// statements separated by semicolons. Each module has a version of its own; all
// missing steps are applied in one transaction. A database whose version is
// higher than the number of steps is refused.
func (d *DB) Migrate(ctx context.Context, module string, steps ...string) error {
	return d.Do(ctx, func(tx *Tx) error {
		if err := tx.script(`create table if not exists counter (name text primary key, value bigint not null);
			create table if not exists schema_version (module text primary key, version bigint not null)`); err != nil {
			return err
		}
		var have int
		err := tx.QueryRow("select version from schema_version where module = $1", module).Scan(&have)
		if err != nil && err != sql.ErrNoRows {
			return err
		}
		if have > len(steps) {
			return fmt.Errorf("the database holds version %d of %s, this program knows version %d: use a newer program", have, module, len(steps))
		}
		if have == len(steps) {
			return nil
		}
		for i, step := range steps[have:] {
			if err := tx.script(d.engine.ddl(step)); err != nil {
				return fmt.Errorf("migrating %s to version %d: %w", module, have+i+1, err)
			}
		}
		_, err = tx.Exec(`insert into schema_version (module, version) values ($1, $2)
			on conflict (module) do update set version = $2`, module, len(steps))
		return err
	})
}

func (t *Tx) script(text string) error {
	t.wrote = true
	for statement := range strings.SplitSeq(text, ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := t.s.conn.ExecContext(context.Background(), statement); err != nil {
			return err
		}
	}
	return nil
}
