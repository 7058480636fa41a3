package db

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// pollInterval is how often the writer looks whether another process has
// written to the same SQLite file.
const pollInterval = 500 * time.Millisecond

type request struct {
	ctx  context.Context
	fn   func(*Tx) error
	err  error
	done chan struct{}
}

// Do runs fn as one write and returns after it is durable. Writes that wait at
// the same time share one commit; an error or a panic in one of them undoes
// that one alone and is returned to its caller, the others stay. When ctx ends before
// fn has begun, fn never runs. fn may be run twice: it must touch only its Tx
// and variables that it assigns, and must close the rows of one query before it makes the next.
func (d *DB) Do(ctx context.Context, fn func(*Tx) error) error {
	r := &request{ctx: ctx, fn: fn, done: make(chan struct{})}
	select {
	case <-d.closing:
		return ErrClosed
	default:
	}
	select {
	case d.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.closing:
		return ErrClosed
	}
	select {
	case <-r.done:
		return r.err
	case <-d.closing:
	}
	// The writer answers everything it has taken before it leaves; what it
	// did not take is refused by nobody else.
	d.done.Wait()
	select {
	case <-r.done:
		return r.err
	default:
		return ErrClosed
	}
}

// write is the one writer. It owns the session s.
func (d *DB) write(s *session) {
	defer func() {
		if s != nil {
			s.close()
		}
	}()
	defer d.poll.Stop()
	batch := make([]*request, 0, maxBatch)
	for {
		select {
		case r := <-d.queue:
			batch = d.collect(append(batch[:0], r))
			s = d.commit(s, batch)
			clear(batch)
			if len(d.queue) == 0 {
				d.idle(s)
			}
		case <-d.poll.C:
			d.idle(s)
		case <-d.closing:
			for batch = d.collect(batch[:0]); len(batch) > 0; batch = d.collect(batch[:0]) {
				s = d.commit(s, batch)
			}
			return
		}
	}
}

// collect adds the waiting requests to the batch. It yields until the queue
// stops growing: with one processor a channel hand-over makes the writer run
// next, and every batch would otherwise hold one request.
func (d *DB) collect(batch []*request) []*request {
	for {
		runtime.Gosched()
		waiting := min(len(d.queue), maxBatch-len(batch))
		if waiting == 0 {
			return batch
		}
		for range waiting {
			batch = append(batch, <-d.queue)
		}
	}
}

// idle lets the engine do what must not delay a write.
func (d *DB) idle(s *session) {
	if s == nil {
		return
	}
	if foreign, err := d.engine.idle(s, d.writes.Load()); err == nil && foreign {
		d.bells.ringAll()
	}
}

// commit runs the batch in one transaction and answers each request. It
// returns the session to go on with, nil if its connection was lost.
func (d *DB) commit(s *session, batch []*request) *session {
	s, topics, err := d.transact(s, batch)
	if err == nil {
		d.commits.Add(1)
		d.writes.Add(int64(len(batch)))
		for _, topic := range topics {
			d.bells.ring(topic)
		}
	} else if s != nil {
		again := !d.engine.lost(s)
		s.close()
		s = nil
		if again {
			// So that idle goes on; should it fail, the next write tries again.
			s, _ = d.connect(context.Background(), true)
		}
	}
	for _, r := range batch {
		if err != nil {
			r.err = err
		}
		close(r.done)
	}
	return s
}

// transact runs the batch without savepoints, which is right as long as nobody
// fails after having written. When somebody does, everything is undone and run
// again, each request in a savepoint.
func (d *DB) transact(s *session, batch []*request) (*session, []string, error) {
	s, err := d.begin(context.Background(), s, true)
	if err != nil {
		return s, nil, err
	}
	g, failed := d.runFast(s, batch)
	if failed != nil {
		if err := s.exec("rollback"); err != nil {
			return s, nil, d.explain(s, errors.Join(failed, err))
		}
		if s, err = d.begin(context.Background(), s, true); err != nil {
			return s, nil, err
		}
		if g, err = d.runApart(s, batch); err != nil {
			return s, nil, d.explain(s, err)
		}
	}
	if err := d.storeGroup(s, g); err != nil {
		return s, nil, d.explain(s, err)
	}
	return s, g.rings, s.exec("commit")
}

// runFast runs the batch until one fails in a way that the others can't live
// with.
func (d *DB) runFast(s *session, batch []*request) (g *group, failed error) {
	g = &group{}
	for _, r := range batch {
		tx := Tx{Now: d.Now(), s: s, group: g}
		r.run(&tx)
		if r.err != nil && (tx.wrote || d.engine.broken(s, r.err)) {
			return g, r.err
		}
	}
	return g, nil
}

func (d *DB) runApart(s *session, batch []*request) (*group, error) {
	g := &group{}
	for _, r := range batch {
		if err := s.exec("savepoint request"); err != nil {
			return g, err
		}
		before := group{maps.Clone(g.counters), slices.Clone(g.rings)}
		r.run(&Tx{Now: d.Now(), s: s, group: g})
		if r.err != nil {
			*g = before
			if err := s.exec("rollback to savepoint request"); err != nil {
				return g, errors.Join(r.err, err)
			}
		}
		if err := s.exec("release savepoint request"); err != nil {
			return g, err
		}
	}
	return g, nil
}

// storeGroup stores what the batch has in common.
func (d *DB) storeGroup(s *session, g *group) error {
	for name, value := range g.counters {
		if err := s.exec(setCounter, name, value); err != nil {
			return err
		}
	}
	return d.engine.announce(s, g.rings)
}

func (r *request) run(tx *Tx) {
	if r.err = r.ctx.Err(); r.err == nil {
		r.err = guard(r.fn, tx)
	}
}

// guard turns a panic into an error, so that one request can't take the writer
// with it.
func guard(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
}
