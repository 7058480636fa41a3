//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"stint/internal/club"
	"stint/internal/db"
)

const (
	clients = 64
	readers = 10_000
	burst   = 60
)

var clubRows = []row{
	{"GET status/current ÷ bare, ", []goal{{what: "as a member", ratio: 0.80}, {what: "as the public", ratio: 0.80}}, currentStatus},
	{"GET all?count=20, ", []goal{{what: "1,000,000 actions ÷ 1,000", ratio: 0.90}}, selectLast},
	{"PUT status, 64 clients, durable, ", []goal{{what: "÷ bare PUT", ratio: 0.50}, {what: "÷ one transaction a request", ratio: 5}}, putStatus("")},
	{"PUT status, 64 clients, durable, GOMAXPROCS=1, ", []goal{{what: "÷ bare PUT", ratio: 0.50}, {what: "÷ one transaction a request", ratio: 5}}, putStatus("GOMAXPROCS=1")},
	{"10,000 SSE subscribers, ", []goal{
		{what: "one event, p50 ÷ plain stream", ratio: 0.50, atMost: true},
		{what: "one event, p99 ÷ plain stream", ratio: 0.65, atMost: true},
		{what: "memory each", ratio: 4, atMost: true, unit: " KiB"},
		{what: "burst of 60, deliveries a second ÷ plain stream", ratio: 3},
		{what: "burst of 60, frames lost, doubled or out of order", ratio: 0, atMost: true},
	}, fanOut},
	{"resident memory of an idle server", []goal{{ratio: 40, atMost: true, unit: " MiB"}}, idle},
}

func currentStatus(b *bench) ([]float64, error) {
	s, err := b.serve(b.database("current"))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var ratios []float64
	for _, headers := range [][]string{{basic(s.password)}, nil} {
		ask := request{method: "GET", path: "/api/v0/status/current", headers: headers}
		bare, err := b.startBare(s, ask)
		if err != nil {
			return nil, err
		}
		ratio, err := b.compare(clients, target{s.addr, []request{ask}}, target{bare.addr, []request{ask}})
		bare.stop()
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, ratio)
	}
	return ratios, nil
}

// startBare starts a bare server that answers the bytes that s answers.
func (b *bench) startBare(s *server, ask request, env ...string) (*process, error) {
	r, err := http.NewRequest(ask.method, "http://"+s.addr+ask.path, strings.NewReader(inSlot(ask.body, 0)))
	if err != nil {
		return nil, err
	}
	for _, h := range ask.headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %s %s", ask.method, ask.path, answer.Status, body)
	}
	file := filepath.Join(b.dir, "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	return b.start(env, "bare", file)
}

func selectLast(b *bench) ([]float64, error) {
	var targets []target
	for _, actions := range []int{1_000_000, 1_000} {
		file := b.database(fmt.Sprint("log", actions))
		if err := fillLog(b.ctx, file, actions); err != nil {
			return nil, err
		}
		s, err := b.serve(file)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		targets = append(targets, target{s.addr, []request{{method: "GET", path: "/api/v0/all?count=20", headers: []string{basic(s.password)}}}})
	}
	ratio, err := b.compare(clients, targets[0], targets[1])
	return []float64{ratio}, err
}

// fillLog adds actions of all three types to a log.
func fillLog(ctx context.Context, file string, actions int) error {
	d, err := db.Open(ctx, file)
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := club.Open(ctx, d, club.Options{PresenceTimeout: time.Hour, PresenceInterval: time.Hour}); err != nil {
		return err
	}
	return d.Do(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`with recursive n (id) as (select 3 union all select id + 1 from n where id < $1)
			insert into action select id, 1700000000 + id * 60,
				case id % 3 when 0 then 'status' when 1 then 'announcement' else 'presence' end, 'a note',
				'Hans Acker', case when id % 3 > 0 then '' when id % 2 = 0 then 'public' else 'closed' end,
				case id % 3 when 1 then 'new' else '' end, case id % 3 when 1 then id else 0 end,
				case id % 3 when 1 then 1700000000 + id * 60 else 0 end, case id % 3 when 1 then 1700003600 + id * 60 else 0 end,
				0, '', case id % 3 when 2 then '[{"Name":"Hans Acker","Since":1700000000}]' else '' end, 0,
				case id % 3 when 0 then 1 else 0 end from n`, actions)
		if err != nil {
			return err
		}
		_, err = tx.Exec("update counter set value = $1 where name = 'action'", actions)
		return err
	})
}

func putStatus(env string) func(b *bench) ([]float64, error) {
	return func(b *bench) ([]float64, error) {
		var extra []string
		if env != "" {
			extra = []string{env}
		}
		s, err := b.serve(b.database("put"+env), extra...)
		if err != nil {
			return nil, err
		}
		defer s.stop()
		put := request{method: "PUT", path: "/api/v0", headers: []string{basic(s.password)},
			body: `{"type":"status","user":"bench","status":"public","note":"one of many"}`}
		bare, err := b.startBare(s, put, extra...)
		if err != nil {
			return nil, err
		}
		defer bare.stop()
		single, err := b.start(extra, "single", b.database("single"+env))
		if err != nil {
			return nil, err
		}
		defer single.stop()
		toBare, err := b.compare(clients, target{s.addr, []request{put}}, target{bare.addr, []request{put}})
		if err != nil {
			return nil, err
		}
		toSingle, err := b.compare(clients, target{s.addr, []request{put}}, target{single.addr, []request{put}})
		return []float64{toBare, toSingle}, err
	}
}

// fanned is how a server spreads events to many subscribers.
type fanned struct {
	p50, p99   float64 // seconds, medians over the events
	memory     float64 // bytes for each subscriber
	deliveries float64 // a second, in bursts
	wrong      int     // frames missing or out of order
}

func fanOut(b *bench) ([]float64, error) {
	plain, err := b.start(nil, "plain")
	if err != nil {
		return nil, err
	}
	p, err := b.fan(plain, request{method: "GET", path: "/"}, request{method: "PUT", path: "/"})
	plain.stop()
	if err != nil {
		return nil, err
	}
	s, err := b.serve(b.database("stream"), "STINT_STREAMS_PER_ADDRESS=20000")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	auth := []string{basic(s.password)}
	f, err := b.fan(s.process, request{method: "GET", path: "/api/v0/status/stream?format=SSE", headers: auth},
		request{method: "PUT", path: "/api/v0", headers: auth})
	if err != nil {
		return nil, err
	}
	return []float64{f.p50 / p.p50, f.p99 / p.p99, f.memory / 1024,
		f.deliveries / p.deliveries, float64(f.wrong)}, nil
}

// fan measures one server.
func (b *bench) fan(p *process, get, put request) (f fanned, err error) {
	before, err := p.rss()
	if err != nil {
		return f, err
	}
	s, err := b.subscribe(p.addr, readers, get)
	if err != nil {
		return f, err
	}
	defer s.stop()
	time.Sleep(15 * time.Second) // until the collector has given back what connecting took
	after, err := p.rss()
	if err != nil {
		return f, err
	}
	f.memory = (after - before) / readers
	var p50, p99, rates []float64
	for range 25 {
		r, _, err := b.send(s, put, 1)
		if err != nil {
			return f, err
		}
		p50, p99 = append(p50, r.P50), append(p99, r.P99)
		f.wrong += r.Missing + r.Disordered
		time.Sleep(100 * time.Millisecond)
	}
	for range 7 {
		r, began, err := b.send(s, put, burst)
		if err != nil {
			return f, err
		}
		rates = append(rates, burst*readers/(float64(r.Last-began)/1e9))
		f.wrong += r.Missing + r.Disordered
		time.Sleep(500 * time.Millisecond)
	}
	f.p50, f.p99, f.deliveries = median(p50), median(p99), median(rates)
	return f, nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// send makes n events at once and waits for the subscribers' report. It returns
// when it began, in Unix nanoseconds.
func (b *bench) send(s *subscribers, put request, n int) (report, int64, error) {
	if err := s.expect(n); err != nil {
		return report{}, 0, err
	}
	began := time.Now().UnixNano()
	var wg sync.WaitGroup
	failed := make(chan error, n)
	for range n {
		wg.Go(func() {
			put := put
			put.body = fmt.Sprintf(`{"type":"status","user":"bench","status":"public","note":"%s"}`, note())
			if err := once(s.addr, put); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return report{}, 0, err
	default:
	}
	r, err := s.report()
	return r, began, err
}

func idle(b *bench) ([]float64, error) {
	s, err := b.serve(b.database("idle"))
	if err != nil {
		return nil, err
	}
	defer s.stop()
	time.Sleep(5 * time.Second)
	bytes, err := s.rss()
	return []float64{bytes / (1 << 20)}, err
}
