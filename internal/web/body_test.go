package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stint/internal/web"
)

// read answers with the status that ReadBody refuses with, or the body.
func read(w http.ResponseWriter, r *http.Request) {
	body, err := web.ReadBody(w, r, 10)
	var refused *web.Error
	if errors.As(err, &refused) {
		for name, values := range refused.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(refused.Status)
		return
	}
	w.Write(body)
}

func TestReadBody(t *testing.T) {
	url, _ := logged(t, "/", read)
	const put = "PUT / HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct {
		name, request string
		status        int
		body          string
	}{
		{"none", put + "\r\n", 200, ""},
		{"empty", put + "Content-Length: 0\r\n\r\n", 200, ""},
		{"as long as allowed", put + "Content-Length: 10\r\n\r\n0123456789", 200, "0123456789"},
		{"a byte too long", put + "Content-Length: 11\r\n\r\n0123456789x", 413, ""},
		{"said to be huge", put + "Content-Length: 9223372036854775807\r\n\r\n", 413, ""},
		{"in chunks", put + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 200, "abcde"},
		{"in too many chunks", put + "Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n6\r\nabcdef\r\n0\r\n\r\n", 413, ""},
		{"in endless chunks", put + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("1\r\na\r\n", 12), 413, ""},
		{"in broken chunks", put + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc", 400, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := raw(t, url, c.request)
			if resp.StatusCode != c.status {
				t.Fatalf("status %d, want %d", resp.StatusCode, c.status)
			}
			if c.status != 200 {
				if !resp.Close {
					t.Error("the connection stays open")
				}
				return
			}
			if body, err := io.ReadAll(resp.Body); string(body) != c.body || err != nil {
				t.Errorf("got %q, %v", body, err)
			}
		})
	}
}

// pipes is a listener of connections made in memory, for time in a bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// TestSlowBodies: a body gets 20 seconds, and no connection is left behind by
// one that does not end.
func TestSlowBodies(t *testing.T) {
	for _, c := range []struct {
		name   string
		head   string
		pause  time.Duration // between the first six bytes, then nothing more comes
		status int
		after  time.Duration
	}{
		{"in time", "Content-Length: 6", 3 * time.Second, 200, 15 * time.Second},
		{"never", "Content-Length: 7", 0, 408, 20 * time.Second},
		{"a byte now and then", "Content-Length: 6", 9 * time.Second, 408, 20 * time.Second},
		{"no chunk", "Transfer-Encoding: chunked", 0, 408, 20 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var sender sync.WaitGroup
				defer sender.Wait()
				ln := pipes{make(chan net.Conn), make(chan struct{})}
				srv := &http.Server{Handler: http.HandlerFunc(read)}
				go srv.Serve(ln)
				defer srv.Close()
				ours, theirs := net.Pipe()
				defer ours.Close()
				ln.conns <- theirs
				began := time.Now()
				sender.Go(func() {
					fmt.Fprintf(ours, "PUT / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", c.head)
					for i := range 6 {
						if i > 0 {
							time.Sleep(c.pause)
						}
						if strings.HasPrefix(c.head, "Content-Length") {
							fmt.Fprint(ours, "x")
						}
					}
				})
				resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
				if err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); resp.StatusCode != c.status || took != c.after {
					t.Errorf("status %d after %v, want %d after %v", resp.StatusCode, took, c.status, c.after)
				}
			})
		})
	}
}

// TestTooLongIsLetGo: after a 413 net/http reads on for a while; that must end.
func TestTooLongIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := pipes{make(chan net.Conn), make(chan struct{})}
		srv := &http.Server{Handler: http.HandlerFunc(read)}
		go srv.Serve(ln)
		defer srv.Close()
		ours, theirs := net.Pipe()
		defer ours.Close()
		ln.conns <- theirs
		go fmt.Fprint(ours, "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789x\r\n")
		in := bufio.NewReader(ours)
		resp, err := http.ReadResponse(in, nil)
		if err != nil || resp.StatusCode != 413 {
			t.Fatal(resp, err)
		}
		began := time.Now()
		if _, err := in.ReadByte(); err == nil || time.Since(began) > time.Minute {
			t.Errorf("the connection is open for %v more, %v", time.Since(began), err)
		}
	})
}
