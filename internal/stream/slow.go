package stream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

// piece is how many bytes a pen writes under one deadline.
const piece = 8 << 10

var (
	errAborted = errors.New("stream: given up")
	errOver    = errors.New("stream: over")
)

// A pen writes for a goroutine that can wait. A piece that does not go out
// within timeout is an error.
type pen struct {
	out      io.Writer
	flush    func() error
	deadline func(time.Time) error
	timeout  time.Duration
	until    <-chan struct{} // nothing is written once it is closed

	mu      sync.Mutex
	aborted bool
}

// pick registers a pen, so that Close can give up what it writes.
func (h *Hub) pick(out io.Writer, flush func() error, deadline func(time.Time) error, until <-chan struct{}) *pen {
	p := &pen{out: out, flush: flush, deadline: deadline, timeout: h.opts.WriteTimeout, until: until}
	h.mu.Lock()
	defer h.mu.Unlock()
	p.aborted = h.aborted
	h.pens[p] = struct{}{}
	return p
}

func (h *Hub) lay(p *pen) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.pens, p)
}

// write writes b and flushes, also when b is empty.
func (p *pen) write(b []byte) error {
	for first := true; first || len(b) > 0; first = false {
		if over(p.until) {
			return errOver
		}
		if err := p.arm(time.Now().Add(p.timeout)); err != nil {
			return err
		}
		n, err := p.out.Write(b[:min(len(b), piece)])
		if err == nil {
			err = p.flush()
		}
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return p.arm(time.Time{})
}

func (p *pen) arm(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.aborted {
		return errAborted
	}
	if err := p.deadline(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

// finish leaves a deadline for what the transport itself writes at the end.
func (p *pen) finish() { _ = p.arm(time.Now().Add(p.timeout)) }

// abort makes the write in progress and all later ones fail.
func (p *pen) abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.aborted = true
	_ = p.deadline(time.Unix(1, 0))
}

// catchUp writes every event after the given id and returns the new position,
// once that is the head. When ctx ends it stops, after one more write at most.
func (l *Log) catchUp(ctx context.Context, p *pen, after int64) (int64, error) {
	for {
		frames, last, ok := l.since(after)
		if ok && last == after {
			return after, nil
		}
		var err error
		if !ok {
			frames, last, err = l.recall(after)
		}
		if err == nil && len(frames) > 0 {
			err = p.write(frames)
		}
		if err != nil {
			return after, err
		}
		after = last
		if err := ctx.Err(); err != nil {
			return after, err
		}
	}
}

// chase writes rest and everything up to the head, then gives s back to its
// worker.
func (s *subscriber) chase(rest []byte) {
	h := s.lane.worker.hub
	p := h.pick(s.conn, func() error { return nil }, s.conn.SetWriteDeadline, s.until)
	var err error
	if len(rest) > 0 {
		err = p.write(rest)
	}
	if err == nil {
		s.after, err = s.lane.log.catchUp(h.ctx, p, s.after)
	}
	h.lay(p)
	s.wrote = h.clock()
	if err == nil && s.lane.worker.adopt(s) {
		return
	}
	if h.ctx.Err() != nil {
		_ = newAttempt().drain(s.raw)
	}
	s.end()
}

// follow serves with the calling goroutine until ctx ends, the reader is gone
// or something fails.
func (l *Log) follow(ctx context.Context, p *pen, s Subscription) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.hub.ctx, cancel)()

	var due <-chan time.Time
	var timer *time.Timer
	if s.KeepAlive > 0 {
		timer = time.NewTimer(s.KeepAlive)
		defer timer.Stop()
		due = timer.C
	}
	defer p.finish()
	err := p.write(s.Prelude)
	for after := s.After; err == nil; {
		heard := l.wait()
		if l.ended.Load() {
			return
		}
		before := after
		if after, err = l.catchUp(ctx, p, after); err != nil {
			return
		}
		if after != before && timer != nil {
			timer.Reset(s.KeepAlive)
		}
		select {
		case <-heard:
		case <-s.Until:
			return
		case <-due:
			err = p.write(s.KeepAliveFrame)
			timer.Reset(s.KeepAlive)
		case <-ctx.Done():
			if l.hub.ctx.Err() != nil {
				_, _ = l.catchUp(ctx, p, after)
			}
			return
		}
	}
}
