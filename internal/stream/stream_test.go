package stream_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/internal/stream"
)

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
