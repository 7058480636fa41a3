package stream_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"stint/internal/stream"
)

// A pipeListener accepts the connections it is given.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, errors.New("closed")
	}
}
func (l pipeListener) Close() error   { close(l.done); return nil }
func (l pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

// TestTimeOverPipes runs a server over pipes in a bubble of fake time. The
// listener claims to be TCP, and not to be, so that both ways of writing with
// a goroutine are taken.
func TestTimeOverPipes(t *testing.T) {
	for _, claim := range []bool{false, true} {
		t.Run(fmt.Sprintf("claims tcp=%v", claim), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { timeOverPipes(t, claim) })
		})
	}
}

func timeOverPipes(t *testing.T, claim bool) {
	hub := stream.NewHub(stream.Options{})
	log := hub.NewLog(0, new(table).replay)
	ln := pipeListener{make(chan net.Conn), make(chan struct{})}
	srv := &http.Server{
		ReadTimeout: 10 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			log.Serve(w, r, stream.Subscription{KeepAlive: 25 * time.Second, KeepAliveFrame: []byte(":\n")})
		}),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if claim {
				return ctx
			}
			return context.WithValue(ctx, http.LocalAddrContextKey, c.LocalAddr())
		},
	}
	go srv.Serve(ln)

	dial := func() (net.Conn, *bufio.Reader) {
		ours, theirs := net.Pipe()
		ln.conns <- theirs
		fmt.Fprint(ours, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		br := bufio.NewReader(ours)
		res, err := http.ReadResponse(br, nil)
		if err != nil {
			t.Fatal(err)
		}
		return ours, bufio.NewReader(res.Body)
	}
	first, body := dial()
	began := time.Now()
	next := func(want string, at time.Duration) {
		t.Helper()
		line, err := body.ReadString('\n')
		if err != nil || line != want || time.Since(began) != at {
			t.Errorf("got %q, %v after %v; want %q after %v", line, err, time.Since(began), want, at)
		}
	}
	next(":\n", 25*time.Second)
	time.Sleep(10 * time.Second)
	log.Append(stream.Event{ID: 1, Frame: []byte("one\n")})
	next("one\n", 35*time.Second)
	next(":\n", 60*time.Second)

	_, _ = dial() // never reads again
	synctest.Wait()
	if hub.Len() != 2 {
		t.Errorf("%d streams", hub.Len())
	}
	log.Append(stream.Event{ID: 2, Frame: []byte("two\n")})
	next("two\n", 60*time.Second)
	time.Sleep(29 * time.Second)
	next(":\n", 85*time.Second+4*time.Second) // pipes hold nothing: it was written when it was read
	time.Sleep(2 * time.Second)
	synctest.Wait()
	if hub.Len() != 1 {
		t.Errorf("the blocked reader is still there: %d streams", hub.Len())
	}
	first.Close()
	synctest.Wait()
	if hub.Len() != 0 {
		t.Errorf("%d streams after all left", hub.Len())
	}
	third, body := dial()
	defer third.Close()
	go func() {
		for {
			if _, err := body.ReadString('\n'); err != nil {
				return
			}
		}
	}()
	if err := hub.Close(t.Context()); err != nil {
		t.Error(err)
	}
	srv.Close()
}
