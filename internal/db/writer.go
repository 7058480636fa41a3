package db

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
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
// fn has begun, fn never runs. fn must touch only its Tx and variables that it
// assigns, and must close the rows of one query before it makes the next.
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
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
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
		case <-tick.C:
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
	if foreign, err := d.engine.idle(context.Background(), s, d.writes.Load()); err == nil && foreign {
		d.bells.ringAll()
	}
}

// commit runs the batch in one transaction and answers each request. It
// returns the session to go on with, nil if its connection was lost.
func (d *DB) commit(s *session, batch []*request) *session {
	s, err := d.begin(context.Background(), s, true)
	var topics []string
	if err == nil {
		if topics, err = d.runAll(s, batch); err != nil {
			s.close()
			s = nil
		}
	}
	if err == nil {
		d.commits.Add(1)
		d.writes.Add(int64(len(batch)))
		for _, topic := range topics {
			d.bells.ring(topic)
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

// runAll runs the batch in the open transaction and commits it. It returns the
// topics to ring.
func (d *DB) runAll(s *session, batch []*request) ([]string, error) {
	var rung Tx
	for _, r := range batch {
		if r.err = r.ctx.Err(); r.err != nil {
			continue
		}
		if err := s.exec("savepoint request"); err != nil {
			return nil, err
		}
		tx := Tx{Now: d.Now(), s: s}
		if r.err = guard(r.fn, &tx); r.err != nil {
			if err := s.exec("rollback to savepoint request"); err != nil {
				return nil, err
			}
		} else {
			for _, topic := range tx.rings {
				rung.Ring(topic)
			}
		}
		if err := s.exec("release savepoint request"); err != nil {
			return nil, err
		}
	}
	if err := d.engine.announce(context.Background(), s, rung.rings); err != nil {
		return nil, err
	}
	return rung.rings, s.exec("commit")
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
