//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// subscribers is a process that holds many streams open and watches what
// arrives on them.
type subscribers struct {
	*process
	in  *bufio.Reader
	out interface{ Write([]byte) (int, error) }
}

// report is what a number of events looked like to all subscribers.
type report struct {
	Missing    int     // frames that did not arrive within 30 s
	Disordered int     // frames whose id was not the one before plus one
	P50, P99   float64 // seconds from the note's instant to the arrival
	Last       int64   // Unix nanoseconds of the last arrival
}

// note is a status note that carries the present instant.
func note() string { return fmt.Sprintf("at=%d", time.Now().UnixNano()) }

// subscribe is the process: address, number, request. It prints "ready" when
// every stream has begun, then reads lines with a number of events and answers
// each with a report when all of them have arrived everywhere.
func subscribe(args []string) error {
	number, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	w := &watcher{streams: map[int32]*watched{}, buffer: make([]byte, 1<<20)}
	if w.epoll, err = syscall.EpollCreate1(0); err != nil {
		return err
	}
	for range number {
		if err := w.open(args[0], args[2]); err != nil {
			return err
		}
	}
	fmt.Println("ready")
	commands := bufio.NewScanner(os.Stdin)
	for commands.Scan() {
		n, err := strconv.Atoi(commands.Text())
		if err != nil {
			return err
		}
		r, err := w.watch(n)
		if err != nil {
			return err
		}
		if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
			return err
		}
	}
	return nil
}

type watcher struct {
	epoll   int
	streams map[int32]*watched
	buffer  []byte
	keep    []*os.File
}

// watched is one stream; rest is a frame that has not arrived whole.
type watched struct {
	rest   []byte
	id     int64 // of the last event; 0 before the first
	frames int
}

// open begins one stream and waits for its first frame.
func (w *watcher) open(addr, request string) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte(request)); err != nil {
		return err
	}
	c.SetDeadline(time.Now().Add(10 * time.Second))
	var head []byte
	for {
		n, err := c.Read(w.buffer)
		if err != nil {
			return err
		}
		head = append(head, w.buffer[:n]...)
		if i := bytes.Index(head, []byte("data: ")); i >= 0 && bytes.Contains(head[i:], []byte("\n\n")) {
			break
		}
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("answered %.60s", head)
	}
	f, err := c.(*net.TCPConn).File()
	if err != nil {
		return err
	}
	w.keep = append(w.keep, f)
	fd := int32(f.Fd())
	if err := syscall.SetNonblock(int(fd), true); err != nil {
		return err
	}
	w.streams[fd] = &watched{}
	return syscall.EpollCtl(w.epoll, syscall.EPOLL_CTL_ADD, int(fd), &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: fd})
}

// watch waits until n frames have arrived on every stream.
func (w *watcher) watch(n int) (report, error) {
	var r report
	var latencies []float64
	waiting := len(w.streams)
	for _, s := range w.streams {
		s.frames = 0
	}
	events := make([]syscall.EpollEvent, 1024)
	deadline := time.Now().Add(30 * time.Second)
	for waiting > 0 && time.Now().Before(deadline) {
		ready, err := syscall.EpollWait(w.epoll, events, 100)
		if err != nil && err != syscall.EINTR {
			return r, err
		}
		for _, e := range events[:max(ready, 0)] {
			got, err := syscall.Read(int(e.Fd), w.buffer)
			if err != nil || got == 0 {
				return r, fmt.Errorf("a stream ended: %v", err)
			}
			s := w.streams[e.Fd]
			before := s.frames
			latencies = s.take(w.buffer[:got], &r, latencies)
			if before < n && s.frames >= n {
				waiting--
			}
		}
	}
	for _, s := range w.streams {
		r.Missing += max(0, n-s.frames)
	}
	if len(latencies) > 0 {
		slices.Sort(latencies)
		r.P50, r.P99 = latencies[len(latencies)/2], latencies[len(latencies)*99/100]
	}
	return r, nil
}

// take counts the frames that have arrived whole.
func (s *watched) take(b []byte, r *report, latencies []float64) []float64 {
	now := time.Now().UnixNano()
	if len(s.rest) > 0 {
		b = append(s.rest, b...)
		s.rest = nil
	}
	for {
		end := bytes.Index(b, []byte("\n\n"))
		if end < 0 {
			break
		}
		frame := b[:end]
		b = b[end+2:]
		sent, ok := number(frame, "at=")
		if !ok {
			continue
		}
		if id, ok := number(frame, `"id":`); ok {
			if s.id != 0 && id != s.id+1 {
				r.Disordered++
			}
			s.id = id
		}
		s.frames++
		r.Last = now
		latencies = append(latencies, float64(now-sent)/1e9)
	}
	if len(b) > 0 {
		s.rest = bytes.Clone(b)
	}
	return latencies
}

// number reads the whole number after a key.
func number(b []byte, key string) (int64, bool) {
	i := bytes.Index(b, []byte(key))
	if i < 0 {
		return 0, false
	}
	b = b[i+len(key):]
	end := 0
	for end < len(b) && b[end] >= '0' && b[end] <= '9' {
		end++
	}
	n, err := strconv.ParseInt(string(b[:end]), 10, 64)
	return n, err == nil
}

// subscribe opens number streams on a server.
func (b *bench) subscribe(addr string, number int, r request) (*subscribers, error) {
	cmd := b.command("subscribe", addr, strconv.Itoa(number), r.bytes())
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &subscribers{&process{cmd, stdin, addr}, bufio.NewReader(out), stdin}
	line, err := s.in.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != "ready" {
		s.stop()
		return nil, fmt.Errorf("subscribing: %q, %v", line, err)
	}
	return s, nil
}

// expect tells the process to watch for n events.
func (s *subscribers) expect(n int) error {
	_, err := fmt.Fprintln(s.out, n)
	time.Sleep(20 * time.Millisecond) // until it watches
	return err
}

func (s *subscribers) report() (r report, err error) {
	line, err := s.in.ReadBytes('\n')
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(line, &r)
}
