package stream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/internal/stream"
)

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
