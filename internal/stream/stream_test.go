package stream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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

func TestBurstsReachEveryoneInOrderOnce(t *testing.T) {
	rm := newRoom(t, options{sub: stream.Subscription{Prelude: []byte("hello\n")}})
	var wg sync.WaitGroup
	for range 200 {
		_, br := rm.dial(t, "")
		wg.Go(func() {
			if line, err := br.ReadString('\n'); line != "hello\n" {
				t.Errorf("prelude %q, %v", line, err)
			}
			if err := expect(br, 1, 1300); err != nil {
				t.Error(err)
			}
		})
	}
	for _, n := range []int{1, 60, 1, 238, 1000} {
		rm.publish(n, 150)
		time.Sleep(2 * time.Millisecond)
	}
	wg.Wait()
	if n := rm.table.replays(); n > 200 {
		t.Errorf("%d replays", n)
	}
}

func TestAnswerOnPlainHTTP(t *testing.T) {
	for _, tc := range []struct{ name, request, status, body string }{
		{"1.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK", "hi\n1 \n"},
		{"1.0", "GET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK", "hi\n1 \n"},
		{"HEAD", "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK", ""},
		{"pipelined", "GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK", "hi\n1 \n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rm := newRoom(t, options{sub: stream.Subscription{Prelude: []byte("hi\n")}})
			c, err := net.Dial("tcp", rm.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			io.WriteString(c, tc.request)
			if tc.body != "" {
				rm.awaitLen(t, 1)
			}
			rm.publish(1, 0)
			if tc.body != "" {
				time.Sleep(20 * time.Millisecond)
				if err := rm.hub.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			c.SetReadDeadline(time.Now().Add(5 * time.Second))
			all, err := io.ReadAll(c)
			if err != nil {
				t.Fatal(err)
			}
			head, body, _ := strings.Cut(string(all), "\r\n\r\n")
			if !strings.HasPrefix(head, tc.status+"\r\n") || body != tc.body {
				t.Errorf("got %q", all)
			}
			for _, want := range []string{"Connection: close", "Content-Type: text/plain", "Date: "} {
				if !strings.Contains(head, want) {
					t.Errorf("no %q in %q", want, head)
				}
			}
			if strings.Contains(head, "chunked") {
				t.Error("chunked")
			}
		})
	}
}

func TestResumeAtEveryPosition(t *testing.T) {
	for _, tlsOn := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", tlsOn), func(t *testing.T) {
			rm := newRoom(t, options{Options: stream.Options{Window: 2000}, tls: tlsOn})
			rm.publish(60, 100)
			rm.publish(1, 5000) // alone longer than the window
			rm.publish(20, 100)
			for after := range int64(82) {
				ctx, cancel := context.WithCancel(t.Context())
				req, _ := http.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s/?after=%d", rm.URL, after), nil)
				res, err := rm.Client().Do(req)
				if err != nil {
					t.Fatal(err)
				}
				rm.publish(1, 10)
				if err := expect(bufio.NewReaderSize(res.Body, 1<<16), after+1, 82+after); err != nil {
					t.Errorf("after %d: %v", after, err)
				}
				cancel()
				res.Body.Close()
			}
		})
	}
}

func TestReaderAheadOfTheLog(t *testing.T) {
	rm := newRoom(t, options{start: 10})
	rm.table.last = 10
	events := rm.table.store(5, 1) // 11 to 15, stored and not yet appended
	_, br := rm.dial(t, "after=13")
	_, old := rm.dial(t, "after=10")
	rm.awaitLen(t, 2)
	rm.log.Append(events...)
	rm.log.Append(events...) // heard twice
	rm.publish(1, 1)
	if err := expect(br, 14, 16); err != nil {
		t.Error(err)
	}
	if err := expect(old, 11, 16); err != nil {
		t.Error(err)
	}
}

func TestNothingBetweenPositionAndWindow(t *testing.T) {
	rm := newRoom(t, options{start: 100})
	rm.table.last = 4 // ids 5 to 100 belong to other streams
	_, br := rm.dial(t, "after=4")
	rm.log.Append(stream.Event{ID: 101, Frame: []byte("101 \n")})
	if err := expect(br, 101, 101); err != nil {
		t.Error(err)
	}
}

func TestSlowReaderLosesNothingAndHoldsNobodyUp(t *testing.T) {
	rm := newRoom(t, options{Options: stream.Options{Window: 8 << 10}})
	_, slowBody := rm.dial(t, "")
	_, quick := rm.dial(t, "")
	rm.awaitLen(t, 2)
	const total = 6000 // of 1 kB, more than the sockets hold
	done := make(chan error, 1)
	go func() { done <- expect(quick, 1, total) }()
	for range total / 10 {
		rm.publish(10, 1000)
		time.Sleep(50 * time.Microsecond)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	before := rm.table.replays()
	if err := expect(slowBody, 1, total); err != nil {
		t.Fatal(err)
	}
	if rm.table.replays() == before {
		t.Error("the slow reader never lagged behind the window")
	}
	rm.publish(3, 10)
	if err := expect(slowBody, total+1, total+3); err != nil {
		t.Fatal(err)
	}
}

func TestBlockedReaderIsEnded(t *testing.T) {
	for _, tlsOn := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", tlsOn), func(t *testing.T) {
			rm := newRoom(t, options{Options: stream.Options{WriteTimeout: 100 * time.Millisecond}, tls: tlsOn})
			if tlsOn {
				res, err := rm.Client().Get(rm.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
			} else {
				rm.dial(t, "")
			}
			rm.awaitLen(t, 1)
			rm.publish(20, 1<<20)
			rm.awaitLen(t, 0)
		})
	}
}

func TestGoneReaderIsNoticed(t *testing.T) {
	for _, how := range []string{"close", "reset", "half", "chatty"} {
		t.Run(how, func(t *testing.T) {
			rm := newRoom(t, options{Options: stream.Options{LookEvery: 30 * time.Millisecond}})
			c, _ := rm.dial(t, "")
			rm.awaitLen(t, 1)
			switch how {
			case "reset":
				c.(*net.TCPConn).SetLinger(0)
				c.Close()
			case "half":
				c.(*net.TCPConn).CloseWrite()
			case "chatty":
				io.WriteString(c, strings.Repeat("y", 200000))
				time.Sleep(100 * time.Millisecond)
				if rm.hub.Len() != 1 {
					t.Fatal("ended by what it sent")
				}
				c.Close()
			default:
				c.Close()
			}
			rm.awaitLen(t, 0)
		})
	}
}

func TestCeilings(t *testing.T) {
	rm := newRoom(t, options{Options: stream.Options{MaxStreams: 3, MaxPerAddr: 2, LookEvery: 20 * time.Millisecond}})
	status := func(addr string) int {
		res, err := http.Get(rm.URL + "/?addr=" + addr)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 200 {
			res.Body.Close()
		} else {
			t.Cleanup(func() { res.Body.Close() })
		}
		return res.StatusCode
	}
	first, _ := rm.dial(t, "addr=a")
	for i, tc := range []struct {
		addr string
		want int
	}{{"a", 200}, {"a", 503}, {"b", 200}, {"c", 503}} {
		if got := status(tc.addr); got != tc.want {
			t.Errorf("%d: %s got %d, want %d", i, tc.addr, got, tc.want)
		}
	}
	first.Close()
	rm.awaitLen(t, 2)
	if got := status("a"); got != 200 {
		t.Errorf("after one left: %d", got)
	}
}

func TestKeepAliveOnTakenConnections(t *testing.T) {
	rm := newRoom(t, options{sub: stream.Subscription{KeepAlive: time.Second, KeepAliveFrame: []byte(":\n")}})
	_, br := rm.dial(t, "")
	began := time.Now()
	for range 2 {
		if line, err := br.ReadString('\n'); line != ":\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	if d := time.Since(began); d < 1900*time.Millisecond || d > 4500*time.Millisecond {
		t.Errorf("two signs of life in %v", d)
	}
	rm.publish(1, 1)
	if err := expect(br, 1, 1); err != nil {
		t.Error(err)
	}
}

func TestCloseEndsCleanly(t *testing.T) {
	for _, tlsOn := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", tlsOn), func(t *testing.T) {
			rm := newRoom(t, options{tls: tlsOn})
			var wg sync.WaitGroup
			for range 20 {
				res, err := rm.Client().Get(rm.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				wg.Go(func() {
					all, err := io.ReadAll(res.Body)
					if err != nil || !strings.HasSuffix(string(all), "\n") {
						t.Errorf("%v, ends with %q", err, all[max(0, len(all)-20):])
					}
				})
			}
			rm.awaitLen(t, 20)
			rm.publish(300, 1000)
			if err := rm.hub.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			wg.Wait()
			if rm.hub.Len() != 0 {
				t.Errorf("%d left", rm.hub.Len())
			}
			res, err := rm.Client().Get(rm.URL)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 503 {
				t.Errorf("after Close: %d", res.StatusCode)
			}
			rm.publish(1, 1)
		})
	}
}

func TestCloseGivesUpBlockedReaders(t *testing.T) {
	for _, tlsOn := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", tlsOn), func(t *testing.T) {
			rm := newRoom(t, options{tls: tlsOn})
			if tlsOn {
				res, err := rm.Client().Get(rm.URL)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
			} else {
				rm.dial(t, "")
			}
			rm.awaitLen(t, 1)
			rm.publish(20, 1<<20)
			for was := 0; was == 0 || was != rm.table.replays(); { // until it is blocked
				was = rm.table.replays()
				time.Sleep(250 * time.Millisecond)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := rm.hub.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if rm.hub.Len() != 0 {
				t.Errorf("%d left", rm.hub.Len())
			}
		})
	}
}

func TestReplayErrorEndsTheStream(t *testing.T) {
	hub := stream.NewHub(stream.Options{})
	defer hub.Close(t.Context())
	log := hub.NewLog(10, func(context.Context, int64) ([]byte, int64, error) {
		return nil, 0, errors.New("no table")
	})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Serve(w, r, stream.Subscription{Prelude: []byte("hi")})
	}))
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, err := io.ReadAll(res.Body); string(b) != "hi" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
}

// A wrapped connection is no socket that could be written to directly.
type wrapped struct{ net.Listener }

func (l wrapped) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return struct{ net.Conn }{c}, err
}

func TestWrappedListener(t *testing.T) {
	hub := stream.NewHub(stream.Options{})
	defer hub.Close(t.Context())
	log := hub.NewLog(0, new(table).replay)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Serve(w, r, stream.Subscription{})
	}))
	srv.Listener = wrapped{srv.Listener}
	srv.Start()
	defer srv.Close()
	rm := &room{Server: srv, hub: hub}
	c, br := rm.dial(t, "")
	log.Append(stream.Event{ID: 1, Frame: []byte("1 \n")})
	if err := expect(br, 1, 1); err != nil {
		t.Error(err)
	}
	c.Close()
	rm.awaitLen(t, 0)
}

func TestChurn(t *testing.T) {
	rm := newRoom(t, options{Options: stream.Options{Window: 4 << 10, LookEvery: 10 * time.Millisecond}})
	stop := make(chan struct{})
	var writer, readers sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				rm.publish(1+i%7, i%300)
				time.Sleep(200 * time.Microsecond)
			}
		}
	})
	for g := range 16 {
		readers.Go(func() {
			after := int64(0)
			for i := range 12 {
				c, br := rm.dial(t, fmt.Sprintf("after=%d", after))
				n := int64(20 + 13*((g+i)%11))
				if err := expect(br, after+1, after+n); err != nil {
					t.Error(err)
					return
				}
				after += n
				c.Close()
			}
		})
	}
	readers.Wait()
	close(stop)
	writer.Wait()
	rm.awaitLen(t, 0)
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
