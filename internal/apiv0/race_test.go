package apiv0_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"stint/internal/db"
	"stint/internal/db/dbtest"
)

// write makes n actions of two kinds and checks that each is seen by the next
// read of this client.
func (s *server) write(n int) {
	for range n {
		switch rand.IntN(3) {
		case 0:
			aid := s.announce(0, 1000, `"public":true`)
			for _, auth := range []string{"member", ""} {
				if text := s.get(auth, "/api/v0/announcement/current"); !strings.Contains(text, `"aid":`+aid+`,`) {
					s.t.Errorf("announcement %s is not there yet", aid)
				}
			}
		default:
			id := s.put([]string{openStatus, `{"type":"status","user":"Ann","status":"closed","note":""}`}[rand.IntN(2)])
			last := parse(s.t, s.get("member", "/api/v0/status/current"))["last"].(map[string]any)
			if seen, written := number(s.t, last["id"]), number(s.t, id); seen < written {
				s.t.Errorf("status %d is not there yet, but %d", written, seen)
			}
			newest := actions(s.t, s.get("member", "/api/v0/all?id=last"))[0]
			if number(s.t, newest["id"]) < number(s.t, id) {
				s.t.Errorf("the newest action is %v, not yet %s", newest["id"], id)
			}
		}
	}
}

func number(t testing.TB, v any) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(fmt.Sprint(v), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// follower reads the stream of all actions in pieces, from one of some servers
// after the other, and notes what it was given.
type follower struct {
	format string
	ids    []int
}

func (f *follower) last() int {
	if len(f.ids) == 0 {
		return 0
	}
	return f.ids[len(f.ids)-1]
}

// read reads until it has the given action, the stream ends or a number of
// actions was read.
func (f *follower) read(s *server, until, most int) {
	r := s.open("member", "all/stream?format="+f.format, "Last-Event-ID", fmt.Sprint(f.last()))
	defer r.close()
	for f.last() < until && most > 0 {
		line, ok := r.next()
		if !ok {
			return
		}
		if data, isData := strings.CutPrefix(line, "data: "); isData || f.format == "newline" {
			f.ids = append(f.ids, number(s.t, parse(s.t, data)["id"]))
			most--
		}
	}
}

// check wants every action once and in order.
func (f *follower) check(t *testing.T, until int) {
	t.Helper()
	for i, id := range f.ids {
		if id != i+1 {
			t.Fatalf("%s: action %d came in place %d: %v", f.format, id, i+1, f.ids)
		}
	}
	if len(f.ids) != until {
		t.Errorf("%s: %d actions came, want %d", f.format, len(f.ids), until)
	}
}

func followers(n int) (list []*follower) {
	for i := range n {
		list = append(list, &follower{format: []string{"newline", "SSE"}[i%2]})
	}
	return list
}

// TestExactlyOnce writes with several clients while many read, leave and come
// back.
func TestExactlyOnce(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		const writers, writes = 5, 20
		const end = 2 + writers*writes
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() { s.write(writes) })
		}
		list := followers(10)
		for _, f := range list {
			wg.Go(func() {
				for f.last() < end {
					f.read(s, end, 1+rand.IntN(60))
				}
			})
		}
		wg.Wait()
		for _, f := range list {
			f.check(t, end)
		}
	})
}

// TestResumeAcrossRestarts stops the server three times under readers and goes
// on with another on the same database.
func TestResumeAcrossRestarts(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		const writers, writes, rounds = 3, 8, 3
		list := followers(6)
		end := 2
		for round := range rounds {
			if round > 0 {
				s.restart()
			}
			end += writers * writes
			var reading, writing sync.WaitGroup
			for i, f := range list {
				reading.Go(func() {
					f.read(s, end, 10) // leaves early
					if i%3 > 0 {
						f.read(s, end+1, 1000) // until the server stops
					}
				})
			}
			for range writers {
				writing.Go(func() { s.write(writes) })
			}
			writing.Wait()
			s.stop()
			reading.Wait()
		}
		s.start()
		for _, f := range list {
			f.read(s, end, 1000)
			f.check(t, end)
		}
	})
}

// TestTwoServers runs two servers on one database: what is written on either is
// streamed by both, and a reader may go from one to the other at any time.
func TestTwoServers(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		var both []*server
		for range 2 {
			both = append(both, serve(t, dbtest.Open(t, target)))
		}
		const writers, writes = 4, 10
		const end = 2 + writers*writes
		var wg sync.WaitGroup
		public := []*reader{both[0].open("", "status/stream"), both[1].open("", "status/stream")}
		for i := range writers {
			wg.Go(func() { both[i%2].write(writes) })
		}
		list := followers(6)
		for i, f := range list {
			wg.Go(func() {
				for hop := i; f.last() < end; hop++ {
					f.read(both[hop%2], end, 1+rand.IntN(8))
				}
			})
		}
		wg.Wait()
		for _, f := range list {
			f.check(t, end)
		}
		for i, s := range both {
			s.caughtUp()
			for _, path := range []string{"status/current", "announcement/current", "all?count=1000"} {
				wantEqual(t, path, s.get("member", "/api/v0/"+path), both[0].get("member", "/api/v0/"+path))
			}
			for _, a := range actions(t, s.get("", "/api/v0/status?count=1000")) {
				heard := parse(t, public[i].line())
				wantEqual(t, "public", heard, a)
			}
		}
	})
}

// TestResumeBeforeTheTail: a reader that comes from another server may know more
// than this one has read yet. Nothing comes twice.
func TestResumeBeforeTheTail(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		behind := serve(t, dbtest.Open(t, target))
		other := dbtest.Open(t, target)
		ahead := serve(t, other)
		for range 3 {
			id := ahead.put(openStatus)
			r := behind.open("member", "all/stream", "Last-Event-ID", id)
			next := ahead.put(openStatus)
			wantEqual(t, "resumed after "+id, r.id(), next)
			r.close()
		}
	})
}

// TestConcurrentChanges: of many who delete an announcement at once, on two
// servers, one does, and of its changes none comes after that.
func TestConcurrentChanges(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		both := []*server{serve(t, dbtest.Open(t, target)), serve(t, dbtest.Open(t, target))}
		for range 5 {
			aid := both[0].announce(1000, 2000)
			var deleted, asked atomic.Int64
			many(12, func() {
				n := asked.Add(1)
				body := `{"method":"del","aid":` + aid + `}`
				if n%3 == 0 {
					body = mod(aid, 1500, 2500)
				}
				resp, text := both[n%2].do("member", "PUT", "/api/v0", body)
				switch {
				case resp.StatusCode == 200 && n%3 > 0:
					deleted.Add(1)
				case resp.StatusCode != 200 && resp.StatusCode != 404:
					t.Errorf("%d %s", resp.StatusCode, text)
				}
			})
			wantEqual(t, "deleted", deleted.Load(), 1)
			last := actions(t, both[0].get("member", "/api/v0/announcement?count=1"))[0]
			wantEqual(t, "the last action", last["method"], "del")
		}
		log := actions(t, both[0].get("member", "/api/v0/all?count=1000"))
		wantEqual(t, "ids without gaps", number(t, log[len(log)-1]["id"]), len(log))
	})
}

// TestClosedDatabase: what needs the database is 503, what is in memory is not.
func TestClosedDatabase(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := serve(t, d)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		s.unjudged()
		s.status(503, "", "member", "PUT", "/api/v0", openStatus)
		s.status(503, "", "member", "GET", "/api/v0/all", "")
		s.status(200, "", "member", "GET", "/api/v0/status/current", "")
		s.status(200, "", "", "GET", "/api/v0/status/current", "")
	})
}
