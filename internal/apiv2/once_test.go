package apiv2_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/internal/account"
	"stint/internal/db/dbtest"
)

func TestIdempotency(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		body := `{"type":"live","scheduledend":"2026-03-01","maxend":1,"links":1,"colour":"red"}`
		first := s.post(body, "Idempotency-Key", "k 1").must(201)
		again := s.post(body, "Idempotency-Key", "k 1").must(201)
		if again.text != first.text || first.header.Get("Idempotent-Replayed") != "" || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("first %s %v, again %s %v", first.text, first.header, again.text, again.header)
		}
		s.post(with(body, `"public":1`), "Idempotency-Key", "k 1").refused(409, "idempotency_conflict", "")
		// Another key, or none, is another request.
		s.post(body, "Idempotency-Key", "k 2").refused(409, "active_session_exists", "")
		s.post(body).refused(409, "active_session_exists", "")
		// A refusal is not kept: the same request may succeed later.
		s.delete("?id=1&discard=1").must(200)
		s.post(body, "Idempotency-Key", "k 2").must(201).want("data.id", "2")
		// The first answer is given even though its session has gone.
		if again := s.post(body, "Idempotency-Key", "k 1").must(201); again.text != first.text {
			t.Errorf("replayed %s", again.text)
		}
		// Keys belong to a token.
		other := "Bearer " + s.tokenOf("Ann", "tablet", account.TokenWrite, time.Time{})
		s.post(body, "Idempotency-Key", "k 1", "Authorization", other).refused(409, "active_session_exists", "")
		s.get("").want("data.total", "1")
		// After a day a key is new.
		s.pass(24 * time.Hour)
		s.post(body, "Idempotency-Key", "k 1").refused(409, "active_session_exists", "")
	})
}

func TestIdempotencyAfterARestart(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		clock := newClock()
		one := serve(t, dbtest.Open(t, target), clock)
		first := one.post(`{"type":"live"}`, "Idempotency-Key", "once").must(201)
		two := serve(t, dbtest.Open(t, target), clock)
		two.token = one.token
		if again := two.post(`{"type":"live"}`, "Idempotency-Key", "once").must(201); again.text != first.text {
			t.Errorf("%s, then %s", first.text, again.text)
		}
	})
}

// atOnce sends n requests at the same time and returns the answers.
func atOnce(n int, send func(i int) result) []result {
	answers := make([]result, n)
	gate := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-gate
			answers[i] = send(i)
		})
	}
	close(gate)
	all.Wait()
	return answers
}

func tally(answers []result) map[string]int {
	counts := map[string]int{}
	for _, r := range answers {
		key := fmt.Sprint(r.status)
		if code, _ := r.body.at("error.code").(string); code != "" {
			key += " " + code
		}
		counts[key]++
	}
	return counts
}

func TestReplaysAtOnce(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		clock := newClock()
		one := serve(t, dbtest.Open(t, target), clock)
		two := serve(t, dbtest.Open(t, target), clock)
		two.token = one.token
		for round := range 5 {
			body := manual(fmt.Sprintf("2026-01-%02d", 10+round), "", fmt.Sprintf("2026-01-%02d", 11+round), "", `"colour":"red"`)
			answers := atOnce(16, func(i int) result {
				return []*server{one, two}[i%2].post(body, "Idempotency-Key", fmt.Sprint("round ", round))
			})
			replayed := 0
			for _, r := range answers {
				if r.must(201).text != answers[0].text {
					t.Errorf("%s and %s", r.text, answers[0].text)
				}
				if r.header.Get("Idempotent-Replayed") == "true" {
					replayed++
				}
			}
			if replayed != 15 {
				t.Errorf("%d replays of 16 answers", replayed)
			}
			one.get("").want("data.total", fmt.Sprint(round+1))
		}
	})
}

// The same key with different bodies at once: one wins, the others are refused.
func TestConflictingReplaysAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		counts := tally(atOnce(16, func(i int) result {
			day := 1 + i
			return s.post(manual(fmt.Sprintf("2026-01-%02d", day), "", fmt.Sprintf("2026-01-%02d", day+1), ""), "Idempotency-Key", "one")
		}))
		if counts["201"] != 1 || counts["409 idempotency_conflict"] != 15 {
			t.Errorf("%v", counts)
		}
		s.get("").want("data.total", "1")
	})
}

func TestSixteenStarts(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		clock := newClock()
		one := serve(t, dbtest.Open(t, target), clock)
		two := serve(t, dbtest.Open(t, target), clock)
		two.token = one.token
		for _, servers := range [][]*server{{one, one}, {one, two}} {
			for range 10 {
				answers := atOnce(16, func(i int) result {
					return servers[i%2].post(`{"type":"live","scheduledend":"2026-03-01","dices":1}`)
				})
				if counts := tally(answers); counts["201"] != 1 || counts["409 active_session_exists"] != 15 {
					t.Errorf("sixteen starts: %v", counts)
				}
				r := one.get("?active=1").want("data.total", "1")
				id, _ := r.body.at("data.items.0.id").(json.Number)
				two.delete("?id=" + id.String() + "&discard=1").must(200)
			}
		}
	})
}

func TestSixteenOverlappingSessions(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		counts := tally(atOnce(16, func(i int) result {
			return s.post(manual("2026-01-10", fmt.Sprintf("%02d:00", i), "2026-01-11", ""))
		}))
		if counts["201"] != 1 || counts["409 overlap"] != 15 {
			t.Errorf("%v", counts)
		}
	})
}

// A session is stopped once, however often it is asked for.
func TestSixteenStops(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live","startdate":"2026-02-01"}`).must(201)
		counts := tally(atOnce(16, func(i int) result { return s.patch("1", fmt.Sprintf(`{"enddate":"2026-02-0%d"}`, 2+i%4)) }))
		if counts["200"] != 1 || counts["409 not_active"] != 15 {
			t.Errorf("%v", counts)
		}
	})
}

// The key of a request may be as long as it is allowed to be.
func TestLongestIdempotencyKey(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		key := strings.Repeat("~", 255)
		s.post(`{"type":"live"}`, "Idempotency-Key", key).must(201)
		s.post(`{"type":"live"}`, "Idempotency-Key", key).must(201).want("data.id", "1")
	})
}
