//go:build linux

package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// request is what a client sends again and again.
type request struct {
	method, path, body string
	headers            []string
	status             int // that is expected; 0: any 2xx
}

// What stands for the times of a session in a body, of the same length: each
// request gets the next slot of 65 minutes, in which a session of one hour fits.
const (
	slotDate    = "@date-from"
	slotTime    = "@t-fr"
	slotEndDate = "@date-upto"
	slotEndTime = "@t-up"

	slotLength  = 65 * time.Minute
	slotsPerRun = 10_000
)

var slotsBegin = time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC)

// basic is the header of HTTP Basic.
func basic(password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(":"+password))
}

func (r request) bytes() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s HTTP/1.1\r\nHost: bench\r\n", r.method, r.path)
	for _, h := range r.headers {
		s.WriteString(h + "\r\n")
	}
	if r.body != "" {
		fmt.Fprintf(&s, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(r.body))
	}
	return s.String() + "\r\n" + r.body
}

// rate returns the expected answers per second that clients get at once from a
// server. Client i sends request i, i + clients and so on, from the beginning
// again after the last: with as many requests as clients, each client has its own.
func (b *bench) rate(addr string, clients int, requests ...request) (float64, error) {
	b.slot += slotsPerRun
	args := []string{"load", addr, strconv.Itoa(clients), b.seconds.String(), strconv.Itoa(b.slot), strconv.Itoa(requests[0].status)}
	for _, r := range requests {
		args = append(args, r.bytes())
	}
	out, err := b.command(args...).Output()
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// target is a server and what it is asked.
type target struct {
	addr     string
	requests []request
}

// compare returns the median, over five rounds, of the rate of the first target
// divided by that of the second. The two are measured in turns.
func (b *bench) compare(clients int, first, second target) (float64, error) {
	var ratios []float64
	for range 5 {
		x, err := b.rate(first.addr, clients, first.requests...)
		if err != nil {
			return 0, err
		}
		y, err := b.rate(second.addr, clients, second.requests...)
		if err != nil {
			return 0, err
		}
		ratios = append(ratios, x/y)
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2], nil
}

// generate is the process behind rate: address, clients, duration, first slot,
// status, requests.
func generate(args []string) error {
	var numbers [3]int
	for i, text := range []string{args[1], args[3], args[4]} {
		var err error
		if numbers[i], err = strconv.Atoi(text); err != nil {
			return err
		}
	}
	clients := numbers[0]
	duration, err := time.ParseDuration(args[2])
	if err != nil {
		return err
	}
	g := generator{addr: args[0], clients: clients, slot: numbers[1], status: numbers[2], requests: args[5:]}
	var count atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	began := time.Now()
	until := began.Add(duration)
	for i := range clients {
		wg.Go(func() {
			if err := g.client(i, until, &count); err != nil {
				failed.Store(&err)
			}
		})
	}
	wg.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	fmt.Println(float64(count.Load()) / time.Since(began).Seconds())
	return nil
}

type generator struct {
	addr         string
	clients      int
	slot, status int
	requests     []string
}

func (g generator) client(first int, until time.Time, count *atomic.Int64) error {
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(until.Add(30 * time.Second))
	r := bufio.NewReader(c)
	slot := g.slot
	for i := first; time.Now().Before(until); i += g.clients {
		text := g.requests[i%len(g.requests)]
		if strings.Contains(text, slotDate) {
			text = inSlot(text, slot)
			slot++
		}
		if _, err := io.WriteString(c, text); err != nil {
			return err
		}
		if err := answer(r, g.status); err != nil {
			return err
		}
		count.Add(1)
	}
	return nil
}

// inSlot puts the times of a slot into a request.
func inSlot(text string, slot int) string {
	from := slotsBegin.Add(time.Duration(slot) * slotLength)
	upto := from.Add(time.Hour)
	return strings.NewReplacer(
		slotDate, from.Format(time.DateOnly), slotTime, from.Format("15:04"),
		slotEndDate, upto.Format(time.DateOnly), slotEndTime, upto.Format("15:04")).Replace(text)
}

// once sends one request on a connection of its own.
func once(addr string, r request) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, r.bytes()); err != nil {
		return err
	}
	return answer(bufio.NewReader(c), r.status)
}

// answer reads one answer, with a Content-Length or in chunks, whose status must
// be the expected one.
func answer(r *bufio.Reader, expected int) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(status) < 12 || expected == 0 && status[9] != '2' || expected != 0 && string(status[9:12]) != strconv.Itoa(expected) {
		return fmt.Errorf("answered %s", strings.TrimSpace(string(status)))
	}
	length, chunked := 0, false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if value, ok := header(line, "Content-Length: "); ok {
			if length, err = strconv.Atoi(value); err != nil {
				return err
			}
		}
		if _, ok := header(line, "Transfer-Encoding: "); ok {
			chunked = true
		}
	}
	for chunked {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(line), 16, 64)
		if err != nil {
			return err
		}
		if _, err := r.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
	_, err = r.Discard(length)
	return err
}

func header(line []byte, name string) (string, bool) {
	if len(line) < len(name) || string(line[:len(name)]) != name {
		return "", false
	}
	return strings.TrimSpace(string(line[len(name):])), true
}
