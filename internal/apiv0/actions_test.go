package apiv0_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestActions follows the rows of the readings, "Actions".
func TestActions(t *testing.T) {
	readings(t, []reading{
		{"Every action has id, time, type, note", readingMembers},
		{"Before anything happened", readingBefore},
		{"user", readingUser},
		{"note", readingNote},
		{"Request body", readingRequestBody},
		{"PUT status", readingPutStatus},
		{"PUT presence", readingPutPresence},
		{"Status changed", readingChanged},
	})
}

func readingMembers(t *testing.T, s *server) {
	s.put(openStatus)
	s.put(`{"type":"announcement","user":"Hans","from":"now","to":"now+60","public":true,"note":"n","url":"http://x.org"}`)
	wantEqual(t, "announcement/current", s.get("member", "/api/v0/announcement/current"), s.get("member", "/api/v0/announcement"))
	s.put(`{"type":"presence","user":"Hans"}`)
	s.look()
	all := actions(t, s.get("member", "/api/v0/all"))
	for i, a := range all {
		wantEqual(t, "id", a["id"], i+1)
	}
	for i, want := range []string{
		`{"id":3,"time":1800000030,"type":"status","note":"hi","user":"Hans","status":"public"}`,
		`{"id":4,"time":1800000030,"type":"announcement","note":"n","method":"new","aid":4,"user":"Hans","from":1800000030,"to":1800000090,"public":true,"url":"http://x.org"}`,
		`{"id":5,"time":1800000630,"type":"presence","note":"joined: Hans","users":[{"user":"Hans","name":"Hans","since":1800000030}],"anonymous_users":0}`,
	} {
		if got := s.get("member", fmt.Sprintf("/api/v0/all?id=%d", i+3)); got != `{"actions":[`+want+`]}` {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	wantEqual(t, "status/current", s.get("member", "/api/v0/status/current"), strings.ReplaceAll(`{"last":X,"changed":X}`, "X",
		`{"id":3,"time":1800000030,"type":"status","note":"hi","user":"Hans","status":"public"}`))
}

func readingBefore(t *testing.T, s *server) {
	const status = `{"id":1,"time":1800000030,"type":"status","note":"initial state","user":"stint","status":"closed"}`
	const presence = `{"id":2,"time":1800000030,"type":"presence","note":"","users":[],"anonymous_users":0}`
	for path, want := range map[string]string{
		"status/current":         `{"last":` + status + `,"changed":` + status + `}`,
		"status/current?public":  `{"changed":{"time":1800000030,"type":"status","status":"closed"}}`,
		"announcement/current":   `{"actions":[]}`,
		"status?id=last":         `{"actions":[` + status + `]}`,
		"presence?id=last":       `{"actions":[` + presence + `]}`,
		"announcement?id=last":   `{"actions":[]}`,
		"announcement?id=last&x": `{"actions":[]}`,
		"all?id=last":            `{"actions":[` + presence + `]}`,
		"all":                    `{"actions":[` + status + `,` + presence + `]}`,
	} {
		wantEqual(t, path, s.get("member", "/api/v0/"+path), want)
	}
	s.restart()
	wantEqual(t, "after a restart", s.get("member", "/api/v0/all"), `{"actions":[`+status+`,`+presence+`]}`)
}

func readingUser(t *testing.T, s *server) {
	for _, c := range []struct{ name, user, want string }{ // as JSON texts; want "" is refused
		{"plain", `"Hans"`, "Hans"},
		{"trimmed", `" \t\u00a0\u3000Hans Acker\u2028\u0085\n"`, "Hans Acker"},
		{"15 bytes", `"日本語日本"`, "日本語日本"},
		{"16 bytes of four-byte letters", `"😀😀😀😀"`, ""},
		{"16 bytes", `"1234567890123456"`, ""},
		{"17 bytes of two-byte letters", `"ääääääääa"`, ""},
		{"empty", `""`, ""},
		{"white space", `" \u2003 "`, ""},
		{"control character", `"a\u0007b"`, ""},
		{"NUL", `"a\u0000"`, ""},
		{"C1 control character", `"a\u009b"`, ""},
		{"a lone surrogate", `"\ud800"`, ""},
		{"markup", `"<b>\"&'\\"`, `<b>"&'\`},
		{"null", `null`, ""}, {"number", `5`, ""}, {"list", `["Hans"]`, ""}, {"object", `{}`, ""}, {"true", `true`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, rest := range []string{
				`"type":"status","status":"public","note":""`,
				`"type":"announcement","from":"now","to":"now+60"`,
				`"type":"presence"`,
			} {
				body := `{"user":` + c.user + `,` + rest + `}`
				if c.want != "" {
					s.put(body)
					continue
				}
				member, before := "user", s.head()
				if strings.Contains(c.user, "ud800") {
					member = ""
				}
				s.status(400, member, "member", "PUT", "/api/v0", body)
				wantEqual(t, "nothing was stored", s.head(), before)
			}
			if c.want != "" {
				wantEqual(t, "status", actions(t, s.get("member", "/api/v0/status?id=last"))[0]["user"], c.want)
				wantEqual(t, "announcement", actions(t, s.get("member", "/api/v0/announcement?id=last"))[0]["user"], c.want)
			}
		})
	}
	s.look()
	users := actions(t, s.get("member", "/api/v0/presence?id=last"))[0]["users"].([]any)
	var names []string
	for _, u := range users {
		names = append(names, u.(map[string]any)["name"].(string))
	}
	wantEqual(t, "present", names, []string{`<b>"&'\`, "Hans", "Hans Acker", "日本語日本"})
}

func readingNote(t *testing.T, s *server) {
	text := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	for _, c := range []struct {
		name, note string // as a JSON text, "" for absent
		ok         bool
	}{
		{"kept as sent", text("  a\t\n\u2028 <ü> \u001b "), true},
		{"empty", `""`, true},
		{"80 bytes", text(strings.Repeat("ü", 40)), true},
		{"81 bytes", text(strings.Repeat("x", 81)), false},
		{"81 bytes of three-byte letters", text(strings.Repeat("€", 27)), false},
		{"NUL", `"a\u0000b"`, false},
		{"number", `1`, false}, {"list", `[]`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, path := range []string{"status", "announcement"} {
				body := `{"type":"` + path + `","user":"Hans","status":"public","from":"now","to":"now+60","note":` + c.note + `}`
				if !c.ok {
					before := s.head()
					s.status(400, "note", "member", "PUT", "/api/v0", body)
					wantEqual(t, "nothing was stored", s.head(), before)
					continue
				}
				s.put(body)
				got := actions(t, s.get("member", "/api/v0/"+path+"?id=last"))[0]["note"].(string)
				if text(got) != c.note {
					t.Errorf("%s: got %s, want %s", path, text(got), c.note)
				}
			}
		})
	}
	for _, absent := range []string{``, `,"note":null`} {
		s.status(400, "note", "member", "PUT", "/api/v0", `{"type":"status","user":"Hans","status":"public"`+absent+`}`)
		made := parse(t, s.put(`{"type":"announcement","user":"Hans","from":"now","to":"now+60"`+absent+`}`))
		wantEqual(t, "note", made["note"], "")
	}
}

func readingRequestBody(t *testing.T, s *server) {
	for _, contentType := range []string{"", "application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"} {
		s.status(200, "", "member", "PUT", "/api/v0", openStatus, "Content-Type", contentType)
	}
	made := s.put(`{"id":99999,"time":5,"unknown":{"a":[1]},"type":"status","user":"Hans","status":"closed","note":"x","public":7}`)
	wantEqual(t, "id", made, s.head())
	last := actions(t, s.get("member", "/api/v0/status?id=last"))[0]
	wantEqual(t, "ignored", []any{last["id"], last["time"], len(last)}, []any{made, now, 6})
	long := openStatus + strings.Repeat(" ", 16<<10-len(openStatus))
	s.status(200, "", "member", "PUT", "/api/v0", long)
	s.status(413, "", "member", "PUT", "/api/v0", long+" ")
	before := s.head()
	for body, member := range map[string]string{
		``: "", `null`: "", `[]`: "", `[` + openStatus + `]`: "", `"x"`: "", `5`: "", `{`: "", openStatus + `x`: "", openStatus + openStatus: "",
		`{}`: "type", `{"type":null}`: "type", `{"type":5}`: "type", `{"type":"nothing"}`: "type", `{"type":"Status"}`: "type", `{"type":"all"}`: "type",
		`{"type":"status"}`:                                                                          "user",
		`{"type":"status","user":"Hans"}`:                                                            "status",
		`{"type":"status","user":"Hans","status":"open","note":""}`:                                  "status",
		`{"type":"status","user":"Hans","status":null,"note":""}`:                                    "status",
		`{"type":"status","user":"Hans","status":1,"note":""}`:                                       "status",
		`{"type":"status","type":"status","user":"Hans","status":"public","note":""}`:                "",
		`{"type":"status","user":"Hans","status":"public","note":"","x":{"a":1,"a":2}}`:              "",
		`{"type":"status","user":"Hans","status":"public","note":NaN}`:                               "",
		`{"type":"presence"}`:                                                                        "user",
		`{"type":"announcement","from":"now","to":"now"}`:                                            "user",
		`{"type":"announcement","user":"Hans","to":"now"}`:                                           "from",
		`{"type":"announcement","user":"Hans","from":"now"}`:                                         "to",
		"{\"type\":\"status\",\"user\":\"\xff\",\"status\":\"public\",\"note\":\"\"}":                "",
		"{\"type\":\"status\",\"user\":\"a\x00\",\"status\":\"public\",\"note\":\"\"}":               "",
		strings.Repeat(`{"a":`, 2700) + `1` + strings.Repeat(`}`, 2700):                              "",
		`{"type":"nothing","a":` + strings.Repeat(`[`, 30) + strings.Repeat(`]`, 30) + `}`:           "type",
		`{"type":` + strings.Repeat(`[`, 16000):                                                      "",
		`type=status&user=Hans&status=public&note=`:                                                  "",
		`{"type":"status","user":"Hans","status":"public","note":"` + "\xed\xa0\x80" + `"}`:          "",
		`{"type":"status","user":"Hans","status":"public","note":"` + strings.Repeat("x", 81) + `"}`: "note",
	} {
		s.status(400, member, "member", "PUT", "/api/v0", body)
	}
	wantEqual(t, "nothing was stored", s.head(), before)
}

func readingPutStatus(t *testing.T, s *server) {
	for i, status := range []string{"public", "private", "closed", "closed"} {
		resp, text := s.do("member", "PUT", "/api/v0", `{"type":"status","user":"Hans","status":"`+status+`","note":""}`)
		wantEqual(t, status, []any{resp.StatusCode, text}, []any{200, i + 3})
	}
}

func readingPutPresence(t *testing.T, s *server) {
	for _, note := range []string{`"x"`, `5`, `null`, `"` + strings.Repeat("x", 500) + `"`, `{}`} {
		wantEqual(t, note, s.put(`{"type":"presence","user":"Hans","note":`+note+`}`), "null")
	}
	s.look()
	wantEqual(t, "note", actions(t, s.get("member", "/api/v0/presence?id=last"))[0]["note"], "joined: Hans")
}

func readingChanged(t *testing.T, s *server) {
	for i, step := range []struct {
		status  string
		changed int
	}{{"closed", 1}, {"private", 4}, {"private", 4}, {"public", 6}, {"closed", 7}, {"closed", 7}} {
		s.put(`{"type":"status","user":"Hans","status":"` + step.status + `","note":""}`)
		for range 2 {
			o := parse(t, s.get("member", "/api/v0/status/current"))
			got := []any{o["last"].(map[string]any)["id"], o["changed"].(map[string]any)["id"]}
			wantEqual(t, step.status, got, []any{i + 3, step.changed})
			if i == 2 {
				s.restart()
			}
		}
	}
}
