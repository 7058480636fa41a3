package stream

import (
	"net"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// keepAliveGrain is how often a worker looks for readers that want a sign of
// life, at most.
const keepAliveGrain = time.Second

// A subscriber is a reader whose connection was taken over. At any time it
// belongs to one goroutine: its worker, or one that writes while it lags.
type subscriber struct {
	conn      net.Conn
	raw       syscall.RawConn
	lane      *lane
	after     int64         // id of the last event written, or skipped
	wrote     time.Duration // when, by the Hub's clock
	keepAlive time.Duration // 0: none
	frame     []byte        // what keeps it alive
	addr      string
	until     <-chan struct{} // ends the stream when closed
}

// A lane holds the subscribers of one Log that one worker writes to.
type lane struct {
	log     *Log
	worker  *worker
	readers int           // also those that lag; under log.mu
	rung    bool          // under worker.mu
	at      int           // index in worker.lanes; the worker's own
	subs    []*subscriber // the worker's own
}

// A worker writes to its subscribers without waiting for any of them.
type worker struct {
	hub  *Hub
	wake chan struct{}

	mu      sync.Mutex
	stopped bool
	rung    []*lane       // have new events
	inbox   []*subscriber // new, or caught up again

	// The worker's own.
	lanes     []*lane // those with subscribers
	try       *attempt
	writes    int
	now       time.Duration
	nextAlive time.Duration // when the next sign of life may be due; 0: never
	nextLook  time.Duration
	span      span
}

// A span is the answer of Log.since that was last used: most subscribers of a
// lane stand at the same event.
type span struct {
	log         *Log
	after, head int64
	frames      []byte
	last        int64
}

func (w *worker) run() {
	timer := time.NewTimer(w.hub.opts.LookEvery)
	defer timer.Stop()
	for {
		select {
		case <-w.wake:
		case <-timer.C:
		case <-w.hub.ctx.Done():
			w.finish()
			return
		}
		w.now = w.hub.clock()
		rung, inbox := w.take(false)
		for _, s := range inbox {
			w.enter(s)
		}
		for _, ln := range rung {
			w.each(ln, w.deliver)
		}
		w.round()
		w.span = span{}
		if len(w.lanes) == 0 {
			timer.Stop()
			continue
		}
		next := w.nextLook
		if w.nextAlive > 0 {
			next = min(next, w.nextAlive)
		}
		timer.Reset(max(next-w.hub.clock(), time.Millisecond))
	}
}

// take empties what others left for the worker; with stop it is the last time.
func (w *worker) take(stop bool) (rung []*lane, inbox []*subscriber) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rung, inbox = w.rung, w.inbox
	w.rung, w.inbox = nil, nil
	for _, ln := range rung {
		ln.rung = false
	}
	w.stopped = w.stopped || stop
	return rung, inbox
}

// ring tells the worker that a lane has new events.
func (w *worker) ring(ln *lane) {
	w.mu.Lock()
	if !ln.rung {
		ln.rung = true
		w.rung = append(w.rung, ln)
	}
	w.mu.Unlock()
	w.rouse()
}

// adopt gives s to the worker, unless that has stopped.
func (w *worker) adopt(s *subscriber) bool {
	w.mu.Lock()
	stopped := w.stopped
	if !stopped {
		w.inbox = append(w.inbox, s)
	}
	w.mu.Unlock()
	if !stopped {
		w.rouse()
	}
	return !stopped
}

func (w *worker) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// enter writes what s has missed and puts it in its lane.
func (w *worker) enter(s *subscriber) {
	if !w.deliver(s) {
		return
	}
	if len(w.lanes) == 0 {
		w.nextLook = w.now + w.hub.opts.LookEvery
		w.nextAlive = 0
	}
	ln := s.lane
	if len(ln.subs) == 0 {
		ln.at = len(w.lanes)
		w.lanes = append(w.lanes, ln)
	}
	ln.subs = append(ln.subs, s)
	w.expect(s)
}

// expect remembers when s may want a sign of life.
func (w *worker) expect(s *subscriber) {
	if s.keepAlive <= 0 {
		return
	}
	if due := s.due(); w.nextAlive == 0 || due < w.nextAlive {
		w.nextAlive = due
	}
}

// each calls do for the subscribers of a lane; those for which it says false
// leave the lane.
func (w *worker) each(ln *lane, do func(*subscriber) bool) {
	for i := 0; i < len(ln.subs); {
		if do(ln.subs[i]) {
			i++
			continue
		}
		last := len(ln.subs) - 1
		ln.subs[i] = ln.subs[last]
		ln.subs[last] = nil
		ln.subs = ln.subs[:last]
		if last == 0 {
			w.drop(ln)
		}
	}
}

func (w *worker) drop(ln *lane) {
	ln.subs = nil
	last := len(w.lanes) - 1
	moved := w.lanes[last]
	moved.at = ln.at
	w.lanes[ln.at] = moved
	w.lanes[last] = nil
	w.lanes = w.lanes[:last]
}

// deliver writes to s everything up to the head. It returns false when s is
// no longer the worker's.
func (w *worker) deliver(s *subscriber) bool {
	if s.lane.log.ended.Load() || over(s.until) {
		w.try.drain(s.raw) // unread bytes would make the close a reset
		s.end()
		return false
	}
	for {
		log := s.lane.log
		if w.span.log != log || w.span.after != s.after || w.span.head != log.head.Load() {
			head := log.head.Load()
			frames, last, ok := log.since(s.after)
			if !ok {
				w.hub.running.Go(func() { s.chase(nil) })
				return false
			}
			w.span = span{log, s.after, head, frames, last}
		}
		if w.span.last == s.after {
			return true
		}
		frames := w.span.frames
		s.after = w.span.last
		if len(frames) > 0 && !w.write(s, frames) {
			return false
		}
	}
}

// write writes whole frames to s; what does not fit now is left to a
// goroutine. It returns false when s is no longer the worker's.
func (w *worker) write(s *subscriber, frames []byte) bool {
	n, err := w.try.send(s.raw, frames)
	w.pause()
	switch {
	case err != nil:
		s.end()
		return false
	case n < len(frames):
		w.hub.running.Go(func() { s.chase(frames[n:]) })
		return false
	}
	s.wrote = w.now
	return true
}

// pause lets others run after some system calls.
func (w *worker) pause() {
	if w.writes++; w.writes%128 == 0 {
		runtime.Gosched()
		w.now = w.hub.clock()
	}
}

// round sends the signs of life that are due and looks for readers that left.
func (w *worker) round() {
	look := w.now >= w.nextLook
	alive := w.nextAlive > 0 && w.now >= w.nextAlive
	if !look && !alive {
		return
	}
	began := w.now
	if look {
		w.nextLook = began + w.hub.opts.LookEvery
	}
	w.nextAlive = 0
	visit := func(s *subscriber) bool { return w.visit(s, look) }
	for i := len(w.lanes) - 1; i >= 0; i-- {
		w.each(w.lanes[i], visit)
	}
}

func (w *worker) visit(s *subscriber, look bool) bool {
	if look {
		err := w.try.drain(s.raw)
		w.pause()
		if err != nil || over(s.until) {
			s.end()
			return false
		}
	}
	if s.keepAlive > 0 && w.now >= s.due() {
		if !w.write(s, s.frame) {
			return false
		}
		s.wrote = w.now.Truncate(keepAliveGrain)
	}
	w.expect(s)
	return true
}

// due is when s gets a sign of life unless an event comes before. It lies on the Hub's whole seconds, whatever else the
// worker does: otherwise readers could tell from it when others were written to.
func (s *subscriber) due() time.Duration {
	return (s.wrote + s.keepAlive).Truncate(keepAliveGrain)
}

// finish writes what can be written at once and ends every stream.
func (w *worker) finish() {
	_, inbox := w.take(true)
	for _, s := range inbox {
		w.enter(s)
	}
	end := func(s *subscriber) bool {
		if w.deliver(s) {
			w.try.drain(s.raw) // unread bytes would make the close a reset
			s.end()
		}
		return false
	}
	for i := len(w.lanes) - 1; i >= 0; i-- {
		w.each(w.lanes[i], end)
	}
}

// end closes the connection and gives its place away.
func (s *subscriber) end() {
	s.conn.Close()
	s.lane.leave()
	s.lane.log.release(s.addr)
}
