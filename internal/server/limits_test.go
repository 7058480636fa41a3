package server

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"stint/internal/config"
	"stint/internal/db/dbtest"
)

// pipes is a listener whose connections are in memory, so that the limits can
// be waited for in a bubble's time.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error {
	defer func() { recover() }() // closed before
	close(p)
	return nil
}

func (p pipes) Addr() net.Addr { return &net.IPAddr{} }

func (p pipes) dial() net.Conn {
	ours, theirs := net.Pipe()
	p <- theirs
	return ours
}

// A client that begins and never ends is sent away.
func TestWhatNeverEnds(t *testing.T) {
	for name, c := range map[string]struct {
		send   string
		answer string // how it begins
		within time.Duration
	}{
		"nothing":          {"", "", headerTimeout},
		"headers":          {"GET / HTTP/1.1\r\nHost: a\r\nX-A: ", "", headerTimeout},
		"body of a PUT":    {"PUT /api/v0 HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{", "HTTP/1.1 408", bodyTimeout},
		"body of a GET":    {"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{", "HTTP/1.1 200", bodyTimeout},
		"chunks of a GET":  {"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", "HTTP/1.1 200", bodyTimeout},
		"header of 17 KiB": {"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + strings.Repeat("a", 17<<10) + "\r\n\r\n", "HTTP/1.1 431", time.Second},
		"idle":             {"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200", idleTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			file := dbtest.SQLite(t)
			synctest.Test(t, func(t *testing.T) {
				l := pipes(make(chan net.Conn))
				stop := serveHouse(t, file, l)
				conn := l.dial()
				began := time.Now()
				go io.WriteString(conn, c.send)
				answer, _ := io.ReadAll(conn)
				took := time.Since(began)
				if !strings.HasPrefix(string(answer), c.answer) || took > c.within+time.Second {
					t.Errorf("after %s: %.200q", took, answer)
				}
				conn.Close()
				stop()
			})
		})
	}
}

// A client that does not read its answer is sent away too.
func TestWhoDoesNotRead(t *testing.T) {
	file := dbtest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		l := pipes(make(chan net.Conn))
		stop := serveHouse(t, file, l)
		conn := l.dial()
		io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
		time.Sleep(answerTimeout + time.Second)
		if answer, _ := io.ReadAll(conn); len(answer) > 0 {
			t.Errorf("after %s: %.200q", answerTimeout, answer)
		}
		conn.Close()
		stop()
	})
}

func serveHouse(t *testing.T, file string, l net.Listener) (stop func()) {
	t.Helper()
	c, err := config.Load(config.Sources{Env: func(string) string { return "" }, Flags: map[string]string{"club-open": "on", "database": file}})
	if err != nil {
		t.Fatal(err)
	}
	d := dbtest.Open(t, file)
	h, err := open(t.Context(), c, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- h.serve(ctx, l, nil) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		h.close()
		d.Close()
	}
}
