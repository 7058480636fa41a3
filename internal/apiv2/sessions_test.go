package apiv2_test

import (
	"fmt"
	"testing"
	"time"
)

func TestItem(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(manual("2026-01-15", "10:00", "2026-01-17", "10:00", `"lockedby":"Jo \"x\" é","notes":"one\ntwo <&> \u2028","public":1`)).must(201)
		const item = `{"id":1,"start":"2026-01-15 10:00:00","end":"2026-01-17 10:00:00","scheduledend":null,"active":0,` +
			`"lockedby":"Jo \"x\" é","notes":"one\ntwo <&> ` + "\u2028" + `","public":1,"timezonestart":"+01:00","timezoneend":"+01:00",` +
			`"inserted":"2026-02-05 12:00:00","has_history":0,"has_games_changes":0,"start_utc":"2026-01-15 09:00:00",` +
			`"end_utc":"2026-01-17 09:00:00","scheduledend_utc":null,"reached_utc":null,"limitend":null,"limitend_utc":null}`
		if got, want := s.get("?id=1").must(200).text, `{"ok":true,"data":`+item+`,"meta":{"version":2}}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		want := `{"ok":true,"data":{"count":1,"total":1,"limit":50,"offset":0,"items":[` + item + `]},"meta":{"version":2}}`
		if got := s.get("").must(200).text; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		s.post(`{"type":"live","scheduledend":"2026-04-01","limitend":"2026-05-01","limitendtime":"12:30"}`).must(201)
		s.get("?id=2").want("data.start", `"2026-02-05 13:00:00"`, "data.end", "null", "data.active", "1",
			"data.scheduledend", `"2026-04-01 00:00:00"`, "data.scheduledend_utc", `"2026-03-31 22:00:00"`,
			"data.timezonestart", `"+01:00"`, "data.timezoneend", "null", "data.inserted", `"2026-02-05 12:00:00"`,
			"data.limitend", `"2026-05-01 12:30:00"`, "data.limitend_utc", `"2026-05-01 10:30:00"`, "data.games", "absent")
	})
}

func TestGamesOfAnItem(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		r := s.post(`{"type":"live","scheduledend":"2026-03-01","dices":1,"dicenumber":2,"diceunit":"hour","dicetimewait":6,
			"dicetimeunitwait":"MINUTE","diceminmulti":0.5,"dicemaxmulti":2,"dicespen":1,"mindiceplay":3,"pendicetime":4,"pendiceunit":"DAY",
			"links":1,"linkadd":10,"linkaddunit":"MINUTE","linksub":5,"linksubunit":"HOUR","resetvotes":1,"linkminmulti":1.25,"linkmaxmulti":100,
			"luck":1,"randadd":1,"randaddunit":"MONTH","randsub":2,"randsubunit":"DAY","randtimewait":1,"randtimeunitwait":"DAY",
			"randminmulti":"0.01","luckpen":1,"minluckplay":1,"penlucktime":7,"penlcukunit":"MINUTE","luckplaylimit":1}`).must(201)
		r.want("data.status", `"Session started successfully"`, "data.id", "1", "data.games", "true", "meta.warnings", "absent")
		const state = `,"plays":0,"plays_today":0,"last_play_utc":null,"next_play_utc":null`
		got := s.get("?id=1").must(200)
		token, _ := got.body.at("data.games.link.token").(string)
		want := `{"dice":{"dices":2,"addunit":"HOUR","waitint":6,"waitunit":"MINUTE","minmultiplier":0.50,"maxmultiplier":2.00,` +
			`"penalties":{"min":3,"addint":4,"addunit":"DAY","always":1}` + state + `,"days":[]},` +
			`"link":{"addint":10,"addunit":"MINUTE","subint":5,"subunit":"HOUR","waitint":0,"resetvotes":1,"minmultiplier":1.25,` +
			`"maxmultiplier":100.00` + state + `,"token":"` + token + `"},` +
			`"luck":{"addint":1,"addunit":"MONTH","subint":2,"subunit":"DAY","waitint":1,"waitunit":"DAY","minmultiplier":0.01,` +
			`"maxmultiplier":1.00,"penalties":{"min":1,"addint":7,"addunit":"MINUTE","always":0}` + state + `,"days":[]}}`
		if got := raw(t, got.text, "data", "games"); len(token) < 16 || got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := raw(t, s.get("").must(200).text, "data", "items", "0", "games"); got != want {
			t.Errorf("in the list: %s", got)
		}
		got.want("data.has_history", "1", "data.has_games_changes", "0")
		s.pass(time.Hour)
		s.patch("1", `{"endNow":true}`).must(200).want("data.session.games", "absent", "data.session.active", "0")
		s.get("?id=1").want("data.games", "absent", "data.has_history", "1")
		s.get("").want("data.items.0.games", "absent")
	})
}

func TestOnlyTheGamesThatAreOn(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live","scheduledend":"2026-03-01","dices":0,"links":"0","luck":true,"luckpen":0}`).must(201).want("data.games", "true")
		s.get("?id=1").want("data.games.dice", "absent", "data.games.link", "absent", "data.games.luck.waitunit", `"HOUR"`,
			"data.games.luck.addint", "0", "data.games.luck.addunit", `"DAY"`, "data.games.luck.penalties", "absent",
			"data.games.luck.minmultiplier", "1.00")
	})
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for i := range 7 {
			day := fmt.Sprintf("2026-01-%02d", 10+i)
			s.post(manual(day, "00:00", day, "23:59", fmt.Sprintf(`"public":%d`, i%2))).must(201)
		}
		other := s.person("Bob", "UTC")
		s.do("POST", path, manual("2026-01-12", "", "2026-01-13", ""), "Authorization", "Bearer "+other).must(201)
		s.post(`{"type":"live"}`).must(201)
		for _, c := range []struct {
			query string
			total int
			ids   []int
		}{
			{"", 8, []int{9, 7, 6, 5, 4, 3, 2, 1}},
			{"?limit=2", 8, []int{9, 7}},
			{"?limit=2&offset=3", 8, []int{5, 4}},
			{"?offset=7", 8, []int{1}},
			{"?offset=8", 8, nil},
			{"?offset=2147483647", 8, nil},
			{"?limit=201", 8, []int{9, 7, 6, 5, 4, 3, 2, 1}},
			{"?active=1", 1, []int{9}},
			{"?active=0&limit=1", 7, []int{7}},
			{"?public=1", 3, []int{6, 4, 2}},
			{"?public=0&active=0", 4, []int{7, 5, 3, 1}},
			{"?public=true&active=false", 3, []int{6, 4, 2}},
			{"?active=1&public=1", 0, nil},
			{"?from=2026-01-12", 6, []int{9, 7, 6, 5, 4, 3}},
			{"?to=2026-01-12", 3, []int{3, 2, 1}},
			{"?from=2026-01-12&to=2026-01-12", 1, []int{3}},
			{"?from=2026-01-12&to=2026-01-13&public=1", 1, []int{4}},
			{"?from=2026-02-06", 0, nil},
			{"?from=&to=&active=&public=", 8, []int{9, 7, 6, 5, 4, 3, 2, 1}},
		} {
			r := s.get(c.query).must(200)
			r.want("data.count", fmt.Sprint(len(c.ids)), "data.total", fmt.Sprint(c.total))
			for i, id := range c.ids {
				r.want(fmt.Sprintf("data.items.%d.id", i), fmt.Sprint(id))
			}
		}
		s.get("?limit=201").want("data.limit", "200", "data.offset", "0")
		s.get("?limit=99999999999999999999&offset=2").want("data.limit", "200", "data.offset", "2")
		s.get("").want("data.limit", "50", "data.items.0.active", "1", "data.items.1.active", "0")
		if r := s.get("?offset=8"); raw(t, r.text, "data", "items") != "[]" {
			t.Errorf("an empty page: %s", r.text)
		}
		// from and to beside id are ignored.
		s.get("?id=3&from=2027-01-01&to=x").must(200).want("data.id", "3")
	})
}

// Days are those of the user's zone, of the session's start.
func TestListInZone(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.token = s.person("Kim", "Pacific/Auckland") // UTC+13
		s.post(manual("2026-01-12", "00:00", "2026-01-12", "02:00")).must(201).want("data.id", "1")
		s.post(manual("2026-01-12", "23:00", "2026-01-13", "02:00")).must(201)
		s.get("?from=2026-01-12&to=2026-01-12").want("data.total", "2", "data.items.1.start_utc", `"2026-01-11 11:00:00"`)
		s.get("?from=2026-01-11&to=2026-01-11").want("data.total", "0")
		s.get("?from=2026-01-13&to=2026-01-13").want("data.total", "0")
	})
}

func TestManual(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		// type is manual unless it says live; a missing time is 00:00.
		s.post(`{"startdate":"2026-01-10","enddate":"2026-01-11"}`).must(201).
			want("data.status", `"Session inserted successfully"`, "data.id", "1", "data.games", "false")
		s.get("?id=1").want("data.start", `"2026-01-10 00:00:00"`, "data.end", `"2026-01-11 00:00:00"`, "data.public", "0",
			"data.lockedby", "null", "data.notes", "null", "data.has_history", "0")
		for i, c := range []struct {
			name, body  string
			status      int
			code, field string
		}{
			{"exactly one hour", manual("2026-01-12", "10:00", "2026-01-12", "11:00"), 201, "", ""},
			{"a minute less", manual("2026-01-13", "10:00", "2026-01-13", "10:59"), 400, "validation", "enddate"},
			{"the end first", manual("2026-01-13", "10:00", "2026-01-12", "10:00"), 400, "validation", "enddate"},
			{"ends now", manual("2026-02-05", "11:00", "2026-02-05", "13:00"), 201, "", ""},
			{"ends in a minute", manual("2026-02-05", "11:30", "2026-02-05", "13:01"), 409, "overlap", ""},
			{"ends in two minutes", manual("2026-02-05", "13:00", "2026-02-05", "13:02"), 400, "validation", "enddate"},
			{"twenty years ago", manual("2006-02-05", "13:00", "2006-02-06", ""), 201, "", ""},
			{"longer ago", manual("2006-02-05", "12:59", "2006-02-06", ""), 400, "validation", "startdate"},
			{"touches the next", manual("2026-01-09", "10:00", "2026-01-10", "00:00"), 201, "", ""},
			{"touches the last", manual("2026-01-11", "00:00", "2026-01-11", "10:00"), 201, "", ""},
			{"inside another", manual("2026-01-10", "10:00", "2026-01-10", "12:00"), 409, "overlap", ""},
			{"around another", manual("2026-01-01", "", "2026-02-01", ""), 409, "overlap", ""},
			{"into another", manual("2026-01-12", "09:30", "2026-01-12", "10:30"), 409, "overlap", ""},
			{"the same again", manual("2026-01-10", "", "2026-01-11", ""), 409, "overlap", ""},
		} {
			r := s.post(c.body)
			switch {
			case c.status == 201:
				r.must(201)
			case r.status == c.status:
				r.refused(c.status, c.code, c.field)
				if c.code == "overlap" && r.body.at("error.session") == nil {
					t.Errorf("%s: which session is in the way? %s", c.name, r.text)
				}
			default:
				t.Errorf("%d, %s: %d %s", i, c.name, r.status, r.text)
			}
		}
	})
}

func TestManualUnderALiveSession(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live","startdate":"2026-02-04"}`).must(201)
		s.post(manual("2026-02-03", "", "2026-02-04", "")).must(201)
		s.post(manual("2026-02-03", "01:00", "2026-02-04", "00:01")).refused(409, "overlap", "").want("error.session", "1")
		s.post(manual("2026-02-04", "01:00", "2026-02-04", "03:00")).refused(409, "overlap", "").want("error.session", "1")
	})
}

func TestLiveStart(t *testing.T) {
	for _, c := range []struct {
		name, members, start string
		field                string // of a refusal
	}{
		{"now", ``, "2026-02-05 13:00:00", ""},
		{"nulls and empty texts", `,"startdate":null,"starttime":""`, "2026-02-05 13:00:00", ""},
		{"date", `,"startdate":"2026-02-04"`, "2026-02-04 00:00:00", ""},
		{"date and time", `,"startdate":"2026-02-04","starttime":"22:15"`, "2026-02-04 22:15:00", ""},
		{"time today", `,"starttime":"07:30"`, "2026-02-05 07:30:00", ""},
		{"a minute ahead", `,"starttime":"13:01"`, "2026-02-05 13:01:00", ""},
		{"two minutes ahead", `,"starttime":"13:02"`, "", "startdate"},
		{"tomorrow", `,"startdate":"2026-02-06"`, "", "startdate"},
		{"too long ago", `,"startdate":"2006-02-05"`, "", "startdate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *server) {
				r := s.post(`{"type":"live"` + c.members + `}`)
				if c.field != "" {
					r.refused(400, "validation", c.field)
					return
				}
				r.must(201).want("data.status", `"Session started successfully"`, "data.games", "false")
				s.get("?id="+r.id()).want("data.start", `"`+c.start+`"`, "data.active", "1", "data.has_history", "0")
				s.post(`{"type":"live"`+c.members+`}`).refused(409, "active_session_exists", "").want("error.session", r.id())
			})
		})
	}
}

func TestBackdatedLiveStartOverlaps(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(manual("2026-02-03", "", "2026-02-04", "12:00")).must(201)
		s.post(`{"type":"live","startdate":"2026-02-04","starttime":"11:59"}`).refused(409, "overlap", "").want("error.session", "1")
		s.post(`{"type":"live","startdate":"2026-02-01"}`).refused(409, "overlap", "")
		s.post(`{"type":"live","startdate":"2026-02-04","starttime":"12:00"}`).must(201)
	})
}

func TestScheduledEnd(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for _, c := range []struct{ members, field string }{
			{`"scheduledendtime":"09:00"`, "scheduledendtime"},
			{`"scheduledend":"2026-02-05","scheduledendtime":"13:00"`, "scheduledend"},
			{`"scheduledend":"2026-02-05"`, "scheduledend"},
			{`"startdate":"2026-02-01","scheduledend":"2026-02-03"`, "scheduledend"},
			{`"limitendtime":"09:00"`, "limitendtime"},
			{`"limitend":"2026-02-04"`, "limitend"},
			{`"scheduledend":"2026-03-02","limitend":"2026-03-01"`, "limitend"},
			{`"maxend":1`, "scheduledend"},
			{`"maxend":1,"scheduledend":"2026-02-05","scheduledendtime":"13:00"`, "scheduledend"},
			{`"dices":1`, "scheduledend"},
			{`"links":1`, "scheduledend"},
			{`"luck":1,"scheduledend":null`, "scheduledend"},
		} {
			s.post(`{"type":"live",`+c.members+`}`).refused(400, "validation", c.field)
		}
		s.post(`{"type":"live","scheduledend":"2026-02-05","scheduledendtime":"13:01"}`).must(201)
		s.get("?id=1").want("data.scheduledend", `"2026-02-05 13:01:00"`)
	})
}

// When the scheduled end passes nothing ends by itself.
func TestScheduledEndPasses(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live","scheduledend":"2026-02-06","scheduledendtime":"13:00"}`).must(201)
		s.pass(24*time.Hour - time.Second)
		s.get("?id=1").want("data.reached_utc", "null", "data.active", "1")
		s.pass(time.Second)
		s.get("?id=1").want("data.reached_utc", `"2026-02-06 12:00:00"`, "data.active", "1", "data.end", "null")
		s.get("?active=1").want("data.total", "1", "data.items.0.reached_utc", `"2026-02-06 12:00:00"`)
		s.pass(time.Hour)
		s.patch("1", `{"endNow":1}`).must(200).want("data.session.end_utc", `"2026-02-06 13:00:00"`)
	})
}

func TestNotYours(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live"}`).must(201)
		ann := s.token
		s.token = s.person("Bob", "UTC")
		foreign := []result{s.get("?id=1"), s.patch("1", `{"endNow":true}`), s.delete("?id=1"), s.delete("?id=1&discard=1")}
		unknown := []result{s.get("?id=2"), s.patch("2", `{"endNow":true}`), s.delete("?id=99999999999999999999"), s.delete("?id=2&discard=1")}
		for i := range foreign {
			foreign[i].refused(404, "not_found", "")
			if foreign[i].text != unknown[i].text {
				t.Errorf("%s differs from %s", foreign[i].text, unknown[i].text)
			}
		}
		s.get("").want("data.total", "0")
		s.token = ann
		s.get("?id=1").must(200).want("data.active", "1")
	})
}
