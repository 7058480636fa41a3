package apiv2_test

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/internal/tracker/fair"
)

const (
	histories = "/api/v2/histories.php"
	changes   = "/api/v2/games_changes.php"
)

func TestHistories(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(dice, link)
		s.pass(1500 * time.Millisecond)
		s.play("dice", id).must(200)
		s.pass(24 * time.Hour)
		s.vote(s.voteToken(id), "add").must(200)
		s.patch(id, `{"scheduledend":"2026-03-01"}`).must(200)
		r := s.do("GET", histories+"?session="+id, "").must(200).want("data.count", "4", "data.limit", "50", "data.cursor_next", "null",
			"data.has_games_changes", "0", "data.items.0.source", `"MANUAL"`, "data.items.0.schedule", `"2026-02-28 23:00:00"`,
			"data.items.1.source", `"LINK"`, "data.items.1.unit", "3600", "data.items.1.rolled", "3600", "data.items.1.multiplier", "1.00",
			"data.items.2.source", `"DICE"`, "data.items.2.happened", `"2026-02-05 12:00:01.500"`, "data.items.2.nonce", "1",
			"data.items.3.type", `"START"`, "data.items.3.unit", "null", "data.items.3.source", "null", "data.items.3.dom", "0",
			"data.items.3.schedule", `"2026-02-10 12:00:00"`, "data.items.3.happened", `"2026-02-05 12:00:00.000"`)
		all := raw(t, r.text, "data", "items")
		for query, count := range map[string]string{
			"&type=start": "1", "&type=ADD&source=link": "1", "&type=SUB&source=link": "0", "&dom=0": "4", "&dom=1": "0",
			"&from=2026-02-06": "2", "&to=2026-02-05": "2", "&from=2026-02-05&to=2026-02-06": "4", "&from=2026-02-05+12:00:01&to=2026-02-05T12:00:01Z": "1",
			"&from=2026-02-05+12:00:01.500&to=2026-02-05+12:00:01.500": "1", "&to=2026-02-05+12:00:01.499": "1", "&from=2027-01-01": "0", "&limit=1000": "4",
		} {
			s.do("GET", histories+"?session="+id+query, "").must(200).want("data.count", count)
		}
		var pages []json.RawMessage
		for query := "&limit=1"; ; {
			p := s.do("GET", histories+"?session="+id+query, "").must(200)
			var items []json.RawMessage
			if err := json.Unmarshal([]byte(raw(t, p.text, "data", "items")), &items); err != nil {
				t.Fatal(err)
			}
			pages = append(pages, items...)
			next, more := p.body.at("data.cursor_next").(string)
			if !more {
				break
			}
			query = "&limit=1&cursor=" + url.QueryEscape(next)
		}
		if text, _ := json.Marshal(pages); string(text) != all {
			t.Errorf("pages %s\nwhole %s", text, all)
		}
	})
}

func TestRefusedReads(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		earlier := s.post(`{"type":"live","startdate":"2026-02-01","scheduledend":"2026-02-10","dices":1}`).must(201).id()
		s.play("dice", earlier).must(200)
		s.patch(earlier, `{"endNow":true}`).must(200)
		id := s.begin(dice)
		cursor, _ := s.do("GET", histories+"?session="+earlier+"&limit=1", "").must(200).body.at("data.cursor_next").(string)
		for _, target := range []string{histories, changes} {
			for query, field := range map[string]string{
				"": "session", "?session=": "session", "?session=x": "session", "?session=0": "session", "?session=" + id + "&session=" + id: "session",
				"?session=" + id + "&limit=0": "limit", "?session=" + id + "&limit=-1": "limit", "?session=" + id + "&limit=x": "limit",
				"?session=" + id + "&cursor=x": "cursor", "?session=" + id + "&cursor=" + cursor: "cursor",
				"?session=" + id + "&from=yesterday": "from", "?session=" + id + "&to=2026-02-30": "to",
				"?session=" + id + "&from=2026-02-06&to=2026-02-05": "from",
			} {
				s.do("GET", target+query, "").refused(400, "validation", field)
			}
			s.do("GET", target+"?session=99", "").refused(404, "not_found", "")
			s.as(s.bob, "GET", target+"?session="+id, "").refused(404, "not_found", "")
			s.do("POST", target+"?session="+id, "{}").refused(405, "method_not_allowed", "")
		}
		for query, field := range map[string]string{"&type=MUL": "type", "&source=ME": "source", "&dom=2": "dom"} {
			s.do("GET", histories+"?session="+id+query, "").refused(400, "validation", field)
		}
		for query, field := range map[string]string{"&game=chess": "game", "&action=MOVE": "action", "&include_raw=2": "include_raw", "&include_diff=x": "include_diff"} {
			s.do("GET", changes+"?session="+id+query, "").refused(400, "validation", field)
		}
		s.do("GET", changes+"?session="+id+"&cursor="+cursor, "").refused(400, "validation", "cursor")
	})
}

// Somebody who turns pages while rows arrive sees every row that was there at the beginning, once.
func TestCursorsWhileRowsArrive(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(luck)
		for range 40 {
			s.play("luck", id).must(200)
		}
		stop := make(chan struct{})
		var writers sync.WaitGroup
		for range 4 {
			writers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						s.play("luck", id).must(200)
					}
				}
			})
		}
		before := s.play("luck", id).must(200).number("data.proof.nonce")
		seen := map[string]int{}
		for cursor := ""; ; {
			p := s.do("GET", histories+"?session="+id+"&limit=3&cursor="+cursor, "").must(200)
			for i := range 3 {
				if v := p.body.at(fmt.Sprintf("data.items.%d.nonce", i)); v != nil {
					seen[fmt.Sprint(v)]++
				}
			}
			next, more := p.body.at("data.cursor_next").(string)
			if !more {
				break
			}
			cursor = next
		}
		close(stop)
		writers.Wait()
		for nonce := int64(1); nonce <= before; nonce++ {
			if n := seen[fmt.Sprint(nonce)]; n != 1 {
				t.Errorf("play %d was seen %d times", nonce, n)
			}
		}
	})
}

func TestStats(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		s.do("GET", "/api/v2/stats.php", "").must(200).want("data.nick", `"Ann"`, "data.profile_url", "null", "data.locked", "0", "data.current_lock_start", "null",
			"data.scheduled_end", "null", "data.current_lock_time", "null", "data.total_locked_since", `"0 minutes"`, "data.since_date", "null", "data.link_game", "null")
		s.post(manual("2026-01-01", "00:30", "2026-01-03", "01:31")).must(201)
		id := s.begin(link)
		s.pass(25*time.Hour + 90*time.Second)
		s.do("GET", "/api/v2/stats", "").must(200).want("data.locked", "1", "data.current_lock_start", `"2026-02-05 12:00:00 UTC"`,
			"data.scheduled_end", `"2026-02-10 12:00:00 UTC"`, "data.current_lock_time", `"1 day, 1 hour, 1 minute"`,
			"data.total_locked_since", `"3 days, 2 hours, 2 minutes"`, "data.since_date", `"2026-01-01"`,
			"data.link_game", fmt.Sprintf("%q", s.url+"/v/"+s.voteToken(id)))
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			if r := s.do(method, "/api/v2/stats.php", "").refused(405, "method_not_allowed", ""); r.header.Get("Allow") != "GET, HEAD, OPTIONS" {
				t.Errorf("Allow %q", r.header.Get("Allow"))
			}
		}
	})
}

func TestFair(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		const target = "/api/v2/fair.php"
		account := s.do("GET", target, "").must(200).want("data.session", "null", "data.number", "0", "data.used", "0", "data.length", "10000")
		if again := s.do("GET", target, "").must(200); again.text != account.text {
			t.Errorf("%s, then %s", account.text, again.text)
		}
		s.do("POST", target, `{"clientseed":"drawn ends"}`).must(200).want("data.clientseed", `"drawn ends"`)
		id := s.post(`{"type":"live","scheduledend":"2027-02-10","maxend":1,"dices":1,"diceunit":"MINUTE","links":1,"linkadd":1,"linkaddunit":"MINUTE","linksub":1,"linksubunit":"MINUTE"}`).must(201).
			want("data.proof.clientseed", `"drawn ends"`).id()
		s.do("GET", target, "").want("data.used", "1")
		for _, c := range []struct {
			query, body string
			status      int
			code, field string
		}{
			{"", `{}`, 400, "validation", "clientseed"},
			{"", `{"clientseed":null}`, 400, "validation", "clientseed"},
			{"", `{"clientseed":7}`, 400, "validation", "clientseed"},
			{"?session=" + id, `{"clientseed":"` + strings.Repeat("é", 65) + `"}`, 400, "validation", "clientseed"},
			{"?session=" + id, `{"clientseed":"a\nb"}`, 400, "validation", "clientseed"},
			{"?session=x", `{"clientseed":"a"}`, 400, "validation", "session"},
			{"?session=99", `{"clientseed":"a"}`, 404, "not_found", ""},
		} {
			for _, method := range []string{"POST", "PATCH"} {
				s.do(method, target+c.query, c.body).refused(c.status, c.code, c.field)
			}
		}
		s.as(s.bob, "GET", target+"?session="+id, "").refused(404, "not_found", "")
		s.do("PATCH", target+"?session="+id, `{"clientseed":"`+strings.Repeat("é", 64)+`"}`).must(200)
		commitment := s.do("GET", target+"?session="+id, "").body.at("data.commitment")
		s.play("dice", id).must(200)
		s.vote(s.voteToken(id), "rand").must(200)
		doc, err := fair.Verify([]byte(s.do("GET", target+"?session="+id+"&chain=1", "").must(200).text))
		if err != nil || len(doc.Draws) != 2 || doc.Commitment != commitment || doc.Tip != "" {
			t.Errorf("%v %+v", err, doc)
		}
		s.pass(time.Hour)
		s.patch(id, `{"endNow":true}`).must(200)
		s.do("PATCH", target+"?session="+id, `{"clientseed":"late"}`).refused(409, "not_active", "")
		r := s.do("GET", target+"?session="+id+"&chain=1", "").must(200)
		if doc, err = fair.Verify([]byte(r.text)); err != nil || doc.Tip == "" || r.header.Get("Content-Disposition") == "" {
			t.Errorf("%v %+v %v", err, doc, r.header)
		}
		if doc, err = fair.Verify([]byte(s.do("GET", target+"?chain=1", "").must(200).text)); err != nil || len(doc.Draws) != 1 || doc.Draws[0].ClientSeed != "drawn ends" {
			t.Errorf("%v %+v", err, doc)
		}
		plain := s.post(`{"type":"live"}`).must(201).id()
		s.do("GET", target+"?session="+plain, "").refused(404, "not_found", "")
	})
}

func TestPreview(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		const target = "/api/v2/preview.php"
		body := `{"type":"live","scheduledend":"2026-02-10","scheduledendtime":"13:00","limitend":"2026-02-20",` + dice + "," + luck + "," + link + `}`
		r := s.do("POST", target, body).must(200).want("data.odds.luck.add_mean_seconds", "7200", "data.odds.luck.sub_most_seconds", "3600",
			"data.odds.luck.drift_seconds", "1800", "data.odds.link.add_least_seconds", "3600", "data.simulation.runs", "10000")
		var totals []float64
		if err := json.Unmarshal([]byte(raw(t, r.text, "data", "odds", "dice", "totals")), &totals); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for _, chance := range totals {
			sum += chance
		}
		if math.Abs(sum-1) > 1e-9 || len(totals) != 13 || math.Abs(totals[12]-1.0/36/2) > 1e-9 {
			t.Errorf("totals %v", totals)
		}
		worst, _ := r.body.at("data.simulation.worst").(string)
		if limit := "2026-02-20 00:00:00"; worst > limit {
			t.Errorf("worst %s", worst)
		}
		if again := s.do("POST", target, body).must(200); again.text != r.text {
			t.Error("two previews at the same time differ")
		}
		s.do("POST", target, `{}`).must(200).want("data.simulation", "null", "data.odds", `{"dice":null,"link":null,"luck":null}`)
		s.do("POST", target, `{"type":"manual"}`).refused(400, "validation", "type")
		s.do("POST", target, `{"dices":1}`).refused(400, "validation", "scheduledend")
		s.do("POST", target, `{"dices":1,"scheduledend":"2026-02-10","diceminmulti":2}`).refused(400, "validation", "diceminmulti")
		s.get("").want("data.total", "0")
	})
}

func TestLimitOfTheEnd(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(link, `"limitend":"2026-02-10","limitendtime":"13:20"`)
		s.vote(s.voteToken(id), "add").must(200).want("data.seconds", "3600", "data.applied_seconds", "1200", "data.scheduledend_utc", `"2026-02-10 12:20:00"`)
		s.get("?id="+id).want("data.limitend", `"2026-02-10 13:20:00"`, "data.limitend_utc", `"2026-02-10 12:20:00"`)
		s.link()
		s.as(s.bob, "PATCH", path+"?id="+id, `{"scheduledend":"2026-02-11"}`).refused(400, "validation", "scheduledend")
	})
}
