package tracker

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
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
	defer cost(b)()
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
	defer cost(b)()
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

// cost reports what an operation costs apart from waiting.
func cost(b *testing.B) (report func()) {
	cpu, written := cpuTime(), writtenBytes()
	return func() {
		b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op")
		b.ReportMetric(float64(writtenBytes()-written)/float64(b.N), "B-written/op")
	}
}

func cpuTime() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func writtenBytes() (n int64) {
	text, _ := os.ReadFile("/proc/self/io")
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			n, _ = strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		}
	}
	return n
}
