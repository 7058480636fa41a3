package apiv0_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestPublicView follows the rows of the readings, "Public view". Its principle
// is tested by TestPrivacy.
func TestPublicView(t *testing.T) {
	readings(t, []reading{
		{"status", readingPublicStatus},
		{"announcement", readingPublicAnnouncement},
		{"presence, all, announcement stream", readingMembersOnly},
		{"id filters, last", readingPublicIDs},
		{"PUT", readingPublicPut},
		{"SSE ids", readingPublicSSE},
	})
}

func (s *server) setStatus(status string) {
	s.t.Helper()
	s.put(`{"type":"status","user":"Hans","status":"` + status + `","note":"secret"}`)
}

func readingPublicStatus(t *testing.T, s *server) {
	r := s.open("", "status/stream")
	r.want(`{"time":1800000030,"type":"status","status":"closed"}`)
	var want []string
	for i, step := range []struct{ set, seen string }{ // seen "" is not seen
		{"private", ""}, {"closed", ""}, {"public", "public"}, {"public", ""}, {"private", "closed"}, {"closed", ""}, {"private", ""}, {"public", "public"}, {"closed", "closed"},
	} {
		s.pass(10)
		s.setStatus(step.set)
		if step.seen != "" {
			want = append(want, fmt.Sprintf(`{"time":%d,"type":"status","status":"%s"}`, now+10*(i+1), step.seen))
			r.want(want[len(want)-1])
			wantEqual(t, "current", s.get("", "/api/v0/status/current"), `{"changed":`+want[len(want)-1]+`}`)
		}
	}
	want = append([]string{`{"time":1800000030,"type":"status","status":"closed"}`}, want...)
	wantEqual(t, "all", s.get("", "/api/v0/status"), `{"actions":[`+strings.Join(want, ",")+`]}`)
	wantEqual(t, "the last two", s.get("", "/api/v0/status?count=2"), `{"actions":[`+strings.Join(want[3:], ",")+`]}`)
	wantEqual(t, "the first two", s.get("", "/api/v0/status?count=2&take=first"), `{"actions":[`+strings.Join(want[:2], ",")+`]}`)
	wantEqual(t, "by time", s.get("", "/api/v0/status?time=now-40:now-1"), `{"actions":[`+want[2]+`,`+want[3]+`]}`)
	wantEqual(t, "by a member", s.get("member", "/api/v0/status?public"), s.get("", "/api/v0/status"))
	s.restart()
	wantEqual(t, "after a restart", s.get("", "/api/v0/status/current"), `{"changed":`+want[4]+`}`)
	s.open("", "status/stream").want(want[4])
}

func readingPublicAnnouncement(t *testing.T, s *server) {
	hidden, shown := s.announce(100, 200, `"note":"secret"`), s.announce(100, 200, `"note":"n"`, `"public":true`, `"url":"http://x.org"`)
	action := func(method, aid, note string, to int64) string {
		return fmt.Sprintf(`{"time":%d,"type":"announcement","note":"%s","method":"%s","aid":%s,"from":%d,"to":%d,"public":true,"url":"http://x.org"}`, now, note, method, aid, now+100, now+to)
	}
	want := []string{action("new", shown, "n", 200)}
	check := func(what, current string) {
		t.Helper()
		wantEqual(t, what, s.get("", "/api/v0/announcement/current"), `{"actions":[`+current+`]}`)
		wantEqual(t, what, s.get("", "/api/v0/announcements"), `{"actions":[`+strings.Join(want, ",")+`]}`)
	}
	check("new", want[0])
	s.put(mod(shown, 100, 300, `"note":"m"`))
	want = append(want, action("mod", shown, "m", 300))
	check("changed", want[1])
	s.put(mod(shown, 100, 400, `"note":"secret"`, `"public":false`))
	check("hidden", "")
	s.put(mod(hidden, 100, 500, `"note":"k"`, `"public":true`, `"url":"http://x.org"`))
	want = append(want, action("mod", hidden, "k", 500))
	check("shown", want[2])
	s.put(`{"method":"del","aid":` + hidden + `}`)
	want = append(want, action("del", hidden, "k", 500))
	check("deleted", "")
	s.put(`{"method":"del","aid":` + shown + `}`)
	check("a hidden one deleted", "")
}

func readingMembersOnly(t *testing.T, s *server) {
	for _, path := range []string{"presence", "presence?count=1", "all", "all?time=now", "presence/stream", "all/stream", "announcement/stream", "announcements/stream", "all/stream?format=SSE"} {
		for _, method := range []string{"GET", "HEAD"} {
			s.status(401, "", "", method, "/api/v0/"+path, "")
			s.status(401, "", "", method, "/api/v0/"+path, "", "Last-Event-ID", "1")
			s.status(401, "", "member", method, "/api/v0/"+path+map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]+"public", "")
		}
	}
}

func readingPublicIDs(t *testing.T, s *server) {
	for _, id := range []string{"1", "1:2", "last", "last-1", ":", "1:", "x", "-1"} {
		for _, path := range []string{"status", "announcement", "all", "presence"} {
			s.status(401, "", "", "GET", "/api/v0/"+path+"?id="+id, "")
			s.status(401, "", "member", "GET", "/api/v0/"+path+"?public&id="+id, "")
		}
	}
	wantEqual(t, "no filter", s.get("", "/api/v0/status?id="), s.get("", "/api/v0/status"))
}

func readingPublicPut(t *testing.T, s *server) {
	for _, path := range []string{"/api/v0", "/api/v0/", "/api/v0?public"} {
		for _, body := range []string{openStatus, `{"type":"presence","user":"Hans"}`, `{"type":"announcement","user":"Hans","from":"now","to":"now+60","public":true}`, `{"method":"del","aid":1}`, `nonsense`, ``} {
			s.status(401, "", "", "PUT", path, body)
		}
	}
	s.look()
	wantEqual(t, "nothing was stored", s.head(), 2)
}

func readingPublicSSE(t *testing.T, s *server) {
	for _, id := range []string{"", "0", "1", "2", "x", "-1"} {
		r := s.open("", "status/stream?format=SSE&last_event_id="+id, "Last-Event-ID", id)
		wantEqual(t, id, []string{r.event(), r.event()}, []string{"retry: 3000", `data: {"time":1800000030,"type":"status","status":"closed"}`})
		r.close()
	}
}
