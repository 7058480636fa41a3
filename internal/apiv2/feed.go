package apiv2

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"stint/internal/db"
	"stint/internal/stream"
	"stint/internal/tracker"
)

const (
	feedBatch = 256             // events read at once
	feedLook  = 5 * time.Second // how often it is looked whether tokens still hold and whether anybody listens
	feedRetry = time.Second     // pause after the log could not be read
)

// feed hands the tracker's events to the streams of those whom they belong to. While somebody listens it reads each
// event of anybody once, in id order; a log of a stream.Hub is made for each token and format that listens, and is let
// go when nobody does any more. A token that ends takes its streams with it.
type feed struct {
	tracker *tracker.Tracker
	hub     *stream.Hub
	report  func(error)
	done    sync.WaitGroup

	mu     sync.Mutex
	stop   context.CancelFunc // nil: nobody listens
	closed bool
	head   int64 // every event up to here was handed out
	byUser map[int64][]*channel
}

// channel is the streams of one token in one format; all of them get the same bytes.
type channel struct {
	*stream.Log
	user    int64
	secret  string // of the token
	format  format
	holds   func() bool // whether the token is still good
	serving int         // calls of Serve that have not returned
}

// open returns the log for a token and format. done is called when Serve has returned.
func (f *feed) open(ctx context.Context, ask channel) (ch *channel, done func(), err error) {
	head, err := f.tracker.LastEvent(ctx)
	if err != nil {
		return nil, nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || f.hub == nil {
		return nil, nil, stream.ErrClosed
	}
	if f.stop == nil {
		f.begin(head)
	}
	i := slices.IndexFunc(f.byUser[ask.user], func(c *channel) bool { return c.secret == ask.secret && c.format == ask.format })
	if i < 0 {
		ask.Log = f.hub.NewLog(f.head, ask.replay(f.tracker))
		f.byUser[ask.user] = append(f.byUser[ask.user], &ask)
		i = len(f.byUser[ask.user]) - 1
	}
	ch = f.byUser[ask.user][i]
	ch.serving++
	return ch, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		ch.serving--
	}, nil
}

// begin follows the log from head on.
func (f *feed) begin(head int64) {
	ctx, stop := context.WithCancel(context.Background())
	f.stop, f.head, f.byUser = stop, head, map[int64][]*channel{}
	f.done.Go(func() { f.follow(ctx) })
}

// follow hands out what is new whenever the bell rings, until nobody listens.
func (f *feed) follow(ctx context.Context) {
	var heard uint64
	for f.keep() {
		err := f.catchUp(ctx)
		if err == nil {
			heard, err = f.wait(ctx, heard)
		}
		if ctx.Err() != nil || errors.Is(err, db.ErrClosed) {
			return
		}
		if err != nil {
			f.report(err)
			select {
			case <-time.After(feedRetry):
			case <-ctx.Done():
				return
			}
		}
	}
}

// wait returns at the bell, and after a while anyhow.
func (f *feed) wait(ctx context.Context, heard uint64) (uint64, error) {
	look, cancel := context.WithTimeout(ctx, feedLook)
	defer cancel()
	rung, err := f.tracker.Wait(look, heard)
	if err != nil && look.Err() != nil && ctx.Err() == nil {
		return heard, nil
	}
	return rung, err
}

// keep lets go of what nobody listens to, and ends the streams of tokens that have ended. It says whether anybody is
// left.
func (f *feed) keep() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for user, list := range f.byUser {
		list = slices.DeleteFunc(list, func(c *channel) bool {
			if c.serving == 0 && c.Readers() == 0 {
				return true
			}
			return !c.stillHolds()
		})
		if f.byUser[user] = list; len(list) == 0 {
			delete(f.byUser, user)
		}
	}
	if len(f.byUser) > 0 {
		return true
	}
	f.stop()
	f.stop = nil
	return false
}

// stillHolds ends the channel's streams if its token has ended.
func (c *channel) stillHolds() bool {
	if c.holds() {
		return true
	}
	c.End()
	return false
}

// catchUp reads the log to its end.
func (f *feed) catchUp(ctx context.Context) error {
	for {
		f.mu.Lock()
		head := f.head
		f.mu.Unlock()
		list, err := f.tracker.Events(ctx, 0, head, feedBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		f.hand(list)
	}
}

// hand gives events to those who listen.
func (f *feed) hand(list []tracker.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range list {
		for _, c := range f.byUser[list[i].User] {
			if c.stillHolds() {
				c.Append(stream.Event{ID: list[i].ID, Frame: c.format.append(nil, &list[i])})
			}
		}
	}
	f.head = list[len(list)-1].ID
}

// close ends the following. The streams end with their hub.
func (f *feed) close() {
	f.mu.Lock()
	f.closed = true
	if f.stop != nil {
		f.stop()
	}
	f.mu.Unlock()
	f.done.Wait()
}
