package stream_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stint/internal/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A table stands for the truth: events are stored first and appended then.
type table struct {
	mu     sync.Mutex
	frames map[int64]string
	last   int64
	reads  int
}

func (tb *table) store(n, size int) []stream.Event {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if tb.frames == nil {
		tb.frames = map[int64]string{}
	}
	var events []stream.Event
	for range n {
		tb.last++
		f := frame(tb.last, size)
		tb.frames[tb.last] = f
		events = append(events, stream.Event{ID: tb.last, Frame: []byte(f)})
	}
	return events
}

func (tb *table) replay(_ context.Context, after int64) ([]byte, int64, error) {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	tb.reads++
	var out []byte
	for after < tb.last && len(out) < 1000 {
		after++
		out = append(out, tb.frames[after]...)
	}
	return out, after, nil
}

func (tb *table) replays() int {
	tb.mu.Lock()
	defer tb.mu.Unlock()
	return tb.reads
}

func frame(id int64, size int) string {
	return fmt.Sprintf("%d %s\n", id, strings.Repeat("x", size))
}

// smallSockets makes connections that hold little unread.
var smallSockets = net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 64<<10)
	})
}}

type options struct {
	stream.Options
	sub   stream.Subscription
	tls   bool
	start int64
}

// A room is a server with one Log; ?after=N says where a reader starts.
type room struct {
	*httptest.Server
	table table
	hub   *stream.Hub
	log   *stream.Log
}

func newRoom(t testing.TB, o options) *room {
	t.Helper()
	rm := &room{hub: stream.NewHub(o.Options)}
	rm.log = rm.hub.NewLog(o.start, rm.table.replay)
	rm.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sub := o.sub
		sub.After, _ = strconv.ParseInt(r.FormValue("after"), 10, 64)
		sub.Addr = r.FormValue("addr")
		w.Header().Set("Content-Type", "text/plain")
		if err := rm.log.Serve(w, r, sub); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}))
	rm.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if c, ok := c.(*net.TCPConn); ok {
			_ = c.SetWriteBuffer(64 << 10)
		}
		return ctx
	}
	if o.tls {
		rm.EnableHTTP2 = true
		rm.StartTLS()
	} else {
		rm.Start()
	}
	t.Cleanup(func() {
		if err := rm.hub.Close(context.Background()); err != nil {
			t.Error(err)
		}
		rm.Server.Close()
	})
	return rm
}

func (rm *room) publish(n, size int) { rm.log.Append(rm.table.store(n, size)...) }

// dial asks for the stream over a plain connection and returns the body.
func (rm *room) dial(t testing.TB, query string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := smallSockets.Dial("tcp", rm.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "GET /?%s HTTP/1.1\r\nHost: x\r\n\r\n", query)
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	br := bufio.NewReader(c)
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 {
		t.Fatalf("status %d", res.StatusCode)
	}
	return c, br
}

// expect reads the frames of events first to last, in order, once.
func expect(br *bufio.Reader, first, last int64) error {
	for id := first; id <= last; id++ {
		line, err := br.ReadString('\n')
		if err != nil {
			return fmt.Errorf("waiting for %d: %w", id, err)
		}
		if !strings.HasPrefix(line, fmt.Sprintf("%d ", id)) {
			return fmt.Errorf("want event %d, got %.40q", id, line)
		}
	}
	return nil
}

func (rm *room) awaitLen(t testing.TB, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); rm.hub.Len() != n; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d streams, want %d", rm.hub.Len(), n)
		}
	}
}

// BenchmarkFanOut measures from the Append of one event until the last of
// 2,000 readers in the same process has it.
func BenchmarkFanOut(b *testing.B) {
	const n = 2000
	rm := newRoom(b, options{})
	got := make(chan struct{}, n)
	for range n {
		c, br := rm.dial(b, "")
		c.SetReadDeadline(time.Time{})
		go func() {
			for {
				if _, err := br.ReadString('\n'); err != nil {
					return
				}
				got <- struct{}{}
			}
		}()
	}
	rm.awaitLen(b, n)
	for b.Loop() {
		rm.publish(1, 180)
		for range n {
			<-got
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/reader")
}
