package stream

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// A reader remembers what it was given.
type reader struct {
	at, from int64
	got      []byte
}

// step reads once more and says whether that moved it.
func (r *reader) step(t *rapid.T, l *Log) bool {
	frames, last, ok := l.since(r.at)
	if !ok {
		var err error
		if frames, last, err = l.recall(r.at); err != nil {
			t.Fatal(err)
		}
	}
	moved := last > r.at
	r.got, r.at = append(r.got, frames...), last
	return moved
}

// TestLogAgainstASlice compares any sequence of appends and reads with a plain
// list of all events, from which the replay reads too.
func TestLogAgainstASlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &Hub{ctx: context.Background(), opts: Options{Window: rapid.IntRange(1, 4000).Draw(t, "window")}}
		start := rapid.Int64Range(0, 5).Draw(t, "start")
		var all []Event
		id := int64(0)
		more := func(n int) []Event {
			from := len(all)
			for range n {
				id += rapid.Int64Range(1, 3).Draw(t, "step")
				size := rapid.IntRange(0, 600).Draw(t, "size")
				all = append(all, Event{id, bytes.Repeat(fmt.Appendf(nil, "%d,", id), size/4)})
			}
			return all[from:]
		}
		after := func(after int64, upTo int) (frames []byte, last int64) {
			last = after
			for _, e := range all {
				if e.ID > after && upTo > 0 {
					frames, last = append(frames, e.Frame...), e.ID
					upTo--
				}
			}
			return frames, last
		}
		for id < start {
			more(1)
		}
		l := h.NewLog(id, func(_ context.Context, from int64) ([]byte, int64, error) {
			frames, last := after(from, 3)
			return frames, last, nil
		})
		var readers []*reader
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) { l.Append(more(rapid.IntRange(0, 20).Draw(t, "n"))...) },
			"store then append": func(t *rapid.T) {
				events := more(2)
				for _, r := range readers {
					r.step(t, l)
				}
				l.Append(events...)
			},
			"join": func(t *rapid.T) {
				at := rapid.Int64Range(0, id).Draw(t, "at")
				readers = append(readers, &reader{at: at, from: at})
			},
			"read": func(t *rapid.T) {
				if len(readers) > 0 {
					rapid.SampledFrom(readers).Draw(t, "reader").step(t, l)
				}
			},
			"": func(t *rapid.T) {
				size := 0
				for _, c := range l.chunks {
					size += len(c.buf) + markBytes*len(c.marks)
				}
				if size != l.size || size > h.opts.Window && len(l.chunks) > 1 {
					t.Fatalf("%d bytes in %d chunks, counted %d, window %d", size, len(l.chunks), l.size, h.opts.Window)
				}
			},
		})
		for _, r := range readers {
			for r.step(t, l) {
			}
			if want, _ := after(r.from, len(all)); !bytes.Equal(r.got, want) {
				t.Fatalf("after %d: got %.80q, want %.80q", r.from, r.got, want)
			}
		}
	})
}
