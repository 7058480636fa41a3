package tracker

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"stint/internal/db/dbtest"
)

func openBench(b *testing.B) *house {
	b.Helper()
	return openHouse(b, dbtest.Open(b, dbtest.SQLite(b)))
}

func BenchmarkInsert(b *testing.B) {
	h := openBench(b)
	var users atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		o := h.rome(users.Add(1))
		day := time.Date(2007, 1, 1, 0, 0, 0, 0, time.UTC)
		for i := 0; pb.Next(); i++ {
			date := day.AddDate(0, 0, i/23)
			r := manual(fmt.Sprintf("%s %02d:00", date.Format(time.DateOnly), i%23), fmt.Sprintf("%s %02d:00", date.Format(time.DateOnly), i%23+1))
			if _, err := h.Insert(b.Context(), o, r, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkOverlapCheck(b *testing.B) {
	h := openBench(b)
	for user, n := range map[int64]int{1: 100, 2: 100_000} {
		all := fill(b, h, user, n, 1)
		at := all[n/2].Start.Local()
		r := manual(at.Format("2006-01-02 15:04"), at.Add(time.Hour).Format("2006-01-02 15:04"))
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := h.Insert(b.Context(), h.rome(user), r, nil); err == nil {
					b.Fatal("no overlap")
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	h := openBench(b)
	fill(b, h, 1, 1_000, 2)
	for b.Loop() {
		if _, err := h.Get(b.Context(), h.rome(1), 500); err != nil {
			b.Fatal(err)
		}
	}
}
