package apiv0_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"stint/internal/club"
)

// TestQueries follows the rows of the readings, "Select queries".
func TestQueries(t *testing.T) {
	readings(t, []reading{
		{"Order", readingOrder},
		{"count", readingCount},
		{"id", readingID},
		{"time", readingTime},
		{"No match", readingNoMatch},
	})
}

// thirty makes the log thirty actions long, ten seconds apart: 1 status, 2
// presence, then status, public announcement and private announcement in turn.
func (s *server) thirty() {
	s.t.Helper()
	for i := range 28 {
		s.pass(10)
		switch i % 3 {
		case 0:
			s.put(fmt.Sprintf(`{"type":"status","user":"Hans","status":"%s","note":"%d"}`, []string{"public", "closed"}[i%2], i))
		default:
			s.put(fmt.Sprintf(`{"type":"announcement","user":"Ann","from":"now","to":"now+%d","public":%v}`, i, i%3 == 1))
		}
	}
}

// selected wants the ids that a member's query selects.
func (s *server) selected(query, want string) {
	s.t.Helper()
	wantEqual(s.t, query, ids(s.t, s.get("member", "/api/v0/"+query)), "["+want+"]")
}

func readingOrder(t *testing.T, s *server) {
	s.thirty()
	s.selected("all?count=3", "28 29 30")
	s.selected("all?count=3&take=last", "28 29 30")
	s.selected("all?count=3&take=", "28 29 30")
	s.selected("all?count=3&take=first", "1 2 3")
	s.selected("status?count=3&take=first", "1 3 6")
	s.selected("status?count=3", "24 27 30")
	s.selected("announcement?take=first&count=2&id=10:", "10 11")
	s.selected("presence", "2")
	s.selected("presence?take=first", "2")
	for _, wrong := range []string{"middle", "First", "last ", "0"} {
		s.status(400, "take", "member", "GET", "/api/v0/all?take="+url.QueryEscape(wrong), "")
		s.status(400, "take", "", "GET", "/api/v0/status?take="+url.QueryEscape(wrong), "")
	}
	s.status(400, "take", "member", "GET", "/api/v0/all?take=first&take=first", "")
}

func readingCount(t *testing.T, s *server) {
	s.thirty()
	for query, want := range map[string]int{
		"": 20, "count=": 20, "count=0": 0, "count=1": 1, "count=007": 7, "count=29": 29, "count=30": 30, "count=31": 30, "count=1000": 30, "count=1001": 30,
		"count=1000000": 30, "count=9223372036854775807": 30, "count=9223372036854775808": 30, "count=99999999999999999999999": 30,
	} {
		for _, take := range []string{"first", "last"} {
			path := "/api/v0/all?take=" + take + "&" + query
			wantEqual(t, path, len(actions(t, s.get("member", path))), want)
		}
	}
	wantEqual(t, "empty", s.get("member", "/api/v0/all?count=0"), `{"actions":[]}`)
	for _, wrong := range []string{"-1", "-0", "+1", " 1", "1.0", "1e3", "x", "0x10", "NaN", "1_0", "1,0", "٣", "\x00"} {
		s.status(400, "count", "member", "GET", "/api/v0/all?count="+url.QueryEscape(wrong), "")
	}
	s.status(400, "count", "member", "GET", "/api/v0/all?count=1&count=2", "")
	wantEqual(t, "the public", len(actions(t, s.get("", "/api/v0/announcement?count=1000"))), 9)
	for _, tooMany := range []string{"1001", "9223372036854775808"} {
		s.status(400, "count", "", "GET", "/api/v0/announcement?count="+tooMany, "")
		s.status(400, "count", "member", "GET", "/api/v0/announcement?public&count="+tooMany, "")
	}
	readingLongCount(t, s)
}

// readingLongCount reads more than the server holds in memory at once.
func readingLongCount(t *testing.T, s *server) {
	many(1990, func() {
		if _, err := s.club.SetStatus(t.Context(), "Hans", club.Public, ""); err != nil {
			t.Error(err)
		}
	})
	s.get("member", "/api/v0/all?count=1001")
	s.unjudged()                                // which takes long
	for query, want := range map[string][3]int{ // how many, the first, the last
		"count=999":              {999, 1022, 2020},
		"count=1000":             {1000, 1021, 2020},
		"count=1001":             {1001, 1020, 2020},
		"count=1001&take=first":  {1001, 1, 1001},
		"count=2000":             {2000, 21, 2020},
		"count=2001&take=first":  {2001, 1, 2001},
		"count=2019":             {2019, 2, 2020},
		"count=2020":             {2020, 1, 2020},
		"count=5000":             {2020, 1, 2020},
		"count=5000&take=first":  {2020, 1, 2020},
		"count=5000&id=2000:":    {21, 2000, 2020},
		"count=1500&id=last:501": {1500, 521, 2020},
		"count=1500&id=last-1":   {1, 2019, 2019},
	} {
		list := actions(t, s.get("member", "/api/v0/all?"+query))
		if len(list) != want[0] {
			t.Errorf("%s: %d actions, want %d", query, len(list), want[0])
			continue
		}
		first, last := list[0]["id"], list[len(list)-1]["id"]
		wantEqual(t, query, []any{first, last}, []any{want[1], want[2]})
		wantEqual(t, query+": gaps", want[2]-want[1], want[0]-1)
	}
	s.selected("all?count=5000&time=now", s.lastIDs(1991))

	// A stream that is resumed after a restart reads them in parts, too.
	s.restart()
	for path, first := range map[string]int{"all": 1, "status": 31} {
		got := readIDs(t, s.raw(fmt.Sprintf("GET /api/v0/%s/stream?last_event_id=%d HTTP/1.1\r\nHost: x\r\nAUTH\r\n\r\n", path, first-1)), 2021-first)
		for i, id := range got {
			if id != fmt.Sprint(first+i) {
				t.Fatalf("%s: action %s came after %d others", path, id, i)
			}
		}
	}
}

// lastIDs are the ids of the newest actions.
func (s *server) lastIDs(n int) string {
	var list []string
	for id := s.head() - int64(n) + 1; id <= s.head(); id++ {
		list = append(list, fmt.Sprint(id))
	}
	return strings.Join(list, " ")
}

func readingID(t *testing.T, s *server) {
	s.thirty()
	for query, want := range map[string]string{
		"all?id=5": "5", "all?id=05": "5", "all?id=5:5": "5", "all?id=5:9": "5 6 7 8 9", "all?id=9:5": "5 6 7 8 9",
		"all?id=28:": "28 29 30", "all?id=:3": "1 2 3", "all?id=0:2": "1 2", "all?id=29:99": "29 30", "all?id=99:29": "29 30",
		"all?id=last": "30", "all?id=last-1": "29", "all?id=last-0": "30", "all?id=last-2:last": "28 29 30", "all?id=last:last-2": "28 29 30",
		"all?id=last-2:": "28 29 30", "all?id=:last-27": "1 2 3", "all?id=28:last": "28 29 30", "all?id=last:28": "28 29 30",
		"all?id=last-100": "", "all?id=last-100:2": "1 2", "all?id=0": "", "all?id=31": "", "all?id=999999999999999": "",
		"all?id=:&count=3": "28 29 30", "all?id=&count=3": "28 29 30",
		"status?id=last": "30", "status?id=last-1": "", "status?id=last-3": "27", "status?id=last-6:last": "24 27 30", "status?id=5": "", "status?id=5:9": "6 9",
		"announcement?id=last": "29", "announcement?id=last-1": "28", "announcements?id=last-1:last": "28 29", "announcement?id=29:": "29",
		"presence?id=last": "2", "presence?id=:last": "2", "presence?id=3:": "", "presence?id=last:": "2",
		"all?id=5:20&count=2": "19 20", "all?id=5:20&count=2&take=first": "5 6", "all?id=%35": "5", "all?id=5&x=1": "5", "all?x&id=last&y": "30",
	} {
		s.selected(query, want)
	}
	for _, wrong := range []string{"x", "9:x", "x:9", "5:6:7", "-5", "5:-5", "-1:", "+5", "last+1", "last-", "last-x", "last--1", "last-1.5", "Last", "LAST", "now", "5.0", "1e1",
		" ", "5,6", "5-9", "0x5", "٣", "\x00", "99999999999999999999", "last-99999999999999999999", "last5", "first"} {
		s.status(400, "id", "member", "GET", "/api/v0/all?id="+url.QueryEscape(wrong), "")
	}
	s.status(400, "id", "member", "GET", "/api/v0/all?id=1&id=2", "")
}

func readingTime(t *testing.T, s *server) {
	s.thirty() // id n+2 at now0+10n; the present is at id 30
	at := func(id int) string { return fmt.Sprint(now + 10*(id-2)) }
	for query, want := range map[string]string{
		"time=" + at(5): "5", "time=" + at(5) + ":" + at(7): "5 6 7", "time=" + at(7) + ":" + at(5): "5 6 7", "time=" + at(29) + ":": "29 30",
		"time=:" + at(3): "1 2 3", "time=now": "30", "time=now-10": "29", "time=now-5": "", "time=now-20:now": "28 29 30", "time=now:now-20": "28 29 30",
		"time=now-20:": "28 29 30", "time=now-29:": "28 29 30", "time=:now-270": "1 2 3", "time=now-20:" + at(29): "28 29",
		"time=now%2B60": "", "time=now+60": "", "time=now-10:now%2B60": "29 30", "time=now-10:now+60": "29 30", "time=now%2B60:now-10": "29 30", "time=now+60:now-10": "29 30",
		"time=&count=2": "29 30", "time=:&count=2": "29 30", "time=0": "", "time=0:&count=2": "29 30", "time=999999999999999": "",
		"time=now-40:&count=2": "29 30", "time=now-40:&count=2&take=first": "26 27", "time=now-40:&id=:27": "26 27", "time=now-40:&id=5": "",
	} {
		s.selected("all?"+query, want)
	}
	s.selected("status?time=now-60:", "24 27 30")
	s.selected("announcement?time=now-60:&count=1&take=first", "25")
	wantEqual(t, "the public", len(actions(t, s.get("", "/api/v0/announcement?time=now-60:"))), 2)
	for _, wrong := range []string{"x", "now:x", "1:2:3", "-5", "now:-5", "+5", "now-", "now+", "now--1", "now-1.5", "Now", "last", "1.5", "1e9", "now+99999999999999999999", "now-99999999999999999999",
		"99999999999999999999", "2026-01-01", "10:20:30", "\x00"} {
		s.status(400, "time", "member", "GET", "/api/v0/all?time="+url.QueryEscape(wrong), "")
		s.status(400, "time", "", "GET", "/api/v0/status?time="+url.QueryEscape(wrong), "")
	}
	s.status(400, "time", "member", "GET", "/api/v0/all?time=1&time=1", "")
	s.status(400, "", "member", "GET", "/api/v0/all?time=1;count=2", "")
	s.status(400, "", "member", "GET", "/api/v0/all?time=%zz", "")
}

func readingNoMatch(t *testing.T, s *server) {
	for _, query := range []string{"announcement", "status?id=2", "presence?id=1", "all?id=77", "all?time=5", "all?count=0", "status?id=5:9&time=now-5:", "announcement?id=last", "all?id=77&count=5000"} {
		wantEqual(t, query, s.get("member", "/api/v0/"+query), `{"actions":[]}`)
	}
	for _, query := range []string{"announcement", "status?time=5", "status?count=0"} {
		wantEqual(t, query, s.get("", "/api/v0/"+query), `{"actions":[]}`)
	}
}
