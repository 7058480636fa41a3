package tracker

import (
	"context"
	"sync/atomic"
	"testing"

	"stint/internal/db"
)

// BenchmarkPlay is a durable play with proof, 64 sessions at once.
func BenchmarkPlay(b *testing.B) {
	h := openBench(b)
	var sessions [64]*Session
	for i := range sessions {
		sessions[i] = h.game(b, int64(i+1), Settings{Dice: &Dice{Number: 2, Unit: Minute, Wait: Span{0, Hour}, Multi: Multis{100, 200}}})
	}
	var next atomic.Int64
	b.SetParallelism(32)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		s := sessions[(next.Add(1)-1)%64]
		for pb.Next() {
			if _, err := h.Play(context.Background(), h.rome(s.User), PlayRequest{Session: s.ID, Game: DiceGame}, nil); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkBareWrite is one insert, 64 at once: what the engine does at best.
func BenchmarkBareWrite(b *testing.B) {
	h := openBench(b)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := h.db.Do(context.Background(), func(tx *db.Tx) error {
				return entry{user: 1, session: 1, kind: kindChanged}.write(tx)
			}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
