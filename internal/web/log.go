package web

import (
	"bufio"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"sync"
	"time"
)

// flushAfter is how long a line of the log may wait in memory.
const flushAfter = 200 * time.Millisecond

// BufferedWriter collects small writes and passes them on together, after 200
// milliseconds at the latest. It may be used by any number of goroutines.
type BufferedWriter struct {
	mu    sync.Mutex
	to    io.Writer
	lines []byte
	timer *time.Timer
}

// NewBufferedWriter returns a writer in front of to.
func NewBufferedWriter(to io.Writer) *BufferedWriter {
	return &BufferedWriter{to: to}
}

// Write never fails; what to could not take is lost.
func (b *BufferedWriter) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines) == 0 {
		b.timer = time.AfterFunc(flushAfter, b.Flush)
	}
	b.lines = append(b.lines, line...)
	if len(b.lines) > 32<<10 {
		b.flush()
	}
	return len(line), nil
}

// Flush passes on what waits.
func (b *BufferedWriter) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flush()
}

func (b *BufferedWriter) flush() {
	if len(b.lines) == 0 {
		return
	}
	b.timer.Stop()
	b.to.Write(b.lines)
	b.lines = b.lines[:0]
}

// Log gives each request an id, which the answer carries as X-Request-Id and
// which says nothing about other requests, and writes one line about it when it
// has been answered: method, route pattern, status, duration, bytes, id. A path, a
// query string, an address, a header or a body is never logged. A panic in a
// handler becomes a 500 and a logged stack.
func Log(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := strconv.FormatUint(rand.Uint64(), 36)
		w.Header()["X-Request-Id"] = []string{id}
		rec := recorder{ResponseWriter: w}
		defer func() {
			p := recover()
			if p != nil && p != http.ErrAbortHandler {
				log.Error("panic", "id", id, "route", r.Pattern, "panic", p, "stack", string(debug.Stack()))
				if rec.status == 0 {
					http.Error(&rec, "internal error", http.StatusInternalServerError)
				}
			}
			if rec.status == 0 && p == nil {
				rec.status = http.StatusOK // net/http sends it for a handler that wrote nothing
			}
			rec.log(log, r, began, id)
			if p == http.ErrAbortHandler {
				panic(p)
			}
		}()
		next.ServeHTTP(&rec, r)
	})
}

// log writes the line of a request. It makes the record itself, because the
// logger would look for the line of the source, which is always this one.
func (rec *recorder) log(log *slog.Logger, r *http.Request, began time.Time, id string) {
	if !log.Enabled(r.Context(), slog.LevelInfo) {
		return
	}
	now := time.Now()
	line := slog.NewRecord(now, slog.LevelInfo, "request", 0)
	line.AddAttrs(
		slog.String("method", method(r.Method)),
		slog.String("route", r.Pattern),
		slog.Int("status", rec.status),
		slog.Duration("took", now.Sub(began)),
		slog.Int64("bytes", rec.bytes),
		slog.String("id", id))
	log.Handler().Handle(r.Context(), line)
}

// method keeps words that a client made up out of the log.
func method(m string) string {
	switch m {
	case "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE":
		return m
	}
	return "other"
}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Hijack hands the connection over to a stream, which answers 200.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status = http.StatusOK
	}
	return c, rw, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
