package apiv2_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/internal/account"
	"stint/internal/db/dbtest"
)

// Whoever was answered a write sees what was done, however often the session is asked for meanwhile.
func TestReadsSeeWhatWasWritten(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		id := s.post(`{"type":"live","scheduledend":"2026-03-01"}`).must(201).id()
		stop := make(chan struct{})
		var readers sync.WaitGroup
		for range 3 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						s.get("?id=" + id).must(200)
					}
				}
			})
		}
		for i := range 40 {
			note := fmt.Sprintf(`"note %d"`, i)
			s.patch(id, `{"notes":`+note+`}`).must(200)
			s.get("?id="+id).must(200).want("data.notes", note)
		}
		close(stop)
		readers.Wait()
		s.delete("?id=" + id + "&discard=1").must(200)
		s.get("?id="+id).refused(404, "not_found", "")
	})
}

// What a clock changes is seen at its second.
func TestReadsSeeTheClock(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live","scheduledend":"2026-02-05","scheduledendtime":"13:01"}`).must(201)
		s.get("?id=1").want("data.reached_utc", "null")
		s.pass(59 * time.Second)
		s.get("?id=1").want("data.reached_utc", "null")
		s.pass(time.Second)
		s.get("?id=1").want("data.reached_utc", `"2026-02-05 12:01:00"`)
	})
}

// An answer is kept for its owner and without the warnings of another request.
func TestAnswersAreNotMixedUp(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(manual("2026-01-10", "", "2026-01-11", "", `"notes":"`+strings.Repeat("n", 5000)+`"`)).must(201)
		s.post(manual("2026-01-11", "", "2026-01-12", "")).must(201)
		other := "Bearer " + s.person("Bob", "UTC")
		reader := "Bearer " + s.tokenOf("Ann", "reader", account.TokenRead, time.Time{})
		for range 2 {
			for id := range 2 {
				query := fmt.Sprintf("?id=%d", id+1)
				s.get(query).must(200).want("data.id", fmt.Sprint(id+1), "meta.warnings", "absent")
				s.get(query+"&colour=red").must(200).want("meta.warnings.0", `"colour: this parameter is not known; it is ignored"`)
				s.do("GET", path+query, "", "Authorization", reader).must(200).want("data.id", fmt.Sprint(id+1))
				s.do("GET", path+query, "", "Authorization", other).refused(404, "not_found", "")
				if r := s.do("HEAD", path+query, "").must(200); r.text != "" {
					t.Errorf("HEAD is answered %q", r.text)
				}
			}
		}
	})
}

// What the other server did is seen within a second.
func TestReadsSeeTheOtherServer(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		clock := newClock()
		one := serve(t, dbtest.Open(t, target), clock)
		two := serve(t, dbtest.Open(t, target), clock)
		two.token = one.token
		one.post(`{"type":"live","notes":"old"}`).must(201)
		two.get("?id=1").must(200).want("data.notes", `"old"`)
		one.patch("1", `{"notes":"new"}`).must(200)
		for end := time.Now().Add(time.Second); two.get("?id=1").must(200).body.at("data.notes") != "new"; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("not seen after a second")
			}
		}
	})
}
