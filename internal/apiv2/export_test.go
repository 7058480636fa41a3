package apiv2_test

import (
	"encoding/csv"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"stint/internal/tracker"
)

var sealed = regexp.MustCompile(`"sealed": "[^"]*",?`)

const exported = "/api/v2/export.php"

// An export, once its owner was removed and it was taken back, is the export again.
func TestExport(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		s.post(manual("2026-01-01", "00:30", "2026-01-03", "01:31", `"notes":"=a \"note\",\nof two lines"`, `"lockedby":"Bob"`)).must(201)
		id := s.post(with(`{"type":"live","scheduledend":"2027-02-10","maxend":1,"limitend":"2028-01-01"}`, dice, luck, link, `"dicespen":1,"mindiceplay":1,"pendicetime":1`)).must(201).id()
		s.link()
		s.play("dice", id).must(200)
		s.play("luck", id).must(200)
		s.vote(s.voteToken(id), "rand").must(200)
		s.as(s.bob, "PATCH", games+"?session="+id, `{"dice":{"dices":3}}`).must(200)
		s.pass(50 * time.Hour)
		s.play("dice", id).must(200)
		r := s.do("GET", exported, "").must(200).want("format", `"stint-export-1"`, "user.name", `"Ann"`, "user.zone", `"Europe/Rome"`,
			"tokens.0.label", `"phone"`, "keyholders.0.keyholder", `"Bob"`, "sessions.1.id", id)
		if strings.Contains(r.text, s.token) || !strings.Contains(r.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%v %s", r.header, r.text)
		}
		var e tracker.Export
		if err := json.Unmarshal([]byte(r.text), &e); err != nil {
			t.Fatal(err)
		}
		view := s.get("?id=" + id).text
		if err := s.accounts.RemoveUser(t.Context(), "Ann", tracker.Erase); err != nil {
			t.Fatal(err)
		}
		s.token = s.person("Ann", "Europe/Rome")
		s.get("").want("data.total", "0")
		u, err := s.accounts.User(t.Context(), "Ann")
		if err != nil {
			t.Fatal(err)
		}
		rome, _ := time.LoadLocation("Europe/Rome")
		if err := s.options.Tracker.Import(t.Context(), tracker.Owner{User: u.ID, Zone: rome}, &e); err != nil {
			t.Fatal(err)
		}
		again := s.do("GET", exported, "").must(200)
		nick := regexp.MustCompile(`\s*"dom_nick": "Bob",`) // which an import leaves out
		if !nick.MatchString(r.text) || nick.MatchString(again.text) {
			t.Errorf("%s\n%s", r.text, again.text)
		}
		for _, part := range []string{"sessions", "account"} {
			// What is sealed is sealed anew, under another account.
			a, b := nick.ReplaceAllString(sealed.ReplaceAllString(raw(t, r.text, part), ""), ""), sealed.ReplaceAllString(raw(t, again.text, part), "")
			if a != b {
				t.Errorf("%s:\n%s\n%s", part, a, b)
			}
		}
		if got := s.get("?id=" + id).text; got != view {
			t.Errorf("%s\n%s", view, got)
		}
	})
}

func TestExportAsTable(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		s.post(manual("2026-01-01", "00:30", "2026-01-03", "01:31", `"notes":"a \"note\",\nof two lines"`, `"public":1`)).must(201)
		s.begin()
		r, err := s.client.Do(s.request("GET", exported+"?format=csv"))
		if err != nil {
			t.Fatal(err)
		}
		defer r.Body.Close()
		rows, err := csv.NewReader(r.Body).ReadAll()
		if err != nil || len(rows) != 3 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/csv") {
			t.Fatalf("%v %v %v", err, rows, r.Header)
		}
		want := []string{"1", "2026-01-01 00:30:00", "2026-01-03 01:31:00", "", "0", "", "a \"note\",\nof two lines", "1", "+01:00", "+01:00",
			"2026-02-05 12:00:00", "2025-12-31 23:30:00", "2026-01-03 00:31:00", ""}
		if strings.Join(rows[1], "|") != strings.Join(want, "|") {
			t.Errorf("%q\n%q", rows[1], want)
		}
		if rows[2][2] != "" || rows[2][4] != "1" || rows[2][3] != "2026-02-10 13:00:00" {
			t.Errorf("%q", rows[2])
		}
		s.do("GET", exported+"?format=xml", "").refused(400, "validation", "format")
	})
}
