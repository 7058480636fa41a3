package apiv0_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stint/api/apitest"
	"stint/internal/account"
	"stint/internal/apiv0"
	"stint/internal/club"
	"stint/internal/db"
	"stint/internal/stream"
	"stint/internal/web"
)

// pipes is a listener of connections made in memory.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p pipes) Close() error   { close(p.done); return nil }
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p.conns <- theirs
	return ours, nil
}

// bubble is a server whose clock is that of a synctest bubble, over an SQLite
// file and pipes. began is when it started, the first second of a minute.
type bubble struct {
	*server
	pipes pipes
	began time.Time
}

// inBubble runs fn in a bubble.
func inBubble(t *testing.T, fn func(t *testing.T, b *bubble)) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stint.db")
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		d, err := db.Open(ctx, file)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		b := &bubble{server: &server{t: t, db: d, log: &logs{}}, pipes: pipes{make(chan net.Conn), make(chan struct{})}, began: time.Now()}
		if b.accounts, err = account.Open(ctx, d); err != nil {
			t.Fatal(err)
		}
		defer b.accounts.Close()
		c, err := club.Open(ctx, d, habits)
		if err != nil {
			t.Fatal(err)
		}
		b.password = b.addPassword(account.All)
		b.hub = stream.NewHub(stream.Options{})
		log := slog.New(slog.NewJSONHandler(b.log, nil))
		api, err := apiv0.New(ctx, apiv0.Options{Club: c, Accounts: b.accounts, Hub: b.hub, Log: log, Failures: &web.FailureLimit{}})
		if err != nil {
			t.Fatal(err)
		}
		defer api.Close()
		defer b.hub.Close(ctx)
		mux := http.NewServeMux()
		api.Register(mux)
		srv := &http.Server{Handler: web.Log(log, mux)}
		go srv.Serve(b.pipes)
		defer srv.Close()
		base := &http.Transport{DialContext: b.pipes.dial}
		defer base.CloseIdleConnections()
		b.url, b.client = "http://stint", &http.Client{Transport: apitest.Transport(t, base)}
		fn(t, b)
	})
}

// until lets the time pass up to a second after the start.
func (b *bubble) until(second time.Duration) {
	time.Sleep(time.Until(b.began.Add(second)))
	synctest.Wait()
}

// diary is what a stream said, each line with the time since the start.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (b *bubble) listen(auth, path string) (d *diary, leave func()) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp, err := b.client.Do(b.request(ctx, auth, "GET", "/api/v0/"+path, ""))
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatal(resp, err)
	}
	d = &diary{}
	var reading sync.WaitGroup
	reading.Go(func() {
		defer resp.Body.Close()
		for in := bufio.NewScanner(resp.Body); in.Scan(); {
			d.mu.Lock()
			d.lines = append(d.lines, fmt.Sprintf("%v %s", time.Since(b.began), in.Text()))
			d.mu.Unlock()
		}
	})
	return d, func() { cancel(); reading.Wait() }
}

// want wants all the lines since the last call.
func (d *diary) want(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	got, expected := strings.Join(d.lines, "\n"), strings.Join(want, "\n")
	if got != expected {
		t.Errorf("got\n%s\nwant\n%s", got, expected)
	}
	d.lines = nil
}

// TestTimeOfPresence: looks every ten minutes, gone after fifteen.
func TestTimeOfPresence(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		start := b.began.Unix()
		heard, leave := b.listen("member", "presence/stream")
		defer leave()
		heard.want(t, fmt.Sprintf(`0s {"id":2,"time":%d,"type":"presence","note":"","users":[],"anonymous_users":0}`, start))
		for minute := range 31 { // Ann reports for half an hour, Hans once
			b.until(time.Duration(minute) * time.Minute)
			b.present("Ann")
			if minute == 9 {
				b.present("Hans")
			}
		}
		ann := fmt.Sprintf(`{"user":"Ann","name":"Ann","since":%d}`, start)
		hans := fmt.Sprintf(`{"user":"Hans","name":"Hans","since":%d}`, start+540)
		b.until(2 * time.Hour)
		heard.want(t,
			fmt.Sprintf(`10m0s {"id":3,"time":%d,"type":"presence","note":"joined: Ann, Hans","users":[%s,%s],"anonymous_users":0}`, start+600, ann, hans),
			fmt.Sprintf(`30m0s {"id":4,"time":%d,"type":"presence","note":"left: Hans","users":[%s],"anonymous_users":0}`, start+1800, ann),
			fmt.Sprintf(`50m0s {"id":5,"time":%d,"type":"presence","note":"left: Ann","users":[],"anonymous_users":0}`, start+3000))
	})
}

// TestTimeOfAnnouncements: current holds an announcement up to its last second.
func TestTimeOfAnnouncements(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		for _, to := range []int{10, 20, 1800} {
			b.put(fmt.Sprintf(`{"type":"announcement","user":"Hans","from":"now","to":"now+%d","public":true}`, to))
		}
		b.put(`{"type":"announcement","user":"Hans","from":"now+3000","to":"now+3600"}`)
		for _, c := range []struct {
			after          time.Duration
			member, public int
		}{
			{0, 4, 3}, {10 * time.Second, 4, 3}, {10*time.Second + 999*time.Millisecond, 4, 3}, {11 * time.Second, 3, 2}, {20 * time.Second, 3, 2}, {21 * time.Second, 2, 1},
			{30 * time.Minute, 2, 1}, {30*time.Minute + time.Second, 1, 0}, {time.Hour, 1, 0}, {time.Hour + time.Second, 0, 0},
		} {
			b.until(c.after)
			for auth, want := range map[string]int{"member": c.member, "": c.public} {
				resp, text := b.do(auth, "GET", "/api/v0/announcement/current", "")
				wantEqual(t, fmt.Sprint(auth, " after ", c.after), len(actions(t, text)), want)
				b.status(304, "", auth, "GET", "/api/v0/announcement/current", "", "If-None-Match", resp.Header.Get("ETag"))
			}
		}
	})
}

// TestTimeOfKeepAlive: what a stream sends while nothing happens.
func TestTimeOfKeepAlive(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		sse, leave1 := b.listen("member", "announcement/stream?format=SSE")
		defer leave1()
		newline, leave2 := b.listen("member", "announcement/stream?keepalive=40")
		defer leave2()
		silent, leave3 := b.listen("member", "announcement/stream")
		defer leave3()
		public, leave4 := b.listen("", "status/stream?format=SSE&keepalive=3600")
		defer leave4()
		b.until(60 * time.Second)
		text := b.put(`{"type":"announcement","user":"Hans","from":"now","to":"now"}`)
		b.until(109 * time.Second)
		sse.want(t, "0s retry: 3000", "0s ", "0s id: 2", "0s ", "25s :", "25s ", "50s :", "50s ", "1m0s id: 3", "1m0s data: "+text, "1m0s ", "1m25s :", "1m25s ")
		newline.want(t, "40s ", "1m0s "+text, "1m40s ")
		b.until(time.Hour)
		silent.want(t, "1m0s "+text)
		public.want(t, "0s retry: 3000", "0s ", fmt.Sprintf(`0s data: {"time":%d,"type":"status","status":"closed"}`, b.began.Unix()), "0s ", "1h0m0s :", "1h0m0s ")
	})
}

// TestTimeOfStalledReader: a write that is blocked for 30 seconds ends the
// stream, and holds nobody up until then.
func TestTimeOfStalledReader(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		stalled, err := b.pipes.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer stalled.Close()
		fmt.Fprintf(stalled, "GET /api/v0/status/stream?public HTTP/1.1\r\nHost: x\r\n\r\n") // and reads nothing
		heard, leave := b.listen("", "status/stream")
		defer leave()
		b.setStatus("public")
		start := b.began.Unix()
		heard.want(t, fmt.Sprintf(`0s {"time":%d,"type":"status","status":"closed"}`, start), fmt.Sprintf(`0s {"time":%d,"type":"status","status":"public"}`, start))
		b.until(29 * time.Second)
		wantEqual(t, "streams", b.hub.Len(), 2)
		b.until(31 * time.Second)
		wantEqual(t, "streams", b.hub.Len(), 1)
	})
}

// TestTimeOfBodies: a body that does not end is 408 after 20 seconds.
func TestTimeOfBodies(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		for _, length := range []string{"Content-Length: 500", "Transfer-Encoding: chunked"} {
			c, err := b.pipes.dial(t.Context(), "", "")
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			go fmt.Fprintf(c, "PUT /api/v0 HTTP/1.1\r\nHost: x\r\nAuthorization: Basic %s\r\n%s\r\n\r\n1\r\n{\r\n", basic(b.server, ""), length)
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, length, []any{resp.StatusCode, resp.Header.Get("Content-Type"), time.Since(began), resp.Close}, []any{408, "application/problem+json", 20 * time.Second, true})
			c.Close()
		}
		wantEqual(t, "nothing was stored", b.head(), 2)
	})
}

// TestTimeOfFailures: whoever waits as long as Retry-After says may try again.
func TestTimeOfFailures(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		for range 10 {
			b.status(401, "", "wrong", "GET", "/api/v0/all", "")
		}
		for range 5 {
			resp := b.status(429, "", "wrong", "GET", "/api/v0/all", "")
			time.Sleep(time.Duration(number(t, resp.Header.Get("Retry-After"))) * time.Second)
			b.status(401, "", "wrong", "GET", "/api/v0/all", "")
			b.status(429, "", "wrong", "GET", "/api/v0/all", "")
		}
	})
}

// TestClockSetBack: announcements that had ended when the clock was wrong are
// there again a minute after it was put right, and presence goes on.
func TestClockSetBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.put(`{"type":"announcement","user":"Hans","from":"now+3600","to":"now+7200"}`)
		b.db.SetClock(func() time.Time { return time.Now().AddDate(1, 0, 0) })
		wantEqual(t, "a year ahead", b.get("member", "/api/v0/announcement/current"), `{"actions":[]}`)
		b.put(`{"type":"announcement","user":"Hans","from":"now","to":"now"}`)
		b.until(time.Minute)
		b.db.SetClock(time.Now)
		b.until(3 * time.Minute)
		wantEqual(t, "put right", len(actions(t, b.get("member", "/api/v0/announcement/current"))), 2)
		b.present("Hans")
		b.until(25 * time.Minute)
		if got := b.presence(); !strings.HasPrefix(got, "joined: Hans |") && !strings.HasPrefix(got, "left: Hans |") {
			t.Errorf("presence: %s", got)
		}
	})
}
