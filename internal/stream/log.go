package stream

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// An Event is one entry of a Log: its id and its bytes, already encoded as
// they go over the wire.
type Event struct {
	ID    int64
	Frame []byte
}

// Replay reads encoded frames from the truth: those of events with an id
// above after, in id order, without gaps. It returns as many as it likes (64
// KiB are plenty) and the id of the last one, which is after when there is
// none. An event may be read before it was appended to the Log. An error ends
// the stream that asked. ctx ends when the Hub closes.
type Replay func(ctx context.Context, after int64) (frames []byte, last int64, err error)

const (
	minChunk  = 4 << 10  // bytes of frames in a Log's first chunk
	maxChunk  = 64 << 10 // in a later one, unless one frame alone is longer
	maxMarks  = 4 << 10  // events in one chunk
	markBytes = 16       // what an event takes besides its frame
)

// A Log holds the newest events of one stream, encoded once, for all its
// readers. What has left its window is read through Replay.
type Log struct {
	hub    *Hub
	replay Replay
	head   atomic.Int64 // id of the newest event; written under mu
	count  atomic.Int64 // streams
	ended  atomic.Bool  // written under mu

	mu      sync.Mutex
	floor   int64    // every event with an id in (floor, head] is in chunks
	chunks  []*chunk // oldest first
	size    int      // bytes of chunks and their marks
	lanes   []*lane  // one a worker, from the first reader on
	changed chan struct{}
	recalls map[int64]*recall
}

// A chunk is an append-only run of frames. Bytes once written are never
// changed, so a slice of them may be kept while the window slides.
type chunk struct {
	buf   []byte
	marks []mark
}

type mark struct {
	id  int64
	end int
}

func (c *chunk) last() int64 { return c.marks[len(c.marks)-1].id }

// NewLog returns a Log that hears, by Append, of every event with an id above
// start. Older ones are read through replay.
func (h *Hub) NewLog(start int64, replay Replay) *Log {
	l := &Log{hub: h, replay: replay, floor: start}
	l.head.Store(start)
	return l
}

// Readers returns the number of streams that Serve has begun and that have not
// ended.
func (l *Log) Readers() int { return int(l.count.Load()) }

// End ends the streams of this Log at the end of a frame, and those that are
// begun later at once. What they were not given by then they are not given.
func (l *Log) End() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended.Store(true)
	l.wake()
}

// Append adds events, in ascending order of id, and wakes the readers once.
// The bytes are copied. An event whose id is not above the newest one's is
// already there and is left out.
func (l *Log) Append(events ...Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	head := l.head.Load()
	before := head
	for _, e := range events {
		if e.ID > head {
			l.add(e)
			head = e.ID
		}
	}
	if head == before {
		return
	}
	l.head.Store(head)
	l.wake()
}

// wake tells every reader to look again.
func (l *Log) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	for _, ln := range l.lanes {
		if ln.readers > 0 {
			ln.worker.ring(ln)
		}
	}
}

func (l *Log) add(e Event) {
	c := l.room(len(e.Frame))
	c.buf = append(c.buf, e.Frame...)
	c.marks = append(c.marks, mark{e.ID, len(c.buf)})
	l.size += len(e.Frame) + markBytes
	for l.size > l.hub.opts.Window && len(l.chunks) > 1 {
		old := l.chunks[0]
		l.chunks[0] = nil
		l.chunks = l.chunks[1:]
		l.size -= len(old.buf) + markBytes*len(old.marks)
		l.floor = old.last()
	}
}

// room returns the newest chunk if n more bytes fit, else a new one, twice as
// large as the one before.
func (l *Log) room(n int) *chunk {
	size := minChunk
	if k := len(l.chunks); k > 0 {
		c := l.chunks[k-1]
		if len(c.buf)+n <= cap(c.buf) && len(c.marks) < maxMarks {
			return c
		}
		size = 2 * cap(c.buf)
	}
	size = max(n, min(size, maxChunk, l.hub.opts.Window/16))
	c := &chunk{buf: make([]byte, 0, size)}
	l.chunks = append(l.chunks, c)
	return c
}

// since returns frames with ids above after and the id of the last of them:
// none at the head, else as many as lie together. ok is false when some of
// them may have left the window.
func (l *Log) since(after int64) (frames []byte, last int64, ok bool) {
	if after >= l.head.Load() {
		return nil, after, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if after < l.floor {
		return nil, after, false
	}
	i, _ := slices.BinarySearchFunc(l.chunks, after+1, func(c *chunk, id int64) int {
		return cmp.Compare(c.last(), id)
	})
	if i == len(l.chunks) {
		return nil, after, true
	}
	c := l.chunks[i]
	k, _ := slices.BinarySearchFunc(c.marks, after+1, func(m mark, id int64) int {
		return cmp.Compare(m.id, id)
	})
	from := 0
	if k > 0 {
		from = c.marks[k-1].end
	}
	return c.buf[from:len(c.buf):len(c.buf)], c.last(), true
}

// wait returns a channel that is closed at the next Append.
func (l *Log) wait() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return l.changed
}

// A recall is one call of Replay, shared by all who ask for the same while it
// runs.
type recall struct {
	done   chan struct{}
	frames []byte
	last   int64
	err    error
}

// recall returns frames with ids above after, which lies before the window,
// and the position behind them. It always moves forward.
func (l *Log) recall(after int64) ([]byte, int64, error) {
	l.mu.Lock()
	if r := l.recalls[after]; r != nil {
		l.mu.Unlock()
		<-r.done
		return r.frames, r.last, r.err
	}
	r := &recall{done: make(chan struct{})}
	if l.recalls == nil {
		l.recalls = map[int64]*recall{}
	}
	l.recalls[after] = r
	floor := l.floor
	l.mu.Unlock()

	r.frames, r.last, r.err = l.replay(l.hub.ctx, after)
	switch {
	case r.err != nil:
	case r.last < after:
		r.err = fmt.Errorf("stream: replay after %d went back to %d", after, r.last)
	case r.last == after:
		r.last = floor // nothing between after and the window
	}
	l.mu.Lock()
	delete(l.recalls, after)
	l.mu.Unlock()
	close(r.done)
	return r.frames, r.last, r.err
}
