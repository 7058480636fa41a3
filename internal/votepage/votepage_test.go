package votepage_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/seal"
	"stint/internal/tracker"
	"stint/internal/votepage"
	"stint/internal/web"
)

var noon = time.Date(2026, 2, 5, 12, 0, 0, 0, time.UTC)

// house is the page over a tracker with one session that has a vote link.
type house struct {
	t       *testing.T
	clock   *atomic.Int64 // Unix milliseconds
	tracker *tracker.Tracker
	owner   tracker.Owner
	session int64
	token   string
	url     string // of the page
	log     *strings.Builder
}

func settings() tracker.Settings {
	return tracker.Settings{Link: &tracker.Link{
		Add:        tracker.Span{Amount: 2, Unit: tracker.Day},
		Sub:        tracker.Span{Amount: 12, Unit: tracker.Hour},
		Multi:      tracker.Multis{Min: 100, Max: 150},
		ResetVotes: true,
	}}
}

func open(t *testing.T, d *db.DB, games tracker.Settings) *house {
	t.Helper()
	h := &house{t: t, clock: &atomic.Int64{}, owner: tracker.Owner{User: 1, Zone: time.UTC}, log: &strings.Builder{}}
	h.clock.Store(noon.UnixMilli())
	d.SetClock(func() time.Time { return time.UnixMilli(h.clock.Load()) })
	ring, err := seal.Parse(seal.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	if h.tracker, err = tracker.Open(t.Context(), d, ring, tracker.Options{}); err != nil {
		t.Fatal(err)
	}
	s, err := h.tracker.Start(t.Context(), h.owner, tracker.StartRequest{ScheduledDate: "2026-02-15", ScheduledTime: "12:00", Settings: games}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.session, h.token = s.ID, s.Play.Token
	mux := http.NewServeMux()
	votepage.Register(mux, votepage.Options{Tracker: h.tracker, Log: slog.New(slog.NewTextHandler(h.log, nil)),
		Proxies: web.Proxies{netip.MustParsePrefix("127.0.0.0/8")}})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	h.url = srv.URL + "/v/" + h.token
	return h
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, open(t, d, settings())) })
}

// answer is a page.
type answer struct {
	*http.Response
	text string
}

// ask sends a request; headers come in pairs.
func (h *house) ask(method, url, form string, headers ...string) answer {
	h.t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(form))
	if err != nil {
		h.t.Fatal(err)
	}
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer{resp, string(text)}
}

// visit opens the page and returns the cookie that it gives.
func (h *house) visit(headers ...string) (a answer, cookie string) {
	h.t.Helper()
	a = h.ask("GET", h.url, "", headers...)
	for _, c := range a.Cookies() {
		cookie = c.Name + "=" + c.Value
	}
	return a, cookie
}

func (a answer) is(t *testing.T, status int, words ...string) {
	t.Helper()
	if a.StatusCode != status || strings.Contains(a.text, "0001") {
		t.Fatalf("%d, want %d: %s", a.StatusCode, status, a.text)
	}
	for _, w := range words {
		if !strings.Contains(a.text, w) {
			t.Errorf("%q is not in %s", w, a.text)
		}
	}
}

// votes is how many were counted.
func (h *house) votes() int {
	h.t.Helper()
	s, err := h.tracker.Get(h.t.Context(), h.owner, h.session)
	if err != nil {
		h.t.Fatal(err)
	}
	return s.Play.State[tracker.LinkGame].Plays
}

func (h *house) counted(n int) {
	h.t.Helper()
	if got := h.votes(); got != n {
		h.t.Fatalf("%d votes were counted, want %d", got, n)
	}
}

func TestVote(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, cookie := h.visit()
		a.is(t, 200, "<title>Vote</title>", "later by 2 days", "earlier by 12 hours", "Toss a coin", "from 1.00 to 1.50", "15 February 2026, 12:00 UTC", "No votes so far.")
		h.counted(0)
		a = h.ask("POST", h.url, "choice=add", "Cookie", cookie)
		a.is(t, 200, "Your vote is counted", "The end moved later by 2 days", "The number drawn was 1.", "You can vote again from", "6 February 2026, 00:00 UTC", "1 vote so far.", "fair1, 1")
		if strings.Contains(a.text, "<form") {
			t.Error("the page still asks for a vote")
		}
		h.counted(1)
		// The same browser again, by GET and by POST.
		h.ask("GET", h.url, "", "Cookie", cookie).is(t, 200, "You have voted", "6 February 2026, 00:00 UTC")
		a = h.ask("POST", h.url, "choice=sub", "Cookie", cookie)
		a.is(t, 429, "You have voted", "This vote was not counted.", "6 February 2026, 00:00 UTC")
		if a.Header.Get("Retry-After") != "43200" {
			t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
		}
		h.counted(1)
		h.clock.Add((12 * time.Hour).Milliseconds())
		h.ask("POST", h.url, "choice=SUB", "Cookie", cookie).is(t, 200, "The end moved earlier by")
		_, other := h.visit()
		h.ask("POST", h.url, "choice=rand", "Cookie", other).is(t, 200, "Your vote is counted")
		h.counted(3)
		// A renewed link knows the browsers that voted by the old one.
		s, err := h.tracker.RenewLink(t.Context(), h.owner, h.session)
		if err != nil {
			t.Fatal(err)
		}
		h.url = strings.Replace(h.url, h.token, s.Play.Token, 1)
		h.ask("POST", h.url, "choice=add", "Cookie", other).is(t, 429, "You had voted before. This vote was not counted.")
	})
}

func TestHeaders(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		a, _ := h.visit()
		head := h.ask("HEAD", h.url, "")
		if head.text != "" || head.ContentLength != a.ContentLength {
			t.Errorf("HEAD: %q %d, GET has %d", head.text, head.ContentLength, a.ContentLength)
		}
		voted := h.ask("POST", h.url, "choice=add")
		for name, a := range map[string]answer{"GET": a, "HEAD": head, "POST": voted, "again": h.ask("POST", h.url, "choice=add"),
			"unknown": h.ask("GET", h.url+"A", ""), "PUT": h.ask("PUT", h.url, "")} {
			for header, want := range map[string]string{
				"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
				"X-Robots-Tag": "noindex, nofollow", "X-Content-Type-Options": "nosniff",
			} {
				if got := a.Header.Get(header); got != want {
					t.Errorf("%s: %s is %q", name, header, got)
				}
			}
			policy := a.Header.Get("Content-Security-Policy")
			for _, part := range []string{"default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} {
				if !strings.Contains(policy, part) || strings.Contains(policy, "unsafe") {
					t.Errorf("%s: policy %q", name, policy)
				}
			}
			for _, foreign := range regexp.MustCompile(`https?://|<script|src=|@import|url\(|javascript:`).FindAllString(a.text, -1) {
				t.Errorf("%s: %q in the page", name, foreign)
			}
			if strings.Contains(a.text, h.token) {
				t.Errorf("%s: the token is in the page", name)
			}
		}
		if put := h.ask("PUT", h.url, ""); put.StatusCode != 405 || put.Header.Get("Allow") != "GET, HEAD, POST" {
			t.Errorf("%d %v", put.StatusCode, put.Header)
		}
	})
}

func TestCookie(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, c := range map[string]struct {
			headers []string
			secure  bool
		}{"plain": {nil, false}, "TLS at the proxy": {[]string{"X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https"}, true}} {
			a, _ := h.visit(c.headers...)
			cookies := a.Cookies()
			if len(cookies) != 1 {
				t.Fatalf("%s: %v", name, cookies)
			}
			k := cookies[0]
			if !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/v/" || k.Secure != c.secure || k.Domain != "" || k.MaxAge < 86_400 {
				t.Errorf("%s: %+v", name, k)
			}
		}
		_, cookie := h.visit()
		if a := h.ask("GET", h.url, "", "Cookie", cookie); len(a.Cookies()) != 0 {
			t.Errorf("given again: %v", a.Cookies())
		}
		// What is no cookie of ours is none: the address counts.
		for _, bad := range []string{"vote=", "vote=x", "vote=" + strings.Repeat("é", 13), "vote=" + strings.Repeat("A", 27)} {
			if a := h.ask("GET", h.url, "", "Cookie", bad); len(a.Cookies()) != 1 {
				t.Errorf("%q: %v", bad, a.Cookies())
			}
		}
		h.ask("POST", h.url, "choice=add", "Cookie", "vote=x").is(t, 200)
		h.ask("POST", h.url, "choice=add").is(t, 429)
		h.counted(1)
		if a := h.ask("GET", h.url+"A", ""); len(a.Cookies()) != 0 {
			t.Errorf("a cookie for an unknown link: %v", a.Cookies())
		}
	})
}

// Another site can't make a visitor vote.
func TestVotesFromElsewhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		origin := h.url[:strings.Index(h.url, "/v/")]
		for _, c := range []struct {
			name    string
			cookie  bool
			headers []string
			ok      bool
		}{
			{"cross-site", true, []string{"Sec-Fetch-Site", "cross-site"}, false},
			{"another host of the site", true, []string{"Sec-Fetch-Site", "same-site"}, false},
			{"another origin", true, []string{"Origin", "https://example.org"}, false},
			{"another scheme", true, []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}, false},
			{"no origin to tell, without the cookie", false, []string{"Origin", "null"}, false},
			{"no origin to tell, with the cookie", true, []string{"Origin", "null"}, true},
			{"this page", true, []string{"Sec-Fetch-Site", "same-origin", "Origin", "null"}, true},
			{"this page, by its origin", false, []string{"Origin", origin, "X-Forwarded-For", "192.0.2.1"}, true},
			{"no browser", false, []string{"X-Forwarded-For", "192.0.2.2"}, true},
		} {
			before := h.votes()
			if c.cookie {
				_, cookie := h.visit()
				c.headers = append(c.headers, "Cookie", cookie)
			}
			a := h.ask("POST", h.url, "choice=add", c.headers...)
			if c.ok {
				a.is(t, 200, "Your vote is counted")
				h.counted(before + 1)
				continue
			}
			a.is(t, 403, "It was not counted", "<form")
			h.counted(before)
		}
	})
}

func TestBadVotes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for name, c := range map[string]struct {
			form    string
			headers []string
			status  int
		}{
			"nothing":        {"", []string{"Content-Type", "application/x-www-form-urlencoded"}, 400},
			"no form":        {`{"choice":"add"}`, []string{"Content-Type", "application/json"}, 415},
			"no type":        {"", nil, 415},
			"another choice": {"choice=half", nil, 400},
			"malformed":      {"choice=%zz", nil, 400},
			"too long":       {"choice=add&x=" + strings.Repeat("x", 5_000), nil, 413},
		} {
			a := h.ask("POST", h.url, c.form, c.headers...)
			if a.StatusCode != c.status || !strings.Contains(a.text, `role="status"`) {
				t.Errorf("%s: %d %s", name, a.StatusCode, a.text)
			}
		}
		var pages []string
		for _, token := range []string{strings.Repeat("A", 26), "x", "%2e%2e", strings.Repeat("A", 5_000), h.token + "A", strings.ToLower(h.token)} {
			for _, method := range []string{"GET", "POST"} {
				a := h.ask(method, strings.Replace(h.url, h.token, token, 1), map[string]string{"POST": "choice=add"}[method])
				a.is(t, 404, "There is no such link")
				pages = append(pages, a.text)
			}
		}
		for _, p := range pages {
			if p != pages[0] {
				t.Errorf("two unknown links differ:\n%s\n%s", p, pages[0])
			}
		}
		// A link that was renewed is as unknown.
		if _, err := h.tracker.RenewLink(t.Context(), h.owner, h.session); err != nil {
			t.Fatal(err)
		}
		if a := h.ask("GET", h.url, ""); a.StatusCode != 404 || a.text != pages[0] {
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
		h.counted(0)
		if h.log.Len() > 0 {
			t.Errorf("logged: %s", h.log)
		}
	})
}

func TestWhenTheVoteIsOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, cookie := h.visit()
		h.clock.Store(time.Date(2026, 2, 15, 12, 0, 0, 0, time.UTC).UnixMilli())
		h.ask("GET", h.url, "", "Cookie", cookie).is(t, 200, "The vote is over", "The end is reached.")
		h.ask("POST", h.url, "choice=add", "Cookie", cookie).is(t, 409, "The vote is over", "The end is reached.")
		if _, err := h.tracker.Edit(t.Context(), h.owner, h.session, tracker.EditRequest{EndNow: true}); err != nil {
			t.Fatal(err)
		}
		h.ask("GET", h.url, "", "Cookie", cookie).is(t, 200, "The vote is over", "The timer was stopped.")
		h.ask("POST", h.url, "choice=add", "Cookie", cookie).is(t, 409, "The timer was stopped.")
	})
}

func TestTooManyVotes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		taken := 0
		for i := range 40 {
			a := h.ask("POST", h.url, "choice=add", "X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
			if a.StatusCode == 200 {
				taken++
				continue
			}
			a.is(t, 429, "More votes came in this hour than are taken", "5 February 2026, 13:00 UTC")
			if a.Header.Get("Retry-After") != "3600" {
				t.Errorf("Retry-After %q", a.Header.Get("Retry-After"))
			}
		}
		h.counted(taken)
		if taken != 30 {
			t.Errorf("%d of 40 were taken", taken)
		}
	})
}
