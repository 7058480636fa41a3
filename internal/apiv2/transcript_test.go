package apiv2_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"stint/internal/db"
)

var update = flag.Bool("update", false, "write the answers into testdata/transcript.txt")

// TestTranscript sends the document's example requests as they stand, on days that fit them, and compares the answers
// with testdata/transcript.txt. There, a request ends at a line "--", its answer at an empty line; "@ clock" sets the
// time, in UTC, and "@ id" the id of the next session. What is drawn or made at random is masked.
func TestTranscript(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		const file = "testdata/transcript.txt"
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		got := s.transcript(t, string(text))
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		for i, want := range strings.Split(string(text), "\n") {
			if line := strings.Split(got, "\n"); i >= len(line) || line[i] != want {
				t.Fatalf("line %d: got\n%s\nwant\n%s", i+1, line[min(i, len(line)-1)], want)
			}
		}
	})
}

// transcript returns the text with the answers that the server gives now.
func (s *server) transcript(t *testing.T, text string) string {
	var out strings.Builder
	for len(text) > 0 {
		line, rest, _ := strings.Cut(text, "\n")
		if line == "" || line[0] == '#' || line[0] == '@' {
			s.direct(t, line)
			fmt.Fprintln(&out, line)
			text = rest
			continue
		}
		request, answer, ok := strings.Cut(text, "\n--\n")
		if !ok {
			t.Fatalf("no end of the request in %.200q", text)
		}
		_, text, _ = strings.Cut("\n"+answer, "\n\n")
		r := s.sendText(t, request)
		fmt.Fprintf(&out, "%s\n--\n%d\n%s\n\n", request, r.status, masked(r.text))
	}
	return out.String()
}

func (s *server) direct(t *testing.T, line string) {
	switch word, value, _ := strings.Cut(strings.TrimPrefix(line, "@ "), " "); word {
	case "clock":
		at, err := time.Parse(time.DateTime, value)
		if err != nil {
			t.Fatal(err)
		}
		s.clock.Store(at.UnixMilli())
	case "id":
		err := s.db.Do(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec("delete from counter where name = 'tracker_session'")
			if err == nil {
				_, err = tx.Exec("insert into counter (name, value) select 'tracker_session', cast($1 as bigint) - 1", value)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// sendText sends a request as the document writes it.
func (s *server) sendText(t *testing.T, text string) result {
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	method, rest, _ := strings.Cut(lines[0], " ")
	target, _, _ := strings.Cut(rest, " ")
	r, err := http.NewRequest(method, s.url+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, strings.Replace(value, "{YOUR_API_TOKEN}", s.token, 1))
	}
	return s.send(r)
}

var random = regexp.MustCompile(`"(prev|seed|token)":"[0-9A-Za-z]+"|"(end)":\d+|"(scheduledend|scheduledend_utc)":"[0-9: -]+"`)

var given = regexp.MustCompile(`"2026-02-(03|10) 0[89]:00:00"`)

// reached is whether a drawn end lies before the stop an hour later, which it
// rarely does.
var reached = regexp.MustCompile(`"reached_utc":"[0-9: -]+"`)

// masked hides what is random. A scheduled end is, unless a request gives it.
func masked(text string) string {
	text = reached.ReplaceAllStringFunc(text, func(m string) string {
		if given.MatchString(m) {
			return m
		}
		return `"reached_utc":null`
	})
	return random.ReplaceAllStringFunc(text, func(m string) string {
		name, value, _ := strings.Cut(m, ":")
		if strings.HasPrefix(name, `"scheduledend`) && given.MatchString(value) {
			return m
		}
		return name + `:"..."`
	})
}
