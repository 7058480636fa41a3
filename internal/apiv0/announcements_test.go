package apiv0_test

import (
	"fmt"
	"strings"
	"testing"

	"stint/internal/club"
)

// TestAnnouncements follows the rows of the readings, "Announcements".
func TestAnnouncements(t *testing.T) {
	readings(t, []reading{
		{"method or action", readingMethod},
		{"aid", readingAID},
		{"public", readingPublic},
		{"url", readingURL},
		{"from, to", readingFromTo},
		{"What is the past", readingPast},
		{"new", readingNew},
		{"mod", readingMod},
		{"del", readingDel},
		{"current", readingCurrent},
	})
}

// announce makes an announcement from now+from to now+to and returns its aid.
func (s *server) announce(from, to int64, more ...string) string {
	s.t.Helper()
	text := s.put(fmt.Sprintf(`{"type":"announcement","user":"Hans","from":%d,"to":%d%s}`, now+from, now+to, strings.Join(append([]string{""}, more...), ",")))
	return fmt.Sprint(parse(s.t, text)["aid"])
}

// mod is the body of a change of an announcement to now+from and now+to.
func mod(aid string, from, to int64, more ...string) string {
	return fmt.Sprintf(`{"type":"announcement","method":"mod","aid":%s,"user":"Hans","from":%d,"to":%d%s}`, aid, now+from, now+to, strings.Join(append([]string{""}, more...), ","))
}

func readingMethod(t *testing.T, s *server) {
	const times = `,"user":"Hans","from":"now+60","to":"now+120"`
	for _, c := range []struct{ name, members, want string }{ // want: what was done, or the member at fault
		{"nothing", `"type":"announcement"` + times, "new"},
		{"method new", `"type":"announcement","method":"new"` + times, "new"},
		{"action new", `"type":"announcement","action":"new"` + times, "new"},
		{"plural type", `"type":"announcements"` + times, "new"},
		{"new with an aid", `"type":"announcement","method":"new","aid":AID` + times, "new"},
		{"aid only", `"type":"announcement","aid":AID` + times, "mod"},
		{"method mod", `"type":"announcement","method":"mod","aid":AID` + times, "mod"},
		{"action mod", `"type":"announcement","action":"mod","aid":AID` + times, "mod"},
		{"both, the same", `"type":"announcement","action":"mod","method":"mod","aid":AID` + times, "mod"},
		{"one is null", `"type":"announcement","action":null,"method":"mod","aid":AID` + times, "mod"},
		{"method del", `"type":"announcement","method":"del","aid":AID`, "del"},
		{"action del", `"type":"announcement","action":"del","aid":AID`, "del"},
		{"method del without type", `"method":"del","aid":AID`, "del"},
		{"action del without type", `"action":"del","aid":AID`, "del"},
		{"method null, action del without type", `"method":null,"action":"del","aid":AID`, "del"},
		{"del with everything", `"type":"announcement","method":"del","aid":AID,"id":1,"time":2,"note":"x","public":true` + times, "del"},
		{"mod without type", `"method":"mod","aid":AID` + times, "at type"},
		{"new without type", `"method":"new"` + times, "at type"},
		{"unknown", `"type":"announcement","method":"delete","aid":AID`, "at method"},
		{"unknown action", `"type":"announcement","action":"DEL","aid":AID`, "at action"},
		{"a number", `"type":"announcement","action":1,"aid":AID`, "at action"},
		{"they differ", `"type":"announcement","method":"mod","action":"del","aid":AID` + times, "at action"},
		{"they differ, without type", `"method":"mod","action":"del","aid":AID` + times, "at action"},
		{"mod without aid", `"type":"announcement","method":"mod"` + times, "at aid"},
		{"del without aid", `"type":"announcement","method":"del"`, "at aid"},
		{"del with a null aid", `"type":"announcement","method":"del","aid":null`, "at aid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := "{" + strings.ReplaceAll(c.members, "AID", s.announce(60, 120)) + "}"
			if member, fault := strings.CutPrefix(c.want, "at "); fault {
				before := s.head()
				s.status(400, member, "member", "PUT", "/api/v0", body)
				wantEqual(t, "nothing was stored", s.head(), before)
				return
			}
			wantEqual(t, "method", parse(t, s.put(body))["method"], c.want)
		})
	}
}

func readingAID(t *testing.T, s *server) {
	s.put(openStatus)
	made := parse(t, s.put(`{"type":"announcement","user":"Hans","from":"now+60","to":"now+120"}`))
	wantEqual(t, "aid", []any{made["id"], made["aid"]}, []any{4, 4})
	for i := range 3 {
		changed := parse(t, s.put(mod("4", 60, 120)))
		wantEqual(t, "aid", []any{changed["id"], changed["aid"]}, []any{5 + i, 4})
	}
	before := s.head()
	for _, unknown := range []string{"1", "2", "3", "5", "7", "99", "9223372036854775807"} {
		s.status(404, "aid", "member", "PUT", "/api/v0", mod(unknown, 60, 120))
		s.status(404, "aid", "member", "PUT", "/api/v0", `{"method":"del","aid":`+unknown+`}`)
	}
	for _, wrong := range []string{`"4"`, "4.5", "-4", "0", "9223372036854775808", "1e400", "[4]", "{}", "true", "4e0"} {
		s.status(400, "aid", "member", "PUT", "/api/v0", mod(wrong, 60, 120))
		s.status(400, "aid", "member", "PUT", "/api/v0", `{"method":"del","aid":`+wrong+`}`)
	}
	wantEqual(t, "nothing was stored", s.head(), before)
	gone := parse(t, s.put(`{"method":"del","aid":4}`))
	wantEqual(t, "aid", []any{gone["id"], gone["aid"]}, []any{8, 4})
}

func readingPublic(t *testing.T, s *server) {
	for _, c := range []struct {
		made, changed string // members
		want          [2]bool
	}{
		{``, ``, [2]bool{false, false}},
		{`"public":null`, `"public":null`, [2]bool{false, false}},
		{`"public":false`, `"public":true`, [2]bool{false, true}},
		{`"public":true`, ``, [2]bool{true, true}},
		{`"public":true`, `"public":null`, [2]bool{true, true}},
		{`"public":true`, `"public":false`, [2]bool{true, false}},
	} {
		more := func(member string) []string {
			if member == "" {
				return nil
			}
			return []string{member}
		}
		aid := s.announce(60, 120, more(c.made)...)
		wantEqual(t, c.made, actions(t, s.get("member", "/api/v0/announcement?id=last"))[0]["public"], c.want[0])
		wantEqual(t, c.changed, parse(t, s.put(mod(aid, 60, 120, more(c.changed)...)))["public"], c.want[1])
	}
	for _, wrong := range []string{`1`, `"true"`, `[]`, `{}`} {
		s.status(400, "public", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":"now","to":"now","public":`+wrong+`}`)
	}
	aid := s.announce(60, 120, `"note":"n"`, `"url":"http://x.org"`)
	kept := parse(t, s.put(mod(aid, 60, 180)))
	wantEqual(t, "absent members", []any{kept["note"], kept["url"], kept["to"]}, []any{"n", "http://x.org", now + 180})
	changed := parse(t, s.put(mod(aid, 60, 180, `"note":""`, `"url":""`)))
	wantEqual(t, "empty members", []any{changed["note"], changed["url"]}, []any{"", nil})
}

func readingURL(t *testing.T, s *server) {
	long := "https://example.org/" + strings.Repeat("x", 480)
	for _, link := range []string{"http://example.org", long, "HTTP://[::1]:80/ä?b=c#d"} {
		aid := s.announce(60, 120, `"url":"`+link+`"`)
		list := actions(t, s.get("member", "/api/v0/announcement/current"))
		wantEqual(t, "url", list[len(list)-1]["url"], link)
		wantEqual(t, "no url", parse(t, s.put(mod(aid, 60, 120, `"url":null`)))["url"], nil)
	}
	for _, none := range []string{`null`, `""`} {
		s.announce(60, 120, `"url":`+none)
		if text := s.get("member", "/api/v0/announcement?id=last"); strings.Contains(text, "url") {
			t.Error(text)
		}
	}
	before := s.head()
	for _, wrong := range []string{`"ftp://example.org"`, `"javascript:alert(1)"`, `"example.org"`, `"http://"`, `"` + long + `x"`, `5`, `["http://x.org"]`, `"http://x.org\u0000"`} {
		s.status(400, "url", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":"now","to":"now","url":`+wrong+`}`)
	}
	wantEqual(t, "nothing was stored", s.head(), before)
}

func readingFromTo(t *testing.T, s *server) {
	for text, want := range map[string]int64{
		`"now"`: now, `"now+60"`: now + 60, `"now+0"`: now, `"now-0"`: now, `"now-30"`: noon, `"now+007"`: now + 7,
		`1800000090`: 1800000090, `"1800000090"`: 1800000090, `1800000090.4`: 1800000090, `1800000089.5`: 1800000090, `"1800000090.4"`: 1800000090,
		`1.80000009e9`: 1800000090, `"1.80000009e9"`: 1800000090, `18000000900e-1`: 1800000090, `253402300799`: 253402300799, `253402300799.4`: 253402300799,
	} {
		made := parse(t, s.put(`{"type":"announcement","user":"Hans","from":`+text+`,"to":253402300799}`))
		wantEqual(t, "from "+text, made["from"], want)
		made = parse(t, s.put(`{"type":"announcement","user":"Hans","from":"now-30","to":`+text+`}`))
		wantEqual(t, "to "+text, made["to"], want)
	}
	before := s.head()
	for _, wrong := range []string{`-1`, `"-1"`, `-1.5`, `253402300800`, `253402300799.5`, `1e15`, `1e400`, `-1e400`, `99999999999999999999`, `"99999999999999999999"`,
		`"now-1800000031"`, `"now+99999999999999999999"`, `"now+999999999999999"`, `"now+"`, `"now-"`, `"now+-5"`, `"now--5"`, `"now 5"`, `"now + 5"`, `"Now"`, `" now"`, `"now+1.5"`, `"now+1e3"`,
		`""`, `" "`, `"tomorrow"`, `"NaN"`, `"Infinity"`, `"0x10"`, `"1_000"`, `"+5"`, `true`, `[]`, `{}`, `"٣"`, `"1,5"`} {
		s.status(400, "from", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":`+wrong+`,"to":253402300799}`)
		s.status(400, "to", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":"now","to":`+wrong+`}`)
	}
	wantEqual(t, "nothing was stored", s.head(), before)
}

func readingPast(t *testing.T, s *server) {
	for _, from := range []int64{0, -1, -30} {
		s.announce(from, 60)
	}
	s.status(403, "from", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":"now-31","to":"now+60"}`)
	s.pass(29)
	s.announce(-30, 60)
	s.pass(1)
	s.status(403, "from", "member", "PUT", "/api/v0", fmt.Sprintf(`{"type":"announcement","user":"Hans","from":%d,"to":"now+60"}`, noon+59))
	s.put(fmt.Sprintf(`{"type":"announcement","user":"Hans","from":%d,"to":"now+60"}`, noon+60))
}

func readingNew(t *testing.T, s *server) {
	before := s.head()
	s.status(400, "from", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":"now+61","to":"now+60"}`)
	s.status(400, "from", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":"now-500","to":"now-600"}`)
	s.status(403, "from", "member", "PUT", "/api/v0", `{"type":"announcement","user":"Hans","from":"now-600","to":"now+60"}`)
	wantEqual(t, "nothing was stored", s.head(), before)
	s.announce(60, 60)
}

func readingMod(t *testing.T, s *server) {
	refused := func(status int, member, body string) {
		t.Helper()
		before := s.head()
		s.status(status, member, "member", "PUT", "/api/v0", body)
		wantEqual(t, "nothing was stored", s.head(), before)
	}
	future, running, ended := s.announce(1000, 2000), s.announce(-5, 1000), s.announce(0, 10)
	s.pass(100)
	refused(403, "", mod(ended, 0, 2000))
	refused(403, "", mod(ended, 0, 10))
	refused(400, "from", mod(future, 2001, 2000))
	refused(403, "from", mod(future, 0, 2000))
	s.put(mod(future, 1500, 2500))
	refused(403, "from", mod(running, 200, 1000))
	refused(403, "from", mod(running, -60, 1000))
	refused(403, "to", mod(running, -5, 50))
	for _, from := range []int64{-30, -5, 29} {
		wantEqual(t, "the stored second", parse(t, s.put(mod(running, from, 1000)))["from"], now-5)
	}
	wantEqual(t, "extended", parse(t, s.put(mod(running, -5, 5000)))["to"], now+5000)
	over := parse(t, s.put(fmt.Sprintf(`{"type":"announcement","aid":%s,"user":"Hans","from":%d,"to":"now"}`, running, now-5)))
	wantEqual(t, "ended now", over["to"], now+100)
	s.pass(1)
	refused(403, "", mod(running, -5, 5000))
	for _, missing := range []string{"user", "from", "to"} {
		body := strings.Replace(mod(future, 1500, 2500), `"`+missing+`"`, `"x"`, 1)
		refused(400, missing, body)
	}
	s.put(`{"method":"del","aid":` + future + `}`)
	refused(404, "aid", mod(future, 1500, 2500))
	refused(404, "aid", mod("77", 1500, 2500))
}

func readingDel(t *testing.T, s *server) {
	const everything = `"public":true,"note":"n","url":"http://x.org"`
	future, running, ended := s.announce(1000, 2000, everything), s.announce(0, 1000), s.announce(0, 0)
	s.pass(1)
	for _, past := range []string{running, ended} {
		s.status(403, "", "member", "PUT", "/api/v0", `{"method":"del","aid":`+past+`}`)
	}
	s.status(400, "user", "member", "PUT", "/api/v0", `{"method":"del","user":"","aid":`+future+`}`)
	wantEqual(t, "nothing was stored", s.head(), 5)
	got := s.put(`{"method":"del","user":"Ann","note":"ignored","from":1,"to":"nonsense","aid":` + future + `}`)
	want := fmt.Sprintf(`{"id":6,"time":%d,"type":"announcement","note":"n","method":"del","aid":3,"user":"Ann","from":%d,"to":%d,"public":true,"url":"http://x.org"}`, now+1, now+1000, now+2000)
	wantEqual(t, "the del action", got, want)
	s.status(404, "aid", "member", "PUT", "/api/v0", `{"method":"del","aid":`+future+`}`)
	s.status(404, "aid", "member", "PUT", "/api/v0", `{"method":"del","aid":1}`)
}

func readingCurrent(t *testing.T, s *server) {
	later, sooner, same := s.announce(500, 600), s.announce(0, 100), s.announce(500, 600)
	current := func() string {
		t.Helper()
		var aids []string
		for _, a := range actions(t, s.get("member", "/api/v0/announcement/current")) {
			aids = append(aids, fmt.Sprint(a["aid"]))
		}
		return strings.Join(aids, " ")
	}
	wantEqual(t, "by from, then aid", current(), sooner+" "+later+" "+same)
	s.put(mod(later, 700, 800, `"note":"moved"`))
	wantEqual(t, "moved", current(), sooner+" "+same+" "+later)
	list := actions(t, s.get("member", "/api/v0/announcement/current"))
	wantEqual(t, "the newest action", []any{list[2]["note"], list[2]["method"], list[2]["id"]}, []any{"moved", "mod", 6})
	s.pass(100)
	wantEqual(t, "until its last second", current(), sooner+" "+same+" "+later)
	s.pass(1)
	wantEqual(t, "ended", current(), same+" "+later)
	s.put(`{"method":"del","aid":` + same + `}`)
	wantEqual(t, "deleted", current(), later)
	user, from, to := "Hans", club.Point{N: now + 500}, club.Point{N: now + 600}
	many(1100, func() {
		if _, err := s.club.Announce(t.Context(), club.Draft{User: &user, From: &from, To: &to}); err != nil {
			t.Error(err)
		}
	})
	s.caughtUp()
	wantEqual(t, "no limit", len(actions(t, s.get("member", "/api/v0/announcement/current"))), 1101)
	before := s.get("member", "/api/v0/announcement/current")
	s.restart()
	wantEqual(t, "after a restart", s.get("member", "/api/v0/announcement/current"), before)
}
