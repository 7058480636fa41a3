package apiv2_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"stint/internal/tracker/fair"
)

// started starts a live session with the members given, returns its answer and takes it away again.
func (s *server) started(t *testing.T, members string, headers ...string) (answer, item result) {
	t.Helper()
	answer = s.post(`{"type":"live","scheduledend":"2026-03-01"`+members+`}`, headers...).must(201)
	item = s.get("?id=" + answer.id()).must(200)
	s.delete("?id=" + answer.id() + "&discard=1").must(200)
	return answer, item
}

func TestBooleans(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for _, on := range []string{`1`, `"1"`, `true`, `1.0`} {
			_, item := s.started(t, `,"public":`+on+`,"links":`+on)
			item.want("data.public", "1", "data.games.link.plays", "0")
		}
		for _, off := range []string{`0`, `"0"`, `false`, `null`} {
			answer, item := s.started(t, `,"public":`+off+`,"links":`+off+`,"maxend":`+off)
			answer.want("data.games", "false", "data.proof", "absent", "meta.warnings", "absent")
			item.want("data.public", "0", "data.games", "absent")
		}
		for _, bad := range []string{`2`, `-1`, `"yes"`, `"true"`, `""`, `[]`, `{}`, `0.5`, `1e400`} {
			for _, name := range []string{"public", "dices", "links", "luck", "maxend"} {
				s.post(`{"type":"live","scheduledend":"2026-03-01","`+name+`":`+bad+`}`).refused(400, "validation", name)
			}
		}
		s.get("").want("data.total", "0")
	})
}

func TestUnits(t *testing.T) {
	games := map[string]string{"dice": `,"dices":1,"dicespen":1`, "link": `,"links":1`, "luck": `,"luck":1,"luckpen":1`}
	each(t, func(t *testing.T, s *server) {
		for _, c := range []struct{ member, at, fallback string }{
			{"diceunit", "dice.addunit", "DAY"},
			{"dicetimeunitwait", "dice.waitunit", "HOUR"},
			{"pendiceunit", "dice.penalties.addunit", "DAY"},
			{"linkaddunit", "link.addunit", "DAY"},
			{"linksubunit", "link.subunit", "DAY"},
			{"randaddunit", "luck.addunit", "DAY"},
			{"randsubunit", "luck.subunit", "DAY"},
			{"randtimeunitwait", "luck.waitunit", "HOUR"},
			{"penlcukunit", "luck.penalties.addunit", "DAY"},
			{"penluckunit", "luck.penalties.addunit", "DAY"},
		} {
			game, _, _ := strings.Cut(c.at, ".")
			words := map[string]string{`"MINUTE"`: "MINUTE", `"hour"`: "HOUR", `"Day"`: "DAY", `"MONTH"`: "MONTH",
				`"WEEK"`: "", `"DAYS"`: "", `" DAY"`: "", `""`: "", `5`: "", `true`: "", `["DAY"]`: "", `null`: c.fallback}
			if c.fallback == "HOUR" {
				words[`"MONTH"`] = ""
			}
			for word, want := range words {
				answer, item := s.started(t, games[game]+fmt.Sprintf(`,%q:%s`, c.member, word))
				named := slices.ContainsFunc(answer.warnings(), func(w string) bool { return strings.HasPrefix(w, c.member+": ") })
				if named != (want == "") {
					t.Errorf("%s %s: warnings %q", c.member, word, answer.warnings())
				}
				if want == "" {
					want = c.fallback
				}
				item.want("data.games."+c.at, `"`+want+`"`)
			}
			answer, item := s.started(t, games[game])
			answer.want("meta.warnings", "absent")
			item.want("data.games."+c.at, `"`+c.fallback+`"`)
		}
	})
}

func TestTwoSpellings(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		const luck = `,"luck":1,"luckpen":1`
		for members, want := range map[string]string{
			`"penlcukunit":"HOUR"`:                          "HOUR",
			`"penluckunit":"HOUR"`:                          "HOUR",
			`"penlcukunit":"HOUR","penluckunit":"hour"`:     "HOUR",
			`"penlcukunit":null,"penluckunit":"MINUTE"`:     "MINUTE",
			`"penlcukunit":"MINUTE","penluckunit":null`:     "MINUTE",
			`"penlcukunit":"HOUR","penluckunit":"DAY"`:      "",
			`"penlcukunit":"FORTNIGHT","penluckunit":"DAY"`: "",
		} {
			if want == "" {
				s.post(`{"type":"live","scheduledend":"2026-03-01"`+luck+`,`+members+`}`).refused(400, "validation", "penlcukunit")
				continue
			}
			_, item := s.started(t, luck+`,`+members)
			item.want("data.games.luck.penalties.addunit", `"`+want+`"`)
		}
	})
}

func TestPlayLimits(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for value, always := range map[string]string{
			``: "1", `null`: "1", `""`: "1", `0`: "1", `"0"`: "1", `false`: "1",
			`1`: "0", `"1"`: "0", `true`: "0", `"yes"`: "0", `3`: "0",
		} {
			dice, luck := `,"diceplaylimit":`+value, `,"luckplaylimit":`+value
			if value == "" {
				dice, luck = "", ""
			}
			answer, item := s.started(t, `,"dices":1,"dicespen":1,"mindiceplay":1,"luck":1,"luckpen":1,"minluckplay":1`+dice+luck)
			answer.want("meta.warnings", "absent")
			item.want("data.games.dice.penalties.always", always, "data.games.luck.penalties.always", always)
		}
		// The minimum is the maximum too, so it can't be 0.
		for _, c := range [][2]string{{`"dices":1,"dicespen":1,"diceplaylimit":1`, "mindiceplay"}, {`"luck":1,"luckpen":1,"luckplaylimit":1`, "minluckplay"}} {
			s.post(`{"type":"live","scheduledend":"2026-03-01",`+c[0]+`}`).refused(400, "validation", c[1])
		}
	})
}

func TestNumbers(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for value, want := range map[string]string{`3`: "3", `3.0`: "3", `"3"`: "3", `3e0`: "3", `20`: "20", `1`: "1", `null`: "1"} {
			_, item := s.started(t, `,"dices":1,"dicenumber":`+value)
			item.want("data.games.dice.dices", want)
		}
		for value, want := range map[string]string{`1`: "1.00", `1.0`: "1.00", `1.5`: "1.50", `"1.25"`: "1.25", `0.01`: "0.01", `1e1`: "10.00", `100`: "100.00", `100.00`: "100.00", `null`: "1.00"} {
			if _, item := s.started(t, `,"links":1,"linkmaxmulti":100,"linkminmulti":`+value); raw(t, item.text, "data", "games", "link", "minmultiplier") != want {
				t.Errorf("%s: %s", value, item.text)
			}
		}
	})
}

func TestMaxEnd(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		latest := time.Date(2026, 2, 28, 23, 0, 0, 0, time.UTC).Unix()
		seen := map[string]bool{}
		for i := range 4 {
			answer, item := s.started(t, `,"maxend":1`)
			item.want("data.scheduledend", `"`+answer.body.at("data.scheduledend").(string)+`"`,
				"data.scheduledend_utc", `"`+answer.body.at("data.scheduledend_utc").(string)+`"`)
			answer.want("data.proof.scheme", `"fair1"`, "data.proof.nonce", fmt.Sprint(i+1), "data.proof.clientseed", `""`)
			var draw fair.Draw
			if err := json.Unmarshal([]byte(raw(t, answer.text, "data", "proof")), &draw); err != nil {
				t.Fatal(err)
			}
			if draw.From != noon.Unix()+60 || draw.To != latest || draw.End < draw.From || draw.End > draw.To {
				t.Errorf("drawn %+v", draw)
			}
			if end := time.Unix(draw.End, 0).UTC().Format(time.DateTime); item.body.at("data.scheduledend_utc") != end {
				t.Errorf("the end drawn is %s: %s", end, item.text)
			}
			seed, err := fair.ParseSeed(draw.Seed)
			if err != nil {
				t.Fatal(err)
			}
			again := draw
			if err := again.Roll(0, seed); err != nil || again.End != draw.End || again.Prev != draw.Prev {
				t.Errorf("the proof gives %+v, %v", again, err)
			}
			seen[draw.Seed] = true
		}
		if len(seen) != 4 {
			t.Errorf("%d different seeds of 4", len(seen))
		}
		// A start that is not drawn shows its end in the item only.
		answer, _ := s.started(t, "")
		answer.want("data.scheduledend", "absent", "data.proof", "absent")
	})
}

func TestUnknownMembers(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		r := s.post(manual("2026-01-10", "", "2026-01-11", "", `"colour":"red"`, `"Notes":"x"`)).must(201)
		if w := r.warnings(); len(w) != 2 || !strings.HasPrefix(w[0], "Notes: ") || !strings.HasPrefix(w[1], "colour: ") {
			t.Errorf("warnings %q", w)
		}
		r.want("ok", "true", "meta.version", "2")
		// What the document knows but has no effect here is named as well, unless it says nothing.
		r = s.post(manual("2026-01-11", "", "2026-01-12", "", `"scheduledend":"2026-03-01"`, `"dices":0`, `"dicenumber":2`, `"luckpen":"0"`, `"maxend":null`, `"endNow":true`)).must(201)
		if w := r.warnings(); len(w) != 3 || !strings.HasPrefix(w[0], "dicenumber: ") || !strings.HasPrefix(w[1], "endNow: ") || !strings.HasPrefix(w[2], "scheduledend: ") {
			t.Errorf("warnings %q", w)
		}
		s.patch("1", `{"public":1,"startdate":"2026-01-01"}`).must(200)
		if w := s.patch("1", `{"public":1,"startdate":"2026-01-01"}`).warnings(); len(w) != 1 || !strings.HasPrefix(w[0], "startdate: ") {
			t.Errorf("warnings %q", w)
		}
		if w := s.get("?colour=red&id=1").warnings(); len(w) != 1 || !strings.HasPrefix(w[0], "colour: ") {
			t.Errorf("warnings %q", w)
		}
		// A refusal carries them too: the reason may be a name that is misspelt.
		r = s.post(`{"startdat":"2026-01-14","enddate":"2026-01-15"}`).refused(400, "validation", "startdate")
		if w := r.warnings(); len(w) != 1 || !strings.HasPrefix(w[0], "startdat: ") {
			t.Errorf("warnings %q", w)
		}
		many := []string{}
		for i := range 200 {
			many = append(many, fmt.Sprintf(`"%s%d":1`, strings.Repeat("é", 100), i))
		}
		if w := s.post(manual("2026-01-20", "", "2026-01-21", "", many...)).must(201).warnings(); len(w) != 21 || w[20] != "and 180 more" || len(w[0]) > 250 {
			t.Errorf("%d warnings: %q", len(w), w)
		}
	})
}

func TestStrict(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for _, prefer := range []string{"handling=strict", "respond-async, Handling = \"strict\"; x=1"} {
			for field, body := range map[string]string{
				"colour":     manual("2026-01-10", "", "2026-01-11", "", `"colour":"red"`),
				"enddate":    `{"type":"live","enddate":"2026-02-06"}`,
				"dicenumber": `{"type":"live","dicenumber":2}`,
				"diceunit":   `{"type":"live","scheduledend":"2026-03-01","dices":1,"diceunit":"WEEK"}`,
			} {
				s.post(body, "Prefer", prefer).refused(400, "validation", field)
			}
			s.do("GET", path+"?colour=red", "", "Prefer", prefer).refused(400, "validation", "colour")
			s.do("PATCH", path+"?id=1", `{"public":1,"colour":"red"}`, "Prefer", prefer).refused(400, "validation", "colour")
		}
		s.get("").want("data.total", "0")
		r := s.post(manual("2026-01-10", "", "2026-01-11", ""), "Prefer", "handling=strict").must(201)
		if got := r.header.Get("Preference-Applied"); got != "handling=strict" {
			t.Errorf("Preference-Applied %q", got)
		}
		r = s.post(manual("2026-01-11", "", "2026-01-12", "", `"colour":"red"`), "Prefer", "handling=lenient").must(201)
		if got := r.header.Get("Preference-Applied"); got != "" || len(r.warnings()) != 1 {
			t.Errorf("Preference-Applied %q, %q", got, r.warnings())
		}
	})
}

func TestGamesOfAManualSession(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		for _, name := range []string{"dices", "links", "luck"} {
			for _, on := range []string{"1", `"1"`, "true"} {
				s.post(manual("2026-01-10", "", "2026-01-11", "", `"`+name+`":`+on)).refused(400, "validation", name)
			}
		}
		s.post(manual("2026-01-10", "", "2026-01-11", "", `"dices":0`, `"links":false`, `"luck":"0"`)).must(201).want("meta.warnings", "absent")
	})
}

func TestContentTypes(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		id := s.post(manual("2026-01-10", "", "2026-01-11", "")).must(201).id()
		for _, kind := range []string{"", "application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""} {
			s.do("PATCH", path+"?id="+id, `{"public":1}`, "Content-Type", kind).must(200)
		}
		for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "application/xml", "application/json; charset=latin1", "json", "multipart/form-data; boundary=x", ";"} {
			s.do("PATCH", path+"?id="+id, `{"public":0}`, "Content-Type", kind).refused(415, "unsupported_media_type", "")
			s.post(manual("2026-01-11", "", "2026-01-12", ""), "Content-Type", kind).refused(415, "unsupported_media_type", "")
		}
		s.get("").want("data.total", "1", "data.items.0.public", "1")
	})
}

func TestBodyLimit(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		body := func(size int) string {
			start := manual("2026-01-10", "", "2026-01-11", "", `"x":"`)
			start = strings.TrimSuffix(start, "}")
			return start + strings.Repeat("x", size-len(start)-2) + `"}`
		}
		s.post(body(64<<10+1)).refused(413, "too_large", "")
		s.post(body(1<<20)).refused(413, "too_large", "")
		s.get("").want("data.total", "0")
		s.post(body(64 << 10)).must(201)
		s.do("PATCH", path+"?id=1", body(64<<10+1)).refused(413, "too_large", "")
	})
}
