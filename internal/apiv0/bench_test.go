package apiv0_test

import (
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"stint/internal/account"
	"stint/internal/apiv0"
	"stint/internal/club"
	"stint/internal/db/dbtest"
	"stint/internal/stream"
	"stint/internal/web"
)

// discarded is a ResponseWriter that costs nothing.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header       { return d.header }
func (discarded) WriteHeader(int)             {}
func (discarded) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkCurrentStatus is what Stint adds to net/http for its hottest answer,
// the access log included.
func BenchmarkCurrentStatus(b *testing.B) {
	d := dbtest.Open(b, dbtest.SQLite(b))
	accounts, err := account.Open(b.Context(), d)
	if err != nil {
		b.Fatal(err)
	}
	defer accounts.Close()
	c, err := club.Open(b.Context(), d, club.Options{PresenceTimeout: time.Hour, PresenceInterval: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	hub := stream.NewHub(stream.Options{})
	defer hub.Close(b.Context())
	log := slog.New(slog.NewTextHandler(web.NewBufferedWriter(io.Discard), nil))
	api, err := apiv0.New(b.Context(), apiv0.Options{Club: c, Accounts: accounts, Hub: hub, Log: log, Failures: &web.FailureLimit{}})
	if err != nil {
		b.Fatal(err)
	}
	defer api.Close()
	secret, err := accounts.AddPassword(b.Context(), "bench", account.All, "")
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	api.Register(mux)
	handler := web.Log(log, mux)
	for _, who := range []string{"member", "public"} {
		b.Run(who, func(b *testing.B) {
			r, err := http.NewRequest("GET", "/api/v0/status/current", nil)
			if err != nil {
				b.Fatal(err)
			}
			if who == "member" {
				r.SetBasicAuth("", secret)
			}
			for b.Loop() {
				handler.ServeHTTP(discarded{http.Header{}}, r)
			}
		})
	}
}
