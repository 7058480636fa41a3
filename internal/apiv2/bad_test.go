package apiv2_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// TestBadInput sends what is wrong and sees that it is refused, with the member at fault, and that nothing changed.
func TestBadInput(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		// What stands before, so that there is something that could change. The drawn end makes the account's chain.
		s.post(manual("2026-01-15", "10:00", "2026-01-17", "10:00", `"notes":"kept"`)).must(201)
		s.started(t, `,"maxend":1`)
		before := s.everything(t)
		for _, c := range badRequests() {
			t.Run(c.name, func(t *testing.T) {
				s.do(c.method, path+c.query, c.body, "Idempotency-Key", "bad").refused(c.status, "validation", c.field)
				if after := s.everything(t); after != before {
					t.Errorf("changed from\n%s\nto\n%s", before, after)
				}
			})
		}
	})
}

type badRequest struct {
	name, method, query, body string
	status                    int
	field                     string
}

func badPost(name, body, field string) badRequest {
	return badRequest{name, "POST", "", body, 400, field}
}

func badGet(query, field string) badRequest {
	return badRequest{"GET " + query, "GET", "?" + query, "", 400, field}
}

// badTimes are dates and times of day that can't be read.
func badTimes() (list []badRequest) {
	for _, date := range []string{`"2026-02-30"`, `"2026-13-01"`, `"2026-00-10"`, `"2025-02-29"`, `"0000-01-01"`, `"10000-01-01"`, `"2026-1-5"`, `"26-01-05"`,
		`"05.01.2026"`, `"2026/01/05"`, `"2026-01-05 10:00"`, `"2026-01-05T10:00:00Z"`, `" 2026-01-05"`, `"-2026-01-05"`, `"now"`, `"٢٠٢٦-٠١-٠٥"`,
		`20260105`, `true`, `["2026-01-05"]`, `{}`} {
		list = append(list,
			badPost("startdate "+date, `{"startdate":`+date+`,"enddate":"2026-02-01"}`, "startdate"),
			badPost("enddate "+date, `{"startdate":"2026-01-20","enddate":`+date+`}`, "enddate"),
			badPost("live startdate "+date, `{"type":"live","startdate":`+date+`}`, "startdate"),
			badPost("scheduledend "+date, `{"type":"live","scheduledend":`+date+`}`, "scheduledend"),
			badPost("limitend "+date, `{"type":"live","limitend":`+date+`}`, "limitend"))
		if text := strings.Trim(date, `"`); text != date {
			list = append(list, badGet("from="+url.QueryEscape(text), "from"), badGet("to="+url.QueryEscape(text), "to"))
		}
	}
	for _, clock := range []string{`"24:00"`, `"7:5"`, `"07:5"`, `"7:05"`, `"10:60"`, `"10:00:00"`, `"10"`, `"10.30"`, `"-1:00"`, `"noon"`, `" 10:00"`, `1000`, `10.5`, `[]`, `false`} {
		list = append(list,
			badPost("starttime "+clock, `{"startdate":"2026-01-20","starttime":`+clock+`,"enddate":"2026-02-01"}`, "starttime"),
			badPost("endtime "+clock, `{"startdate":"2026-01-20","enddate":"2026-02-01","endtime":`+clock+`}`, "endtime"),
			badPost("live starttime "+clock, `{"type":"live","starttime":`+clock+`}`, "starttime"),
			badPost("scheduledendtime "+clock, `{"type":"live","scheduledend":"2026-03-01","scheduledendtime":`+clock+`}`, "scheduledendtime"))
	}
	return list
}

func badRequests() []badRequest {
	list := append(badTimes(), badGames()...)
	post := func(name, body, field string) { list = append(list, badPost(name, body, field)) }
	get := func(query, field string) { list = append(list, badGet(query, field)) }
	post("no dates", `{}`, "startdate")
	post("no type, no dates", `{"public":1}`, "startdate")
	post("null is absent", `{"startdate":null,"enddate":"2026-01-20"}`, "startdate")
	post("the start's time alone", `{"starttime":"10:00","enddate":"2026-01-20"}`, "starttime")
	post("no end", `{"startdate":"2026-01-20"}`, "enddate")
	post("the end's time alone", `{"startdate":"2026-01-20","endtime":"10:00"}`, "endtime")
	for _, kind := range []string{`"unknown"`, `"LIVE"`, `" manual"`, `1`, `true`, `["live"]`, `{}`} {
		post("type "+kind, `{"type":`+kind+`,"startdate":"2026-01-20","enddate":"2026-01-21"}`, "type")
	}
	for _, body := range []string{``, `null`, `[]`, `"live"`, `5`, `{`, `{"type":"live"`, `{"type":"live",}`, `{"type":"live"}{}`, `{"type":"live"} x`,
		`{"type":"live","type":"live"}`, `{"public":0,"type":"live","public":1}`, `{'type':'live'}`, "{\"notes\":\"\xff\"}", `{"notes":"\ud800"}`, `{"dicenumber":NaN}`,
		`{"dicenumber":+1}`, `{"dicenumber":Infinity}`, `{"dicenumber":0x10}`, `{"dicenumber":01}`, strings.Repeat("[", 20000), `{"type":"live","x":` + strings.Repeat("[", 20000) + `}`} {
		post(fmt.Sprintf("body %.40q", body), body, "")
	}
	for _, limit := range []string{"0", "-1", "abc", "", "1.5", "1e2", "0x10", "%2B5", "%205", "--5", "-", "٥", "-99999999999999999999"} {
		get("limit="+limit, "limit")
	}
	for _, offset := range []string{"-1", "abc", "", "0.5", "-0x1", "99999999999999999999", "2147483648"} {
		get("offset="+offset, "offset")
	}
	for _, id := range []string{"abc", "", "0", "-1", "1.0", "1e0", "%2B1", "1%20", "0x1", "1,2", "null"} {
		get("id="+id, "id")
	}
	for _, flag := range []string{"2", "yes", "-1", "TRUE", "01", "null"} {
		get("active="+flag, "active")
		get("public="+flag, "public")
	}
	get("from=2026-02-01&to=2026-01-31", "from")
	get("limit=1&limit=2", "limit")
	get("id=1&id=1", "id")
	get("from=%zz", "")
	get("a=b;c=d", "")
	return list
}

// badGames are starts whose games or texts are out of range.
func badGames() (list []badRequest) {
	live := func(members, field string) {
		list = append(list, badRequest{members, "POST", "", `{"type":"live","scheduledend":"2026-03-01",` + members + `}`, 400, field})
	}
	games := map[string]string{"dice": `"dices":1`, "link": `"links":1`, "luck": `"luck":1`, "dicepen": `"dices":1,"dicespen":1`, "luckpen": `"luck":1,"luckpen":1`}
	amounts := map[string]string{"dicetimewait": "dice", "pendicetime": "dicepen", "mindiceplay": "dicepen", "linkadd": "link", "linksub": "link", "randadd": "luck",
		"randsub": "luck", "randtimewait": "luck", "penlucktime": "luckpen", "minluckplay": "luckpen", "dicenumber": "dice"}
	for name, game := range amounts {
		for _, value := range []string{"-1", "10001", "1.5", `"abc"`, `""`, `"NaN"`, `"0x10"`, `"1_0"`, `" 1"`, "1e400", "-1e400", "1e10", "true", "[]", "{}"} {
			live(games[game]+fmt.Sprintf(",%q:%s", name, value), name)
		}
	}
	live(`"dices":1,"dicenumber":0`, "dicenumber")
	live(`"dices":1,"dicenumber":21`, "dicenumber")
	for name, game := range map[string]string{"diceminmulti": "dice", "dicemaxmulti": "dice", "linkminmulti": "link", "linkmaxmulti": "link", "randminmulti": "luck", "randmaxmulti": "luck"} {
		for _, value := range []string{"0", "-1", "0.001", "1.005", "100.01", "1e400", `"NaN"`, `"Inf"`, `"0x1p1"`, `"1,5"`, `""`, "true", "[1]"} {
			live(games[game]+fmt.Sprintf(",%q:%s", name, value), name)
		}
	}
	for _, c := range [][2]string{{"dice", "dice"}, {"link", "link"}, {"luck", "rand"}} {
		live(games[c[0]]+fmt.Sprintf(`,"%sminmulti":2.01,"%[1]smaxmulti":2`, c[1]), c[1]+"minmulti")
		live(games[c[0]]+fmt.Sprintf(`,"%sminmulti":1.01`, c[1]), c[1]+"minmulti")
	}
	// A minimum that the wait makes impossible.
	live(`"dices":1,"dicespen":1,"dicetimewait":12,"mindiceplay":3`, "mindiceplay")
	live(`"luck":1,"luckpen":1,"randtimewait":2,"randtimeunitwait":"DAY","minluckplay":1`, "minluckplay")
	live(`"lockedby":"`+strings.Repeat("é", 51)+`"`, "lockedby")
	live(`"lockedby":"a\nb"`, "lockedby")
	live(`"lockedby":5`, "lockedby")
	live(`"lockedby":["x"]`, "lockedby")
	live(`"notes":"`+strings.Repeat("n", 10_001)+`"`, "notes")
	live(`"notes":"a\u0000b"`, "notes")
	live(`"notes":{}`, "notes")
	return list
}

// everything is what Ann sees and how much is stored.
func (s *server) everything(t *testing.T) string {
	t.Helper()
	text := s.get("?limit=200").must(200).text
	for _, table := range []string{"tracker_session", "tracker_tally", "tracker_game", "tracker_log", "tracker_chain", "tracker_draw", "tracker_change", "tracker_once"} {
		text += fmt.Sprintf("\n%s %d", table, s.count(t, table))
	}
	return text
}

func TestTextsAtTheirLimits(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		name, notes := strings.Repeat("é", 50), strings.Repeat("€", 10_000)
		s.post(manual("2026-01-20", "", "2026-01-21", "", `"lockedby":"`+name+`"`, `"notes":"`+notes+`"`)).must(201)
		s.get("?id=1").want("data.lockedby", `"`+name+`"`, "data.notes", `"`+notes+`"`)
		s.patch("1", `{"lockedby":"","notes":""}`).must(200).want("data.session.lockedby", `""`, "data.session.notes", `""`)
	})
}

func TestIdempotencyKeysThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for _, key := range []string{strings.Repeat("k", 256), "ключ", "a\x80b", "tab\tinside"} {
			s.post(manual("2026-01-20", "", "2026-01-21", ""), "Idempotency-Key", key).refused(400, "validation", "Idempotency-Key")
		}
		s.get("").want("data.total", "0")
	})
}
