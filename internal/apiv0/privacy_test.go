package apiv0_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stint/internal/club"
	"stint/internal/db"
	"stint/internal/db/dbtest"
)

// history is one of two that share every public fact. What else happens in
// them, and who did it, is drawn for each of them alone.
type history struct {
	*server
	t       *rapid.T
	name    string
	open    bool     // in public
	shown   []string // aids of public announcements, in the order of the facts
	hidden  []string // aids of private ones
	streams []*reader
}

func (h *history) text(what string) string {
	return rapid.SampledFrom([]string{"", "a", "secret", "Jürgen", "x, y"}).Draw(h.t, h.name+" "+what)
}

func (h *history) user() string {
	return rapid.SampledFrom([]string{"Hans", "Ann", "Jürgen"}).Draw(h.t, h.name+" user")
}

func (h *history) notPublic() string {
	return rapid.SampledFrom([]string{"private", "closed"}).Draw(h.t, h.name+" status")
}

// fact is something that the public may know.
type fact struct {
	kind     string
	which    int // of the announcements
	from, to int64
	note     string
}

func drawFact(t *rapid.T) fact {
	f := fact{
		kind:  rapid.SampledFrom([]string{"turn", "new", "mod", "del", "hide", "show"}).Draw(t, "fact"),
		which: rapid.IntRange(0, 5).Draw(t, "which"),
		from:  rapid.Int64Range(0, 300).Draw(t, "from"),
		note:  rapid.SampledFrom([]string{"", "come in", "ü"}).Draw(t, "note"),
	}
	f.to = f.from + rapid.Int64Range(0, 300).Draw(t, "length")
	return f
}

// tell lets a fact happen. Both histories are refused the same.
func (h *history) tell(f fact) (status int) {
	times := fmt.Sprintf(`"from":"now+%d","to":"now+%d","note":"%s","url":null`, f.from, f.to, f.note)
	body := ""
	switch {
	case f.kind == "turn":
		status := "public"
		if h.open {
			status = h.notPublic()
		}
		h.open = !h.open
		body = fmt.Sprintf(`{"type":"status","user":"%s","status":"%s","note":"%s"}`, h.user(), status, h.text("note"))
	case f.kind == "show":
		// It was private until now, and far away, so that nothing about that
		// decides what may be done with it.
		aid := h.announcePrivately(100_000)
		h.shown = append(h.shown, aid)
		body = fmt.Sprintf(`{"type":"announcement","method":"mod","aid":%s,"user":"%s","public":true,%s}`, aid, h.user(), times)
	case f.kind == "new" || len(h.shown) == 0:
		body = fmt.Sprintf(`{"type":"announcement","user":"%s","public":true,%s}`, h.user(), times)
	case f.kind == "mod":
		body = fmt.Sprintf(`{"type":"announcement","aid":%s,"user":"%s",%s}`, h.shown[f.which%len(h.shown)], h.user(), times)
	case f.kind == "del":
		body = fmt.Sprintf(`{"method":"del","aid":%s,"user":"%s"}`, h.shown[f.which%len(h.shown)], h.user())
	case f.kind == "hide":
		// What becomes of it is private; that it is gone is not.
		i := f.which % len(h.shown)
		body = fmt.Sprintf(`{"type":"announcement","aid":%s,"user":"%s","public":false,"from":"now+%d","to":"now+%d","note":"%s"}`,
			h.shown[i], h.user(), f.from, f.to, h.text("note"))
		h.shown = append(h.shown[:i:i], h.shown[i+1:]...)
	}
	resp, text := h.do("member", "PUT", "/api/v0", body)
	if resp.StatusCode == 200 && strings.Contains(text, `"method":"new"`) {
		h.shown = append(h.shown, fmt.Sprint(parse(h.server.t, text)["aid"]))
	}
	return resp.StatusCode
}

func (h *history) announcePrivately(earliest int64) string {
	from := earliest + rapid.Int64Range(0, 300).Draw(h.t, h.name+" from")
	text := h.put(fmt.Sprintf(`{"type":"announcement","user":"%s","from":"now+%d","to":"now+%d","note":"%s"}`, h.user(), from, from+50, h.text("note")))
	return fmt.Sprint(parse(h.server.t, text)["aid"])
}

// noise is something that the public must not notice.
func (h *history) noise() {
	switch rapid.IntRange(0, 6).Draw(h.t, h.name+" noise") {
	case 0, 1:
		status := "public"
		if !h.open {
			status = h.notPublic()
		}
		h.put(fmt.Sprintf(`{"type":"status","user":"%s","status":"%s","note":"%s"}`, h.user(), status, h.text("note")))
	case 2:
		h.hidden = append(h.hidden, h.announcePrivately(0))
	case 3, 4:
		if len(h.hidden) > 0 {
			aid := rapid.SampledFrom(h.hidden).Draw(h.t, h.name+" aid")
			body := fmt.Sprintf(`{"type":"announcement","aid":%s,"user":"%s","from":"now+10","to":"now+%d"}`, aid, h.user(), rapid.IntRange(10, 400).Draw(h.t, h.name+" to"))
			if rapid.Bool().Draw(h.t, h.name+" del") {
				body = fmt.Sprintf(`{"method":"del","aid":%s}`, aid)
			}
			h.do("member", "PUT", "/api/v0", body)
		}
	case 5:
		h.put(fmt.Sprintf(`{"type":"presence","user":"%s"}`, h.user()))
		h.lookNow()
	case 6:
		h.do("wrong", "GET", "/api/v0/all", "")
		h.get("member", "/api/v0/all")
		h.do("member", "PUT", "/api/v0", `{"type":"status"}`)
	}
}

// lookNow looks at the presence, however long ago the last look was.
func (s *server) lookNow() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c, err := club.Open(ctx, s.db, club.Options{PresenceTimeout: habits.PresenceTimeout, PresenceInterval: time.Millisecond})
	if err == nil {
		err = s.db.Do(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec("update look set at = 0")
			return err
		})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	var looking sync.WaitGroup
	looking.Go(func() { c.KeepLooking(ctx, func(err error) { s.t.Error(err) }) })
	eventually(s.t, "a look", func() bool {
		var at int64
		err := s.db.View(ctx, func(tx *db.Tx) error { return tx.QueryRow("select at from look").Scan(&at) })
		return err == nil && at != 0
	})
	cancel()
	looking.Wait()
	s.caughtUp()
}

// TestPrivacy: two histories that differ only in private actions give the public
// the same bytes (readings, "Public view", Principle). The one exception is aid,
// which counts private actions too.
func TestPrivacy(t *testing.T) {
	for name, fresh := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				var closing []func()
				defer func() {
					for _, f := range closing {
						f()
					}
				}()
				start := func(name string) *history {
					d, err := db.Open(context.Background(), fresh(t))
					if err != nil {
						t.Fatal(err)
					}
					h := &history{server: serve(t, d), t: rt, name: name}
					closing = append(closing, func() {
						for _, r := range h.streams {
							r.close()
						}
						h.stop()
						d.Close()
					})
					return h
				}
				compareHistories(rt, start("A"), start("B"))
			})
		})
	}
}

func compareHistories(t *rapid.T, both ...*history) {
	for range rapid.IntRange(1, 6).Draw(t, "rounds") {
		f, pass := drawFact(t), rapid.Int64Range(0, 200).Draw(t, "pass")
		var statuses []int
		for _, h := range both {
			h.clock.Add(pass)
			for range rapid.IntRange(0, 3).Draw(t, h.name+" noises") {
				h.noise()
			}
			statuses = append(statuses, h.tell(f))
			h.streams = append(h.streams, h.openPublic()...)
		}
		if statuses[0] != statuses[1] {
			t.Fatalf("%+v: answered with %v", f, statuses)
		}
		compareAnswers(t, both[0].publicAnswers(), both[1].publicAnswers())
	}
	var heard [2][]string
	for i, h := range both {
		h.pass(1)
		h.tell(fact{kind: "turn"})
		end := fmt.Sprintf(`"time":%d,"type":"status"`, h.clock.Load())
		for _, r := range h.streams {
			var text strings.Builder
			for line := ""; !strings.Contains(line, end); {
				line = r.line()
				text.WriteString(line + "\n")
			}
			heard[i] = append(heard[i], text.String())
		}
	}
	if !reflect.DeepEqual(heard[0], heard[1]) {
		t.Fatalf("the streams differ:\n%q\n%q", heard[0], heard[1])
	}
}

func (h *history) openPublic() []*reader {
	return []*reader{
		h.server.open("", "status/stream"),
		h.server.open("member", "status/stream?public&format=SSE", "Last-Event-ID", "1"),
	}
}

var aids = regexp.MustCompile(`"aid":\d+`)

// publicAnswers are answers to everything the public may ask, with their
// headers. What depends on the aid alone is taken out of those that hold one.
func (h *history) publicAnswers() map[string]string {
	answers := map[string]string{}
	for _, path := range []string{
		"status/current", "status", "status?count=1", "status?count=1000&take=first", "status?time=now-100:now%2B100",
		"announcement/current", "announcements/current", "announcement", "announcement?count=2", "announcements?take=first&count=2", "announcement?time=:now-1",
		"presence", "all", "all?id=last", "status?id=last", "status?id=1", "announcement/stream", "presence/stream", "all/stream", "nothing",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			resp, text := h.do("", method, "/api/v0/"+path, "")
			for _, own := range []string{"Date", "X-Request-Id"} {
				resp.Header.Del(own)
			}
			if strings.HasPrefix(path, "announcement") {
				resp.Header.Del("ETag")
				resp.Header.Del("Content-Length")
				text = aids.ReplaceAllString(text, "aid")
			}
			answers[method+" "+path] = fmt.Sprint(resp.StatusCode, resp.Header, text)
		}
	}
	resp, err := h.client.Do(h.request(context.Background(), "", http.MethodPut, "/api/v0", openStatus))
	if err == nil {
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		answers["PUT"] = fmt.Sprint(resp.StatusCode, string(text))
	}
	return answers
}

func compareAnswers(t *rapid.T, a, b map[string]string) {
	for request := range a {
		if a[request] != b[request] {
			t.Fatalf("%s differs:\n%s\n%s", request, a[request], b[request])
		}
	}
}
