package apiv2

import (
	"context"
	"math"
	"sync"

	"stint/internal/tracker"
)

const (
	maxRecent     = 10_000  // answers
	maxRecentText = 4 << 10 // bytes of one
)

// recent keeps the sessions that were asked for within the present second, as they were answered: clients that show a
// session ask for it again and again. Whatever happens to any session rings the tracker's bell, and then nothing is
// kept; so whoever was answered a write sees what was done. What another process did is seen within a second.
type recent struct {
	mu   sync.RWMutex
	at   epoch
	list map[asked][]byte
}

// asked is a session as its owner sees it.
type asked struct{ user, session int64 }

// epoch is a second, and how often the bell had rung by then.
type epoch struct {
	unix int64
	rung uint64
}

// now must be called before the session is read.
func (r *recent) now(ctx context.Context, t *tracker.Tracker) (epoch, error) {
	rung, err := t.Wait(ctx, math.MaxUint64)
	return epoch{t.Now().Unix(), rung}, err
}

// get appends the answer of that time to b, if it is there.
func (r *recent) get(b []byte, k asked, at epoch) ([]byte, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.at != at {
		return b, false
	}
	text, ok := r.list[k]
	return append(b, text...), ok
}

// put keeps an answer that was made at that time or later.
func (r *recent) put(k asked, at epoch, text []byte) {
	if len(text) > maxRecentText {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.unix < r.at.unix || at.rung < r.at.rung {
		return
	}
	if r.at != at {
		r.at, r.list = at, map[asked][]byte{}
	}
	if len(r.list) < maxRecent {
		r.list[k] = append([]byte(nil), text...)
	}
}
