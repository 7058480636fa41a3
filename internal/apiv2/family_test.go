package apiv2_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"stint/internal/account"
	"stint/internal/apiv2"
	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/stream"
)

const (
	games      = "/api/v2/games.php"
	keyholders = "/api/v2/keyholders.php"
)

// story is a server with two people: Ann, who owns sessions, and Bob, both in Rome.
type story struct {
	*server
	bob string // his token
}

// eachStory runs fn against a server on both engines.
func eachStory(t *testing.T, fn func(t *testing.T, s *story), change ...func(*apiv2.Options)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &story{server: serve(t, d, newClock(), append(change, withEvents(t))...)}
		s.bob = s.person("Bob", "Europe/Rome")
		fn(t, s)
	})
}

// withEvents gives the API what its streams need.
func withEvents(t testing.TB) func(*apiv2.Options) {
	return func(o *apiv2.Options) {
		hub := stream.NewHub(stream.Options{MaxPerAddr: 20})
		o.Hub = hub
		t.Cleanup(func() { hub.Close(t.Context()) })
	}
}

// as sends a request with a token; "" sends none.
func (s *story) as(token, method, target, body string, headers ...string) result {
	s.t.Helper()
	if token != "" {
		token = "Bearer " + token
	}
	return s.do(method, target, body, append([]string{"Authorization", token}, headers...)...)
}

// begin starts a session of Ann with members beside the scheduled end, in five days.
func (s *story) begin(more ...string) string {
	s.t.Helper()
	return s.post(with(`{"type":"live","scheduledend":"2026-02-10","scheduledendtime":"13:00"}`, more...)).must(201).id()
}

// Members that turn games on.
const (
	dice = `"dices":1,"dicenumber":2,"diceunit":"HOUR","dicetimewait":6,"dicemaxmulti":2`
	luck = `"luck":1,"randadd":2,"randaddunit":"HOUR","randsub":1,"randsubunit":"HOUR"`
	link = `"links":1,"linkadd":1,"linkaddunit":"HOUR","linksub":30,"linksubunit":"MINUTE","resetvotes":1`
)

// link makes Bob the keyholder of Ann.
func (s *story) link() {
	s.t.Helper()
	code := s.do("POST", keyholders, `{"action":"invite"}`).must(201).body.at("data.code").(string)
	s.as(s.bob, "POST", keyholders, fmt.Sprintf(`{"action":"accept","code":%q}`, code)).must(201)
}

// request is one of Ann without a body.
func (s *story) request(method, target string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequest(method, s.url+target, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	return r
}

func (s *story) play(game, session string, headers ...string) result {
	s.t.Helper()
	return s.do("POST", games, fmt.Sprintf(`{"game":%q,"session":%s}`, game, session), headers...)
}

// voteToken is the token of the vote link.
func (s *story) voteToken(session string) string {
	s.t.Helper()
	token, _ := s.get("?id=" + session).must(200).body.at("data.games.link.token").(string)
	return token
}

// vote votes as nobody in particular.
func (s *story) vote(token, choice string, headers ...string) result {
	s.t.Helper()
	return s.as("", "POST", games, fmt.Sprintf(`{"game":"link","dom":0,"token":%q,"type":%q}`, token, choice), headers...)
}

func (s *story) scheduled(session string) time.Time {
	s.t.Helper()
	text, _ := s.get("?id=" + session).must(200).body.at("data.scheduledend_utc").(string)
	return stamp(s.t, text)
}

func stamp(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateTime, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func (r result) number(path string) int64 {
	r.t.Helper()
	n, ok := r.body.at(path).(json.Number)
	if !ok {
		r.t.Fatalf("%s is no number: %s", path, r.text)
	}
	i, err := n.Int64()
	if err != nil {
		r.t.Fatal(err)
	}
	return i
}

// waits checks a refusal that says when to come back.
func (r result) waits(code string, at time.Time) {
	r.t.Helper()
	r.refused(429, code, "")
	if got := r.body.at("error.retry_at"); got != at.UTC().Format(time.RFC3339) {
		r.t.Errorf("retry_at is %v, want %s", got, at.UTC().Format(time.RFC3339))
	}
	if r.header.Get("Retry-After") == "" {
		r.t.Errorf("no Retry-After: %s", r.text)
	}
}

func TestDice(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(dice)
		before := s.scheduled(id)
		fair := s.do("GET", "/api/v2/fair.php?session="+id, "").must(200).want("data.used", "0", "data.clientseed", `""`)
		s.do("PATCH", "/api/v2/fair.php?session="+id, `{"clientseed":"ann's own"}`).must(200).want("data.clientseed", `"ann's own"`)
		r := s.play("dice", id).must(200)
		r.want("data.session", id, "data.dom", "0", "data.game", `"dice"`, "data.source", `"DICE"`,
			"data.next_play_utc", `"2026-02-05 18:00:00"`, "data.proof.scheme", `"fair1"`, "data.proof.nonce", "1",
			"data.proof.clientseed", `"ann's own"`)
		if got := r.body.at("data.proof.prev"); got != fair.body.at("data.commitment") {
			t.Errorf("the first seed leads to %v, not to the commitment", got)
		}
		moved := time.Duration(r.number("data.seconds")) * time.Second
		if r.body.at("data.operation") == "SUB" {
			moved = -moved
		}
		if got := s.scheduled(id); !got.Equal(before.Add(moved)) {
			t.Errorf("the end is %s, want %s moved by %s", got, before, moved)
		}
		s.play("dice", id).waits("cooldown", noon.Add(6*time.Hour))
		s.pass(6*time.Hour - time.Second)
		if r := s.play("dice", id).must(429); r.header.Get("Retry-After") != "1" {
			t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
		}
		s.pass(time.Second)
		s.play("dice", id).must(200).want("data.proof.nonce", "2", "data.proof.prev", raw(t, r.text, "data", "proof", "seed"))
		s.get("?id="+id).want("data.games.dice.plays", "2", "data.games.dice.plays_today", "2")
	})
}

// The names of a play in any case, and what clients of the family send beside what is needed.
func TestPlaysAsClientsSendThem(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(dice, luck)
		s.do("POST", games, `{"game":"DICE","dom":"0","session":"`+id+`","token":"","type":null}`).must(200)
		r := s.do("POST", "/api/v2/games", `{"game":"luck","session":`+id+`,"token":"unused","type":"add"}`).must(200)
		if r.warnings() != nil {
			t.Errorf("%v", r.warnings())
		}
		r = s.do("POST", games, `{"game":"luck","session":`+id+`,"colour":"red","dicenumber":2}`).must(200)
		if got := strings.Join(r.warnings(), "|"); !strings.Contains(got, "colour") || !strings.Contains(got, "dicenumber") {
			t.Errorf("%v", got)
		}
		s.do("POST", games, `{"game":"luck","session":`+id+`,"colour":"red"}`, "Prefer", "handling=strict").refused(400, "validation", "colour")
	})
}

func TestRefusedPlays(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		ended := s.post(manual("2026-01-01", "", "2026-01-02", "")).must(201).id()
		plain := s.post(`{"type":"live","scheduledend":"2026-02-10"}`).must(201).id()
		s.play("dice", plain).refused(409, "game_disabled", "")
		s.delete("?id=" + plain + "&discard=1").must(200)
		id := s.begin(dice, link)
		token := s.voteToken(id)
		before := s.get("?id=" + id).text
		for _, c := range []struct {
			name, token, body string
			status            int
			code, field       string
		}{
			{"no game", s.token, `{"session":` + id + `}`, 400, "validation", "game"},
			{"unknown game", s.token, `{"game":"chess","session":` + id + `}`, 400, "validation", "game"},
			{"a game that is a number", s.token, `{"game":1,"session":` + id + `}`, 400, "validation", "game"},
			{"no session", s.token, `{"game":"dice"}`, 400, "validation", "session"},
			{"session zero", s.token, `{"game":"dice","session":0}`, 400, "validation", "session"},
			{"session below zero", s.token, `{"game":"dice","session":-1}`, 400, "validation", "session"},
			{"a word for a session", s.token, `{"game":"dice","session":"one"}`, 400, "validation", "session"},
			{"dom 2", s.token, `{"game":"dice","session":` + id + `,"dom":2}`, 400, "validation", "dom"},
			{"no body", s.token, ``, 400, "validation", ""},
			{"no object", s.token, `[]`, 400, "validation", ""},
			{"twice the same member", s.token, `{"game":"dice","game":"luck","session":` + id + `}`, 400, "validation", ""},
			{"an ended session", s.token, `{"game":"dice","session":` + ended + `}`, 409, "not_active", ""},
			{"an unknown session", s.token, `{"game":"dice","session":99}`, 404, "not_found", ""},
			{"a session of another", s.bob, `{"game":"dice","session":` + id + `}`, 404, "not_found", ""},
			{"a game that is off", s.token, `{"game":"luck","session":` + id + `}`, 409, "game_disabled", ""},
			{"no keyholder", s.bob, `{"game":"dice","dom":1,"session":` + id + `}`, 403, "not_linked", ""},
			{"the owner is no keyholder", s.token, `{"game":"dice","dom":1,"session":` + id + `}`, 403, "not_linked", ""},
			{"an unknown session for a keyholder", s.bob, `{"game":"dice","dom":1,"session":99}`, 403, "not_linked", ""},
			{"nobody", "", `{"game":"dice","session":` + id + `}`, 401, "unauthorized", ""},
			{"nobody as a keyholder", "", `{"game":"link","dom":1,"session":` + id + `,"type":"add"}`, 401, "unauthorized", ""},
			{"nobody at all", "", `{}`, 401, "unauthorized", ""},
			{"a vote without a token", "", `{"game":"link","type":"add"}`, 400, "validation", "token"},
			{"a vote without a choice", "", `{"game":"link","token":"` + token + `"}`, 400, "validation", "type"},
			{"a vote for something else", "", `{"game":"link","token":"` + token + `","type":"half"}`, 400, "validation", "type"},
			{"a vote in another session", "", `{"game":"link","token":"` + token + `","type":"add","session":99}`, 404, "not_found", ""},
			{"an unknown vote token", "", `{"game":"link","token":"` + strings.Repeat("A", 26) + `","type":"add"}`, 404, "not_found", ""},
			{"a malformed vote token", "", `{"game":"link","token":"x","type":"add"}`, 404, "not_found", ""},
			{"an empty vote token", "", `{"game":"link","token":"","type":"add"}`, 404, "not_found", ""},
			{"a number for a vote token", "", `{"game":"link","token":17,"type":"add"}`, 404, "not_found", ""},
			{"a list for a vote token", "", `{"game":"link","token":[],"type":"add"}`, 404, "not_found", ""},
			{"a long vote token", "", `{"game":"link","token":"` + strings.Repeat("A", 20_000) + `","type":"add"}`, 404, "not_found", ""},
			{"a vote with a wrong bearer", "stint_x", `{"game":"link","token":"` + token + `","type":"add"}`, 401, "unauthorized", ""},
		} {
			t.Run(c.name, func(t *testing.T) { s.as(c.token, "POST", games, c.body).refused(c.status, c.code, c.field) })
		}
		s.nothingPlayed(id, token, before)
	})
}

// nothingPlayed tries tokens and methods that never play, and checks that nothing has changed.
func (s *story) nothingPlayed(id, token, before string) {
	s.t.Helper()
	reader := s.tokenOf("Ann", "reader", account.TokenRead, time.Time{})
	s.as(reader, "POST", games, `{"game":"dice","session":`+id+`}`).refused(403, "forbidden", "")
	s.as(reader, "POST", games, `{"game":"link","token":"`+token+`","type":"add"}`).refused(403, "forbidden", "")
	if after := s.get("?id=" + id).text; after != before {
		s.t.Errorf("something changed:\n%s\n%s", before, after)
	}
	for _, method := range []string{"GET", "HEAD", "PUT", "DELETE"} {
		r := s.as("", method, games+"?token="+token+"&type=add&game=link", "")
		if r.status != 405 || r.header.Get("Allow") != "POST, PATCH, OPTIONS" {
			s.t.Errorf("%s: %d %v", method, r.status, r.header)
		}
	}
	s.do("GET", "/api/v2/histories.php?session="+id, "").must(200).want("data.count", "1")
}

func TestScheduleReached(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(dice, link)
		token := s.voteToken(id)
		s.pass(5 * 24 * time.Hour)
		s.play("dice", id).refused(409, "schedule_reached", "")
		s.vote(token, "add").refused(409, "schedule_reached", "")
		s.get("?id="+id).want("data.active", "1", "data.reached_utc", `"2026-02-10 12:00:00"`)
		s.patch(id, `{"endNow":true}`).must(200)
		s.play("dice", id).refused(409, "not_active", "")
		s.vote(token, "add").refused(409, "not_active", "")
	})
}

func TestRetriedRolls(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(dice, link)
		first := s.play("dice", id, "Idempotency-Key", "roll").must(200)
		again := s.play("dice", id, "Idempotency-Key", "roll").must(200)
		if first.text != again.text || again.header.Get("Idempotent-Replayed") != "true" {
			t.Errorf("%s, then %s", first.text, again.text)
		}
		s.play("luck", id, "Idempotency-Key", "roll").refused(409, "idempotency_conflict", "")
		// The key stands for the path, too.
		s.do("POST", path, fmt.Sprintf(`{"game":"dice","session":%s}`, id), "Idempotency-Key", "roll").must(409)
		s.play("dice", id, "Idempotency-Key", "another").must(429)
		s.get("?id="+id).want("data.games.dice.plays", "1")
		// Without a bearer token a key belongs to the voter.
		token := s.voteToken(id)
		vote := s.vote(token, "add", "Idempotency-Key", "v").must(200)
		if again := s.vote(token, "add", "Idempotency-Key", "v").must(200); again.text != vote.text {
			t.Errorf("%s, then %s", vote.text, again.text)
		}
		s.vote(strings.Repeat("A", 26), "add", "Idempotency-Key", "v").refused(404, "not_found", "")
		s.get("?id="+id).want("data.games.link.plays", "1")
		s.do("GET", "/api/v2/histories.php?session="+id, "").must(200).want("data.count", "3")
	})
}

// Of 200 rolls at once exactly one is applied, on two servers too.
func TestTwoHundredRolls(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		clock := newClock()
		one := &story{server: serve(t, dbtest.Open(t, target), clock)}
		two := &story{server: serve(t, dbtest.Open(t, target), clock)}
		two.token = one.token
		id := one.begin(dice)
		counts := tally(atOnce(200, func(i int) result { return []*story{one, two}[i%2].play("dice", id) }))
		if counts["200"] != 1 || counts["429 cooldown"] != 199 {
			t.Errorf("%v", counts)
		}
		one.do("GET", "/api/v2/histories.php?session="+id, "").want("data.count", "2")
		counts = tally(atOnce(200, func(i int) result {
			return []*story{one, two}[i%2].play("dice", id, "Idempotency-Key", fmt.Sprint("key ", i%4))
		}))
		if counts["429 cooldown"] != 200 {
			t.Errorf("%v", counts)
		}
	})
}

// Copies of one roll at once are one roll, and all get its answer.
func TestCopiesOfARoll(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(dice)
		answers := atOnce(64, func(int) result { return s.play("dice", id, "Idempotency-Key", "same") })
		for _, r := range answers {
			if r.must(200).text != answers[0].text {
				t.Errorf("%s and %s", r.text, answers[0].text)
			}
		}
		s.get("?id="+id).want("data.games.dice.plays", "1")
	})
}
