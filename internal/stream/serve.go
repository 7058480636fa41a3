package stream

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"time"
)

// A Subscription says what one reader gets.
type Subscription struct {
	Prelude        []byte        // written first
	After          int64         // then every event with a higher id, in order, once
	KeepAlive      time.Duration // how long nothing is sent before KeepAliveFrame is; 0: never. Whole seconds.
	KeepAliveFrame []byte        // kept, not copied: share one
	Addr           string        // for the ceiling per address; "" is an address too
	// Until ends the stream when it is closed: no event is begun from then on, and the connection is closed before the
	// next one, or when the Hub looks at quiet streams, or when a write that is blocked is given up. nil: never.
	Until <-chan struct{}
}

// over says whether a stream was to end by now.
func over(until <-chan struct{}) bool {
	select {
	case <-until:
		return true
	default:
		return false
	}
}

// Serve answers r with a stream that lasts until the reader leaves or the Hub
// closes. The status is 200, the headers are those of w.
//
// It returns ErrFull or ErrClosed before anything is written. Otherwise the
// answer was given and Serve returns nil: at once when r came over HTTP/1 on a
// plain socket, whose connection is then taken over; after the stream's end
// with TLS, HTTP/2 and any other transport. A HEAD request gets the headers.
func (l *Log) Serve(w http.ResponseWriter, r *http.Request, s Subscription) error {
	h := l.hub
	if err := h.admit(s.Addr); err != nil {
		return err
	}
	defer h.running.Done()
	l.count.Add(1)
	if r.Method == http.MethodHead {
		l.release(s.Addr)
		w.WriteHeader(http.StatusOK)
		return nil
	}
	rc := http.NewResponseController(w)
	if takable(r) {
		if conn, _, err := rc.Hijack(); err == nil {
			s.Prelude = append(responseHead(w.Header(), r), s.Prelude...)
			l.takeOver(conn, s)
			return nil
		}
	}
	defer l.release(s.Addr)
	if r.ProtoMajor == 1 {
		w.Header().Set("Connection", "close")
	}
	_ = rc.SetReadDeadline(time.Time{}) // the server's would end the stream
	w.WriteHeader(http.StatusOK)
	p := h.pick(w, rc.Flush, rc.SetWriteDeadline, s.Until)
	defer h.lay(p)
	l.follow(r.Context(), p, s)
	return nil
}

// release takes a stream of addr out of the counts.
func (l *Log) release(addr string) {
	l.count.Add(-1)
	l.hub.release(addr)
}

// takable reports whether the connection of r carries nothing but this answer
// and is likely a socket.
func takable(r *http.Request) bool {
	if r.ProtoMajor != 1 || r.TLS != nil {
		return false
	}
	switch r.Context().Value(http.LocalAddrContextKey).(type) {
	case *net.TCPAddr, *net.UnixAddr:
		return true
	}
	return false
}

// responseHead returns status line and headers of an answer that ends with
// its connection.
func responseHead(header http.Header, r *http.Request) []byte {
	header = header.Clone()
	header.Del("Content-Length")
	header.Del("Transfer-Encoding")
	header.Set("Connection", "close")
	if header.Get("Date") == "" {
		header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	var b bytes.Buffer
	if r.ProtoAtLeast(1, 1) {
		b.WriteString("HTTP/1.1 200 OK\r\n")
	} else {
		b.WriteString("HTTP/1.0 200 OK\r\n")
	}
	_ = header.Write(&b)
	b.WriteString("\r\n")
	return b.Bytes()
}

// takeOver serves a connection that is ours alone.
func (l *Log) takeOver(conn net.Conn, s Subscription) {
	_ = conn.SetDeadline(time.Time{})
	raw, ok := rawConn(conn)
	if !ok {
		l.keep(conn, s)
		return
	}
	sub := &subscriber{
		conn: conn, raw: raw, lane: l.join(), after: s.After, wrote: l.hub.clock(),
		keepAlive: s.KeepAlive, frame: s.KeepAliveFrame, addr: s.Addr, until: s.Until,
	}
	n, err := newAttempt().send(raw, s.Prelude)
	switch {
	case err != nil:
		sub.end()
	case n < len(s.Prelude):
		l.hub.running.Go(func() { sub.chase(s.Prelude[n:]) })
	case !sub.lane.worker.adopt(sub):
		sub.end()
	}
}

// keep serves a connection that is something other than a socket, such as one
// a listener wrapped, with the calling goroutine and one that reads.
func (l *Log) keep(conn net.Conn, s Subscription) {
	h := l.hub
	defer l.release(s.Addr)
	defer conn.Close()
	ctx, cancel := context.WithCancel(context.Background())
	h.running.Go(func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, conn)
	})
	p := h.pick(conn, func() error { return nil }, conn.SetWriteDeadline, s.Until)
	defer h.lay(p)
	l.follow(ctx, p, s)
}

// join returns the lane with the fewest readers and counts one more.
func (l *Log) join() *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lanes == nil {
		for _, w := range l.hub.workers {
			l.lanes = append(l.lanes, &lane{log: l, worker: w})
		}
	}
	least := l.lanes[0]
	for _, ln := range l.lanes {
		if ln.readers < least.readers {
			least = ln
		}
	}
	least.readers++
	return least
}

func (ln *lane) leave() {
	ln.log.mu.Lock()
	defer ln.log.mu.Unlock()
	ln.readers--
}
