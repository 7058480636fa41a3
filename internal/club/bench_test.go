package club_test

import (
	"context"
	"testing"
	"time"

	"stint/internal/club"
	"stint/internal/db/dbtest"
)

// BenchmarkSetStatus is a durable write while 64 clients write.
func BenchmarkSetStatus(b *testing.B) {
	c, err := club.Open(b.Context(), dbtest.Open(b, dbtest.SQLite(b)), club.Options{PresenceTimeout: time.Hour, PresenceInterval: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.SetStatus(context.Background(), "bench", club.Public, "one of many"); err != nil {
				b.Error(err)
			}
		}
	})
}
