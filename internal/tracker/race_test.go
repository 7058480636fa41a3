package tracker

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
)

// at runs fn n times at the same time and counts the answers by code.
func at(n int, fn func(i int) error) map[Code]int {
	var all sync.WaitGroup
	var mu sync.Mutex
	codes := map[Code]int{}
	gate := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-gate
			code := codeOf(fn(i))
			mu.Lock()
			defer mu.Unlock()
			codes[code]++
		})
	}
	close(gate)
	all.Wait()
	return codes
}

func TestOneOfSixteenStarts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for user := int64(1); user <= 10; user++ {
			codes := at(16, func(int) error {
				_, err := h.Start(t.Context(), h.rome(user), StartRequest{}, nil)
				return err
			})
			if codes[""] != 1 || codes[ActiveSessionExists] != 15 {
				t.Errorf("sixteen starts: %v", codes)
			}
		}
	})
}

// TestOneOfSixteenStartsAcrossProcesses starts from two open databases on the same target.
func TestOneOfSixteenStartsAcrossProcesses(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		one := openHouse(t, dbtest.Open(t, target))
		two, err := Open(t.Context(), dbtest.Open(t, target), one.keys, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for user := int64(1); user <= 10; user++ {
			codes := at(16, func(i int) error {
				_, err := []*Tracker{one.Tracker, two}[i%2].Start(t.Context(), one.rome(user), StartRequest{}, nil)
				return err
			})
			if codes[""] != 1 || codes[ActiveSessionExists] != 15 {
				t.Errorf("sixteen starts: %v", codes)
			}
		}
	})
}

func TestOverlappingInsertsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		codes := at(16, func(i int) error {
			_, err := h.Insert(t.Context(), h.rome(1), manual(fmt.Sprintf("2026-01-10 %02d:00", i), "2026-01-11"), nil)
			return err
		})
		if codes[""] != 1 || codes[Overlap] != 15 {
			t.Errorf("sixteen overlapping sessions: %v", codes)
		}
	})
}

func TestReplaysAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var answers atomic.Int64
		codes := at(16, func(int) error {
			_, err := h.Start(t.Context(), h.rome(1), StartRequest{MaxEnd: true, ScheduledDate: "2026-03-01"}, &Once{Token: 1, Key: "same",
				Encode: func(any) (int, []byte, error) { answers.Add(1); return 201, []byte("first"), nil }})
			if again, ok := err.(*Replayed); ok && string(again.Body) == "first" {
				return refuse("replayed", "")
			}
			return err
		})
		if codes[""] != 1 || codes["replayed"] != 15 || answers.Load() == 0 {
			t.Errorf("sixteen times the same request: %v, %d answers made", codes, answers.Load())
		}
		if n := h.number("select used from tracker_chain where session_id = 0"); n != 1 {
			t.Errorf("%d draws", n)
		}
	})
}

// TestMixedWritersNeverOverlap lets clients work without a plan and then looks at what is stored.
func TestMixedWritersNeverOverlap(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		at(8, func(i int) error {
			o := h.rome(1)
			for j := range 12 {
				day := time.Date(2026, 1, 1+(i*7+j*5)%30, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
				s, err := h.Insert(t.Context(), o, manual(fmt.Sprintf("%s %02d:00", day, j), day+" 23:30"), nil)
				if err == nil && j%3 == 0 {
					_ = h.Delete(t.Context(), o, s.ID)
				}
				if live, err := h.Start(t.Context(), o, StartRequest{Date: "2026-02-02", Time: "09:00"}, nil); err == nil {
					_, _ = h.Edit(t.Context(), o, live.ID, EditRequest{EndNow: true})
					_ = h.Delete(t.Context(), o, live.ID)
				}
			}
			return nil
		})
		if n := h.count(`tracker_session a, tracker_session b where a.id < b.id
			and a.start_s < coalesce(b.end_s, 99999999999) and b.start_s < coalesce(a.end_s, 99999999999)`); n != 0 {
			t.Errorf("%d overlaps", n)
		}
		if h.number("select cast(sum(n) as bigint) from tracker_tally") != h.count("tracker_session") {
			t.Error("the kept counts are wrong")
		}
	})
}

func TestEraseInTheCallersTransaction(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.mustInsert(t, h.rome(1), manual("2026-01-10", "2026-01-12"))
		undo := fmt.Errorf("changed my mind")
		err := h.db.Do(t.Context(), func(tx *db.Tx) error {
			if err := Erase(tx, 1); err != nil {
				return err
			}
			return undo
		})
		if err != undo || h.count("tracker_session") != 1 {
			t.Errorf("%v, %d sessions", err, h.count("tracker_session"))
		}
	})
}
