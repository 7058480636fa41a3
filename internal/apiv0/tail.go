package apiv0

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"stint/internal/club"
	"stint/internal/db"
	"stint/internal/stream"
	"stint/internal/web"
)

// tail follows the log: it reads each new action once, in id order, renews the
// snapshot that answers what is asked most, and appends the action to the
// streams, encoded once for each format and view.
type tail struct {
	club     *club.Club
	state    club.State // belongs to follow
	forgot   int64      // the second before which announcements that had ended were forgotten; belongs to follow
	logs     map[channel]*stream.Log
	snapshot atomic.Pointer[snapshot]
	answered atomic.Int64 // the highest id that a write of this process was answered with
}

// snapshot is what follows from the log up to the action head, already encoded.
// It is never changed.
type snapshot struct {
	head   int64
	newest []club.Action // of each type, in id order
	public club.Action   // the newest at which the public status turned

	status [2]*web.Answer             // status/current, by view
	last   map[club.Type]*web.Answer  // id=last, for members
	coming []club.Action              // announcements that may not have ended
	times  *atomic.Pointer[timetable] // made from coming

	replaced chan struct{} // closed when there is a newer snapshot
}

// timetable is announcement/current as it is true up to a second.
type timetable struct {
	from, until int64
	answers     [2]*web.Answer // by view
}

func newTail(ctx context.Context, c *club.Club, hub *stream.Hub) (*tail, error) {
	state, err := c.Load(ctx)
	if err != nil {
		return nil, err
	}
	t := &tail{club: c, state: state, logs: map[channel]*stream.Log{}}
	for _, ch := range channels() {
		t.logs[ch] = hub.NewLog(state.Head, ch.replay(c))
	}
	t.publish(true)
	return t, nil
}

// follow reads what is new whenever the bell rings, until ctx ends. Failures are
// reported and tried again after a second.
func (t *tail) follow(ctx context.Context, report func(error)) {
	var heard uint64
	for ctx.Err() == nil {
		err := t.catchUp(ctx)
		if err == nil {
			heard, err = t.wait(ctx, heard)
		}
		if err == nil || ctx.Err() != nil || errors.Is(err, db.ErrClosed) {
			continue
		}
		report(err)
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// wait returns at the bell, and after a minute in case one was lost.
func (t *tail) wait(ctx context.Context, heard uint64) (uint64, error) {
	minute, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	heard, err := t.club.Wait(minute, heard)
	if err != nil && minute.Err() != nil && ctx.Err() == nil {
		err = nil
	}
	return heard, err
}

// catchUp reads the log to its end.
func (t *tail) catchUp(ctx context.Context) error {
	for {
		list, err := t.club.After(ctx, t.state.Head, "", false)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return t.remember(ctx)
		}
		announced := false
		for _, a := range list {
			t.state.Apply(a)
			announced = announced || a.Type == club.TypeAnnouncement
		}
		t.broadcast(list)
		t.publish(announced)
	}
}

// remember reads the announcements again when the clock was set back: some that
// were forgotten may not have ended now.
func (t *tail) remember(ctx context.Context) error {
	now := t.club.Now()
	if now >= t.forgot {
		return nil
	}
	state, err := t.club.Load(ctx)
	if err != nil || state.Head != t.state.Head {
		return err // if there is more to read, the bell rings
	}
	t.state, t.forgot = state, now
	t.publish(true)
	return nil
}

// publish replaces the snapshot. Without announced the announcements are as
// they were.
func (t *tail) publish(announced bool) {
	before := t.snapshot.Load()
	s := &snapshot{
		head:     t.state.Head,
		newest:   t.state.Newest(),
		public:   t.state.PublicStatus,
		last:     map[club.Type]*web.Answer{},
		replaced: make(chan struct{}),
	}
	b := appendAction([]byte(`{"last":`), &t.state.LastStatus, memberView)
	b = appendAction(append(b, `,"changed":`...), &t.state.ChangedStatus, memberView)
	s.status[memberView] = answer(append(b, '}'))
	b = appendAction([]byte(`{"changed":`), &t.state.PublicStatus, publicView)
	s.status[publicView] = answer(append(b, '}'))
	for _, ty := range []club.Type{club.TypeStatus, club.TypeAnnouncement, club.TypePresence} {
		s.last[ty] = answer(appendActions(nil, nil, memberView))
	}
	for i, a := range s.newest {
		s.last[a.Type] = answer(appendActions(nil, s.newest[i:i+1], memberView))
	}
	s.last[""] = s.last[s.newest[len(s.newest)-1].Type]
	if announced {
		now := t.club.Now()
		s.coming, t.forgot = t.state.Current(now), max(t.forgot, now)
		s.times = &atomic.Pointer[timetable]{}
	} else {
		s.coming, s.times = before.coming, before.times
	}
	t.snapshot.Store(s)
	if before != nil {
		close(before.replaced)
	}
}

// current answers announcement/current at second now.
func (s *snapshot) current(now int64, v view) *web.Answer {
	t := s.times.Load()
	if t == nil || now > t.until || now < t.from {
		t = makeTimetable(s.coming, now)
		s.times.Store(t)
	}
	return t.answers[v]
}

func makeTimetable(coming []club.Action, now int64) *timetable {
	t := &timetable{from: now, until: 1<<63 - 1}
	var all, public []club.Action
	for _, a := range coming {
		if a.To < now {
			continue
		}
		t.until = min(t.until, a.To)
		all = append(all, a)
		if a.Public {
			public = append(public, a)
		}
	}
	t.answers[memberView] = answer(appendActions(nil, all, memberView))
	t.answers[publicView] = answer(appendActions(nil, public, publicView))
	return t
}

// done notes that this process is about to answer a write of action id.
func (t *tail) done(id int64) {
	for {
		known := t.answered.Load()
		if known >= id || t.answered.CompareAndSwap(known, id) {
			return
		}
	}
}

// fresh returns a snapshot that holds every write that this process has
// answered, so that whoever was answered sees what was done. It waits for the
// tail if need be, but gives up with ctx and after two seconds.
func (t *tail) fresh(ctx context.Context) *snapshot {
	id := t.answered.Load()
	s := t.snapshot.Load()
	if s.head >= id {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for ; s.head < id; s = t.snapshot.Load() {
		select {
		case <-s.replaced:
		case <-ctx.Done():
			return s
		}
	}
	return s
}
