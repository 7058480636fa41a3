package db

import (
	"context"
	"sync"
)

// bells holds a count and a wake-up for each topic.
type bells struct {
	mu     sync.Mutex
	topics map[string]*bell
}

type bell struct {
	rung uint64
	wake chan struct{}
}

func (b *bells) get(topic string) *bell {
	t := b.topics[topic]
	if t == nil {
		if b.topics == nil {
			b.topics = map[string]*bell{}
		}
		t = &bell{wake: make(chan struct{})}
		b.topics[topic] = t
	}
	return t
}

func (b *bells) ring(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.get(topic).ring()
}

func (b *bells) ringAll() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, t := range b.topics {
		t.ring()
	}
}

func (t *bell) ring() {
	t.rung++
	close(t.wake)
	t.wake = make(chan struct{})
}

// Wait returns as soon as the topic's bell has rung since the call that
// returned heard; the first call passes 0. A bell carries no data and may ring
// without a reason: whoever hears it reads the tables again. It fails when ctx
// ends or the database is closed.
func (d *DB) Wait(ctx context.Context, topic string, heard uint64) (uint64, error) {
	select {
	case <-d.closing:
		return heard, ErrClosed
	default:
	}
	d.bells.mu.Lock()
	t := d.bells.get(topic)
	rung, wake := t.rung, t.wake
	d.bells.mu.Unlock()
	if rung != heard {
		return rung, nil
	}
	select {
	case <-wake:
		d.bells.mu.Lock()
		defer d.bells.mu.Unlock()
		return t.rung, nil
	case <-ctx.Done():
		return heard, ctx.Err()
	case <-d.closing:
		return heard, ErrClosed
	}
}
