package stream

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"
)

var (
	// ErrFull says that a ceiling is reached, in total or for one address.
	ErrFull = errors.New("stream: too many streams")
	// ErrClosed says that the Hub was closed.
	ErrClosed = errors.New("stream: closed")
)

// Options of a Hub. Zero means the default.
type Options struct {
	MaxStreams   int           // streams in total; default: no ceiling
	MaxPerAddr   int           // streams of one Subscription.Addr; default: no ceiling
	WriteTimeout time.Duration // a stream ends when a write was blocked so long; default 30 s
	LookEvery    time.Duration // how often a quiet stream is asked whether its reader is there; default 10 s
	Window       int           // bytes of the newest events each Log holds; default 1 MiB
}

// A Hub serves streams: it owns their ceilings and the workers that write.
type Hub struct {
	opts    Options
	start   time.Time
	workers []*worker
	ctx     context.Context // ends when Close begins
	cancel  context.CancelFunc
	running sync.WaitGroup // workers, goroutines that write, calls of Serve

	mu      sync.Mutex
	closed  bool
	aborted bool
	streams int
	perAddr map[string]int
	pens    map[*pen]struct{}
}

// NewHub starts a Hub with one worker a processor. It must be closed.
func NewHub(o Options) *Hub {
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 30 * time.Second
	}
	if o.LookEvery <= 0 {
		o.LookEvery = 10 * time.Second
	}
	if o.Window <= 0 {
		o.Window = 1 << 20
	}
	h := &Hub{
		opts:    o,
		start:   time.Now(),
		perAddr: map[string]int{},
		pens:    map[*pen]struct{}{},
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	for range runtime.GOMAXPROCS(0) {
		w := &worker{hub: h, wake: make(chan struct{}, 1), try: newAttempt()}
		h.workers = append(h.workers, w)
		h.running.Go(w.run)
	}
	return h
}

// Close ends every stream at the end of a frame and waits until the last
// goroutine is gone. What a reader has not taken when ctx ends is given up;
// then Close returns the error of ctx. Further calls do the same again.
func (h *Hub) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.cancel()

	done := make(chan struct{})
	go func() {
		h.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	h.mu.Lock()
	h.aborted = true
	for p := range h.pens {
		p.abort()
	}
	h.mu.Unlock()
	<-done
	return ctx.Err()
}

// Len returns the number of streams.
func (h *Hub) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.streams
}

// admit counts a stream of addr and a running call of Serve, or says why not.
func (h *Hub) admit(addr string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return ErrClosed
	case h.opts.MaxStreams > 0 && h.streams >= h.opts.MaxStreams:
		return ErrFull
	case h.opts.MaxPerAddr > 0 && h.perAddr[addr] >= h.opts.MaxPerAddr:
		return ErrFull
	}
	h.streams++
	if h.opts.MaxPerAddr > 0 {
		h.perAddr[addr]++
	}
	h.running.Add(1)
	return nil
}

// release takes a stream of addr out of the count.
func (h *Hub) release(addr string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.streams--
	if h.opts.MaxPerAddr <= 0 {
		return
	}
	if h.perAddr[addr]--; h.perAddr[addr] == 0 {
		delete(h.perAddr, addr)
	}
}

// clock returns the time since the Hub was made.
func (h *Hub) clock() time.Duration { return time.Since(h.start) }
