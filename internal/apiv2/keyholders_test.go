package apiv2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestInvitations(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		cay := s.person("Cay", "UTC")
		open := s.do("POST", keyholders, `{"action":"invite"}`).must(201).want("data.status", `"Invitation created successfully"`,
			"data.keyholder.role", `"owner"`, "data.keyholder.status", `"invited"`, "data.keyholder.owner", `"Ann"`, "data.keyholder.keyholder", "null",
			"data.keyholder.expires", `"2026-02-12 12:00:00"`, "data.keyholder.session", "null")
		code, _ := open.body.at("data.code").(string)
		s.do("POST", keyholders, fmt.Sprintf(`{"action":"accept","code":%q}`, code)).refused(400, "validation", "keyholder")
		s.as(s.bob, "POST", keyholders, fmt.Sprintf(`{"action":"accept","code":%q}`, code)).must(201).
			want("data.status", `"Invitation accepted successfully"`, "data.keyholder.role", `"keyholder"`, "data.keyholder.keyholder", `"Bob"`)
		s.as(cay, "POST", keyholders, fmt.Sprintf(`{"action":"accept","code":%q}`, code)).refused(404, "not_found", "")
		// By name.
		s.do("POST", keyholders, `{"action":"invite","keyholder":"bob"}`).refused(409, "already_linked", "")
		s.do("POST", keyholders, `{"action":"invite","keyholder":"cay"}`).must(201).want("data.keyholder.keyholder", `"Cay"`)
		s.as(cay, "GET", keyholders, "").want("data.count", "1", "data.items.0.role", `"keyholder"`, "data.items.0.status", `"invited"`)
		s.as(cay, "POST", keyholders, `{"action":"accept","owner":"Ann"}`).must(201)
		s.do("GET", keyholders, "").want("data.count", "2", "data.items.0.keyholder", `"Bob"`, "data.items.1.keyholder", `"Cay"`, "data.items.1.status", `"accepted"`)
		for _, c := range []struct{ body, code, field string }{
			{`{}`, "validation", "action"},
			{`{"action":"ask"}`, "validation", "action"},
			{`{"action":"invite","keyholder":"Nobody"}`, "validation", "keyholder"},
			{`{"action":"invite","keyholder":"Ann"}`, "validation", "keyholder"},
			{`{"action":"invite","keyholder":7}`, "validation", "keyholder"},
			{`{"action":"accept"}`, "validation", "code"},
			{`{"action":"accept","code":"A","owner":"Bob"}`, "validation", "code"},
		} {
			s.do("POST", keyholders, c.body).refused(400, c.code, c.field)
		}
		s.do("POST", keyholders, `{"action":"accept","code":"unknown"}`).refused(404, "not_found", "")
		s.do("POST", keyholders, `{"action":"accept","owner":"Nobody"}`).refused(404, "not_found", "")
		// Either side ends it; nobody else.
		id := s.do("GET", keyholders, "").number("data.items.0.id")
		s.as(cay, "DELETE", fmt.Sprintf("%s?id=%d", keyholders, id), "").refused(404, "not_found", "")
		s.as(s.bob, "DELETE", fmt.Sprintf("%s?id=%d", keyholders, id), "").must(200)
		s.do("DELETE", fmt.Sprintf("%s?id=%d", keyholders, id), "").refused(404, "not_found", "")
		s.do("DELETE", keyholders, "").refused(400, "validation", "id")
		s.do("DELETE", keyholders+"?id=x", "").refused(400, "validation", "id")
		// An invitation ends after seven days.
		code, _ = s.do("POST", keyholders, `{"action":"invite"}`).must(201).body.at("data.code").(string)
		s.pass(7*24*time.Hour + time.Second)
		s.as(s.bob, "POST", keyholders, fmt.Sprintf(`{"action":"accept","code":%q}`, code)).refused(404, "not_found", "")
	})
}

func TestInvitationsAreRepeated(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		cay := s.person("Cay", "UTC")
		first := s.do("POST", keyholders, `{"action":"invite"}`, "Idempotency-Key", "k").must(201)
		again := s.do("POST", keyholders, `{"action":"invite"}`, "Idempotency-Key", "k").must(201)
		if again.text != first.text || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s, then %s", first.text, again.text)
		}
		s.do("POST", keyholders, `{"action":"invite","keyholder":"Cay"}`, "Idempotency-Key", "k").refused(409, "idempotency_conflict", "")
		active := s.begin(dice)
		code, _ := first.body.at("data.code").(string)
		accept := func() result {
			return s.as(cay, "POST", keyholders, fmt.Sprintf(`{"action":"accept","code":%q}`, code), "Idempotency-Key", "k")
		}
		accepted := accept().must(201).want("data.keyholder.owner", `"Ann"`, "data.keyholder.session", active)
		if repeated := accept().must(201); repeated.text != accepted.text {
			t.Errorf("%s, then %s", accepted.text, repeated.text)
		}
	})
}

func TestHeldSession(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(dice, link, luck, `"notes":"planted"`)
		unknown := s.as(s.bob, "GET", path+"?id=99", "").refused(404, "not_found", "").text
		if got := s.as(s.bob, "GET", path+"?id="+id, "").refused(404, "not_found", "").text; got != unknown {
			t.Errorf("%s, want %s", got, unknown)
		}
		s.as(s.bob, "PATCH", path+"?id="+id, `{"scheduledend":"2026-02-12"}`).refused(404, "not_found", "")
		s.link()
		s.as(s.bob, "GET", keyholders, "").want("data.items.0.session", id)
		held := s.as(s.bob, "GET", path+"?id="+id, "").must(200).want("data.id", id, "data.notes", "null", "data.games.dice.dices", "2")
		if strings.Contains(held.text, "planted") {
			t.Errorf("notes: %s", held.text)
		}
		s.as(s.bob, "GET", path, "").want("data.total", "0")
		// The scheduled end, and nothing else.
		s.as(s.bob, "PATCH", path+"?id="+id, `{"scheduledend":"2026-02-12","scheduledendtime":"12:00"}`).must(200).
			want("data.session.scheduledend_utc", `"2026-02-12 12:00:00"`, "data.session.notes", "null")
		s.do("GET", "/api/v2/histories.php?session="+id+"&source=dom", "").want("data.count", "1", "data.items.0.type", `"ADD"`,
			"data.items.0.source", `"DOM"`, "data.items.0.unit", "172800", "data.items.0.dom", "1")
		for _, body := range []string{`{"public":1}`, `{"notes":"x"}`, `{"lockedby":"x"}`, `{"endNow":true}`, `{"enddate":"2026-02-05"}`} {
			s.as(s.bob, "PATCH", path+"?id="+id, body).refused(403, "forbidden", "")
		}
		s.as(s.bob, "PATCH", path+"?id="+id, `{}`).refused(400, "no_fields", "")
		s.as(s.bob, "PATCH", path+"?id="+id, `{"scheduledend":null}`).refused(400, "validation", "scheduledend")
		s.as(s.bob, "DELETE", path+"?id="+id+"&discard=1", "").refused(404, "not_found", "")
		// Plays of the keyholder, and what is read.
		for game, more := range map[string]string{"dice": "", "luck": "", "link": `,"type":"sub"`} {
			s.as(s.bob, "POST", games, fmt.Sprintf(`{"game":%q,"dom":1,"session":%s%s}`, game, id, more)).must(200).want("data.dom", "1")
		}
		s.as(s.bob, "GET", "/api/v2/histories.php?session="+id+"&dom=1", "").must(200).want("data.count", "4")
		s.as(s.bob, "GET", "/api/v2/fair.php?session="+id, "").must(200)
		s.as(s.bob, "PATCH", "/api/v2/fair.php?session="+id, `{"clientseed":"bob's"}`).refused(404, "not_found", "")
		s.patch(id, `{"endNow":true}`).must(400) // under an hour
		s.pass(time.Hour)
		s.patch(id, `{"endNow":true}`).must(200)
		for _, target := range []string{path + "?id=", "/api/v2/histories.php?session=", "/api/v2/games_changes.php?session=", "/api/v2/fair.php?session="} {
			s.as(s.bob, "GET", target+id, "").refused(404, "not_found", "")
		}
	})
}

func TestKeyholderSetsGames(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(dice, link)
		target := games + "?session=" + id
		s.do("PATCH", target, `{"dice":{"dices":3}}`).refused(403, "not_linked", "")
		s.as(s.bob, "PATCH", target, `{"dice":{"dices":3}}`).refused(403, "not_linked", "")
		s.link()
		s.do("PATCH", target, `{"dice":{"dices":3}}`).refused(403, "not_linked", "")
		s.as(s.bob, "PATCH", target, `{
			"dice":{"dices":3,"waitint":"2","maxmultiplier":1.5,"penalties":{"min":2,"addint":1}},
			"link":null,
			"luck":{"addint":4,"addunit":"hour","subint":1,"waitunit":"MINUTE","penalties":null}}`).must(200).
			want("data.status", `"Games updated successfully"`, "data.id", id, "data.session.has_games_changes", "1",
				"data.session.games.dice.dices", "3", "data.session.games.dice.addunit", `"HOUR"`, "data.session.games.dice.waitint", "2",
				"data.session.games.dice.maxmultiplier", "1.50", "data.session.games.dice.penalties", `{"addint":1,"addunit":"DAY","always":1,"min":2}`,
				"data.session.games.link", "absent", "data.session.games.luck.addint", "4", "data.session.games.luck.addunit", `"HOUR"`)
		r := s.do("GET", "/api/v2/games_changes.php?session="+id+"&include_raw=1", "").must(200).want("data.count", "3",
			"data.items.0.game", `"luck"`, "data.items.0.action", `"INSERT"`, "data.items.0.dom_nick", `"Bob"`, "data.items.0.before", "null",
			"data.items.1.game", `"link"`, "data.items.1.action", `"DELETE"`, "data.items.1.after", "null", "data.items.1.before.subint", "30",
			"data.items.2.game", `"dice"`, "data.items.2.action", `"UPDATE"`, "data.items.2.before.dices", "2", "data.items.2.after.dices", "3",
			"data.items.2.changes.0", `{"from":"2","label":"number of dice","to":"3"}`)
		if r.has("data.cursor_next") && r.body.at("data.cursor_next") != nil {
			t.Errorf("%s", r.text)
		}
		s.do("GET", "/api/v2/games_changes.php?session="+id+"&include_diff=0&game=DICE&action=update", "").want("data.count", "1",
			"data.items.0.changes", "absent", "data.items.0.before", "absent")
		for _, c := range []struct{ body, code, field string }{
			{``, "no_fields", ""},
			{`{}`, "no_fields", ""},
			{`{"dice":{}}`, "no_fields", ""},
			{`{"dice":{"dices":3}}`, "no_fields", ""},
			{`{"dice":{"colour":1}}`, "no_fields", ""},
			{`{"dice":3}`, "validation", "dice"},
			{`{"dice":{"dices":21}}`, "validation", "dice.dices"},
			{`{"dice":{"dices":"two"}}`, "validation", "dice.dices"},
			{`{"dice":{"addunit":"WEEK"}}`, "validation", "dice.addunit"},
			{`{"dice":{"waitunit":"MONTH"}}`, "validation", "dice.waitunit"},
			{`{"dice":{"waitint":-1}}`, "validation", "dice.waitint"},
			{`{"dice":{"minmultiplier":2}}`, "validation", "dice.minmultiplier"},
			{`{"dice":{"maxmultiplier":100.01}}`, "validation", "dice.maxmultiplier"},
			{`{"dice":{"penalties":1}}`, "validation", "dice.penalties"},
			{`{"dice":{"penalties":{"min":13}}}`, "validation", "dice.penalties.min"},
			{`{"dice":{"penalties":{"addint":10001}}}`, "validation", "dice.penalties.addint"},
			{`{"dice":{"penalties":{"always":2}}}`, "validation", "dice.penalties.always"},
			{`{"luck":{"subint":10001}}`, "validation", "luck.subint"},
			{`{"link":{"waitint":10001}}`, "validation", "link.waitint"},
			{`{"link":{"resetvotes":7}}`, "validation", "link.resetvotes"},
		} {
			s.as(s.bob, "PATCH", target, c.body).refused(400, c.code, c.field)
		}
		s.as(s.bob, "PATCH", target, `{"dice":{"colour":1,"dices":4},"chess":{}}`, "Prefer", "handling=strict").refused(400, "validation", "chess")
		got := strings.Join(s.as(s.bob, "PATCH", target, `{"dice":{"colour":1,"dices":4,"penalties":null},"chess":{}}`).must(200).
			want("data.session.games.dice.dices", "4", "data.session.games.dice.penalties", "absent").warnings(), "|")
		if !strings.Contains(got, "dice.colour") || !strings.Contains(got, "chess") {
			t.Errorf("warnings %q", got)
		}
		s.as(s.bob, "PATCH", games, `{"dice":null}`).refused(400, "validation", "session")
		s.as(s.bob, "PATCH", target, `{"dice":null,"luck":null}`).must(200).want("data.session.games", "absent")
	})
}
