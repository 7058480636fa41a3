package apiv0_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestPresence follows the rows of the readings, "Presence". What takes time is
// also tested in TestTime, by the clock of a bubble.
func TestPresence(t *testing.T) {
	readings(t, []reading{
		{"Heartbeat", readingHeartbeat},
		{"Action", readingPresenceAction},
		{"A user", readingPresentUser},
		{"Anonymous people", readingAnonymous},
		{"Restart", readingPresenceRestart},
	})
}

func (s *server) present(names ...string) {
	s.t.Helper()
	for _, name := range names {
		wantEqual(s.t, name, s.put(`{"type":"presence","user":"`+name+`"}`), "null")
	}
}

// presence is the newest presence action, as "note | name since …".
func (s *server) presence() string {
	s.t.Helper()
	last := actions(s.t, s.get("member", "/api/v0/presence?id=last"))[0]
	text := []string{fmt.Sprint(last["note"]), "|"}
	for _, u := range last["users"].([]any) {
		o := u.(map[string]any)
		text = append(text, fmt.Sprint(o["name"], " ", o["since"]))
	}
	return strings.Join(text, " ")
}

func readingHeartbeat(t *testing.T, s *server) {
	s.present("Hans", "Ann")
	s.pass(299)
	s.present("Ann")
	s.look()
	wantEqual(t, "899 s later", s.presence(), "joined: Ann, Hans | Ann 1800000030 Hans 1800000030")
	s.look()
	wantEqual(t, "1499 s later", s.presence(), "left: Ann, Hans |")
}

func readingPresenceAction(t *testing.T, s *server) {
	s.look()
	wantEqual(t, "nobody came", s.head(), 2)
	s.present("Ann", "Bob")
	wantEqual(t, "before the look", s.presence(), " |")
	s.look()
	wantEqual(t, "they came", s.presence(), "joined: Ann, Bob | Ann 1800000630 Bob 1800000630")
	s.present("Bob", "Ann")
	s.look()
	wantEqual(t, "nothing changed", s.head(), 3)
	s.pass(1000)
	s.present("Hans", "Bob")
	s.look()
	wantEqual(t, "others came", s.presence(), "joined: Hans; left: Ann | Bob 1800002830 Hans 1800002830")
	long := []string{"日本語日一", "日本語日二", "日本語日三", "日本語日四", "日本語日五"}
	s.present(append(long, "Bob", "Hans")...)
	s.look()
	note, _, _ := strings.Cut(s.presence(), " |")
	wantEqual(t, "cut at a name", note, "joined: 日本語日一, 日本語日三, 日本語日二, 日本語日五, …")
	if len(note) > 80 {
		t.Errorf("%d bytes", len(note))
	}
}

func readingPresentUser(t *testing.T, s *server) {
	s.present("b", "B", "ä", "a", "  a ", "日")
	s.look()
	text := s.get("member", "/api/v0/presence?id=last")
	var want []string
	for _, name := range []string{"B", "a", "b", "ä", "日"} {
		want = append(want, fmt.Sprintf(`{"user":"%s","name":"%s","since":%d}`, name, name, now))
	}
	if !strings.Contains(text, `"users":[`+strings.Join(want, ",")+`],`) {
		t.Errorf("got %s, want %s", text, want)
	}
}

func readingAnonymous(t *testing.T, s *server) {
	count := func() any {
		t.Helper()
		return actions(t, s.get("member", "/api/v0/presence?id=last"))[0]["anonymous_users"]
	}
	wantEqual(t, "by default", count(), 0)
	for _, body := range []string{
		`{"type":"presence","anonymous_client_id":18446744073709551615,"anonymous_users":3}`,
		`{"type":"presence","anonymous_client_id":0,"anonymous_users":2.4}`,
		`{"type":"presence","anonymous_client_id":"7","anonymous_users":1e1,"user":"Hans"}`,
	} {
		wantEqual(t, body, s.put(body), "null")
	}
	s.look()
	wantEqual(t, "added up", []any{count(), s.presence()}, []any{15, "joined: Hans; anonymous: 15 | Hans 1800000030"})
	s.put(`{"type":"presence","anonymous_client_id":0,"anonymous_users":5}`)
	s.look()
	wantEqual(t, "one client counts anew, the others are gone", []any{count(), s.presence()}, []any{5, "left: Hans; anonymous: 5 |"})
	s.pass(300)
	s.look()
	wantEqual(t, "15 minutes later", count(), 0)
	before := s.head()
	for body, member := range map[string]string{
		`{"type":"presence","anonymous_users":5}`:                                                           "anonymous_client_id",
		`{"type":"presence","anonymous_client_id":5}`:                                                       "anonymous_users",
		`{"type":"presence","anonymous_client_id":-1,"anonymous_users":5}`:                                  "anonymous_client_id",
		`{"type":"presence","anonymous_client_id":1.5,"anonymous_users":5}`:                                 "anonymous_client_id",
		`{"type":"presence","anonymous_client_id":18446744073709551616,"anonymous_users":5}`:                "anonymous_client_id",
		`{"type":"presence","anonymous_client_id":"x","anonymous_users":5}`:                                 "anonymous_client_id",
		`{"type":"presence","anonymous_client_id":{},"anonymous_users":5}`:                                  "anonymous_client_id",
		`{"type":"presence","anonymous_client_id":1,"anonymous_users":-1}`:                                  "anonymous_users",
		`{"type":"presence","anonymous_client_id":1,"anonymous_users":1000001}`:                             "anonymous_users",
		`{"type":"presence","anonymous_client_id":1,"anonymous_users":1e300}`:                               "anonymous_users",
		`{"type":"presence","anonymous_client_id":1,"anonymous_users":"5"}`:                                 "anonymous_users",
		`{"type":"presence","anonymous_client_id":1,"anonymous_users":true}`:                                "anonymous_users",
		`{"type":"presence","anonymous_client_id":1,"anonymous_users":5,"user":""}`:                         "user",
		`{"type":"presence","anonymous_client_id":1,"anonymous_users":5,"user":7}`:                          "user",
		`{"type":"presence","anonymous_client_id":null,"anonymous_users":null}`:                             "user",
		`{"type":"presence","anonymous_client_id":1,"anonymous_users":99999999999999999999999999999999999}`: "anonymous_users",
	} {
		s.status(400, member, "member", "PUT", "/api/v0", body)
	}
	s.look()
	wantEqual(t, "nothing was counted", []any{s.head(), count()}, []any{before, 0})
}

func readingPresenceRestart(t *testing.T, s *server) {
	s.present("Hans")
	s.restart()
	s.look()
	wantEqual(t, "after a restart", s.presence(), "joined: Hans | Hans 1800000030")
	s.restart()
	wantEqual(t, "after another", s.presence(), "joined: Hans | Hans 1800000030")
	s.pass(300)
	s.look()
	wantEqual(t, "15 minutes later", s.presence(), "left: Hans |")
}
