package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"stint/api/apitest"
	"stint/internal/account"
	"stint/internal/browsertest"
	"stint/internal/config"
	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/tracker/fair"
)

// pair is a server whose time the test sets, and two people who use it.
type pair struct {
	t        *testing.T
	db       *db.DB
	clock    *atomic.Int64 // Unix milliseconds
	base     string
	client   *http.Client
	ann, bob string // tokens
}

// runPair runs the whole house, its clock included, over a database.
func runPair(t *testing.T, d *db.DB) *pair {
	t.Helper()
	p := &pair{t: t, db: d, clock: &atomic.Int64{}}
	p.clock.Store(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli())
	d.SetClock(func() time.Time { return time.UnixMilli(p.clock.Load()) })
	c, err := config.Load(config.Sources{Env: func(string) string { return "" },
		Flags: map[string]string{"wings-club": "off", "database": t.TempDir() + "/stint.db"}})
	if err != nil {
		t.Fatal(err)
	}
	h, err := open(t.Context(), c, d, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- h.serve(ctx, l, nil) }()
	p.base = "http://" + l.Addr().String()
	p.client = &http.Client{Transport: apitest.Transport(t, &http.Transport{DisableKeepAlives: true})}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		h.close()
	})
	for _, who := range []struct {
		name  string
		token *string
	}{{"Ann", &p.ann}, {"Bob", &p.bob}} {
		if _, err := h.accounts.AddUser(t.Context(), who.name, "Europe/Rome"); err != nil {
			t.Fatal(err)
		}
		if *who.token, err = h.accounts.CreateToken(t.Context(), who.name, "phone", account.TokenWrite, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// pass lets time go by during which the server was up.
func (p *pair) pass(d time.Duration) {
	p.t.Helper()
	p.clock.Add(d.Milliseconds())
	err := p.db.Do(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec("update tracker_up set until_ms = $1", tx.Now.UnixMilli())
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// do sends a request and returns the data of the answer, which has that status.
func (p *pair) do(token, method, target, body string, status int) map[string]any {
	p.t.Helper()
	text := p.text(token, method, target, body, status)
	var envelope struct{ Data, Error map[string]any }
	if err := json.Unmarshal([]byte(text), &envelope); err != nil {
		p.t.Fatalf("%v in %s", err, text)
	}
	if envelope.Error != nil {
		return envelope.Error
	}
	return envelope.Data
}

func (p *pair) text(token, method, target, body string, status int) string {
	p.t.Helper()
	r, err := http.NewRequest(method, p.base+target, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode != status {
		p.t.Fatalf("%s %s: %d, want %d: %s", method, target, resp.StatusCode, status, text)
	}
	return string(text)
}

// Two people link, start a session with all three games, play each, get a vote from a browser without an account, see a
// penalty happen and read what happened; and one verifies every draw of the other.
func TestTwoPeople(t *testing.T) {
	browser := browsertest.New(t)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		p := runPair(t, d)
		code := p.do(p.ann, "POST", "/api/v2/keyholders.php", `{"action":"invite"}`, 201)["code"]
		p.do(p.bob, "POST", "/api/v2/keyholders.php", fmt.Sprintf(`{"action":"accept","code":%q}`, code), 201)
		start := `{"type":"live","scheduledend":"2026-03-30","scheduledendtime":"09:00","limitend":"2026-04-30",
			"dices":1,"dicenumber":2,"diceunit":"HOUR","dicetimewait":6,"dicemaxmulti":2,"dicespen":1,"mindiceplay":1,"pendicetime":3,"pendiceunit":"HOUR",
			"luck":1,"randadd":2,"randaddunit":"HOUR","randsub":1,"randsubunit":"HOUR",
			"links":1,"linkadd":1,"linkaddunit":"DAY","linksub":6,"linksubunit":"HOUR","resetvotes":1}`
		p.do(p.ann, "POST", "/api/v2/preview.php", start, 200)
		id := fmt.Sprint(p.do(p.ann, "POST", "/api/v2/sessions.php", start, 201)["id"])
		commitment := p.do(p.bob, "GET", "/api/v2/fair.php?session="+id, "", 200)["commitment"]
		p.do(p.ann, "PATCH", "/api/v2/fair.php?session="+id, `{"clientseed":"ann's"}`, 200)

		for _, game := range []string{"dice", "luck"} {
			p.do(p.ann, "POST", "/api/v2/games.php", fmt.Sprintf(`{"game":%q,"session":%s}`, game, id), 200)
		}
		if e := p.do(p.bob, "POST", "/api/v2/games.php", `{"game":"dice","dom":1,"session":`+id+`}`, 429); e["code"] != "cooldown" || e["retry_at"] != "2026-03-02T15:00:00Z" {
			t.Errorf("%v", e)
		}
		p.do(p.bob, "POST", "/api/v2/games.php", `{"game":"link","dom":1,"session":`+id+`,"type":"add"}`, 200)
		p.voteInBrowser(browser, id)

		// The second day has no play.
		p.pass(48 * time.Hour)
		p.do(p.ann, "POST", "/api/v2/games.php", `{"game":"dice","session":`+id+`}`, 200)
		rows := p.do(p.ann, "GET", "/api/v2/histories.php?session="+id+"&source=PENALTY", "", 200)["items"].([]any)
		if len(rows) != 1 || rows[0].(map[string]any)["unit"] != 10800.0 {
			t.Errorf("penalties: %v", rows)
		}
		p.do(p.bob, "PATCH", "/api/v2/games.php?session="+id, `{"dice":{"dices":3},"luck":null}`, 200)
		p.do(p.bob, "PATCH", "/api/v2/sessions.php?id="+id, `{"scheduledend":"2026-04-01"}`, 200)
		changes := p.do(p.ann, "GET", "/api/v2/games_changes.php?session="+id, "", 200)["items"].([]any)
		if len(changes) != 2 || changes[0].(map[string]any)["dom_nick"] != "Bob" {
			t.Errorf("changes: %v", changes)
		}
		var kinds []string
		for _, row := range p.do(p.ann, "GET", "/api/v2/histories.php?session="+id, "", 200)["items"].([]any) {
			r := row.(map[string]any)
			kinds = append(kinds, fmt.Sprintf("%v%v", r["source"], r["dom"]))
		}
		if got := strings.Join(kinds, " "); got != "DOM1 DICE0 PENALTY0 LINK0 LINK1 LUCK0 DICE0 <nil>0" {
			t.Errorf("the history is %s", got)
		}
		session := p.do(p.bob, "GET", "/api/v2/sessions.php?id="+id, "", 200)
		days := session["games"].(map[string]any)["dice"].(map[string]any)["days"].([]any)
		if len(days) != 2 || days[0].(map[string]any)["reason"] != "missed" || days[1].(map[string]any)["reason"] != "enough" {
			t.Errorf("days: %v", days)
		}
		p.verify(id, commitment)
	})
}

// verify ends the session, and has the other check every draw.
func (p *pair) verify(id string, commitment any) {
	p.t.Helper()
	p.pass(40 * 24 * time.Hour)
	if e := p.do(p.ann, "POST", "/api/v2/games.php", `{"game":"dice","session":`+id+`}`, 409); e["code"] != "schedule_reached" {
		p.t.Errorf("%v", e)
	}
	chain := p.text(p.bob, "GET", "/api/v2/fair.php?session="+id+"&chain=1", "", 200)
	doc, err := fair.Verify([]byte(chain))
	if err != nil || len(doc.Draws) != 5 || doc.Commitment != commitment || doc.Tip != "" {
		p.t.Errorf("%v %s", err, chain)
	}
	p.do(p.ann, "PATCH", "/api/v2/sessions.php?id="+id, `{"endNow":true}`, 200)
	if doc, err = fair.Verify([]byte(p.text(p.ann, "GET", "/api/v2/fair.php?session="+id+"&chain=1", "", 200))); err != nil || doc.Tip == "" {
		p.t.Errorf("%v", err)
	}
}

// voteInBrowser follows the vote link and votes, as somebody without an account.
func (p *pair) voteInBrowser(browser context.Context, id string) {
	p.t.Helper()
	link, _ := p.do(p.ann, "GET", "/api/v2/stats.php", "", 200)["link_game"].(string)
	tab, cancel := chromedp.NewContext(browser)
	defer cancel()
	err := chromedp.Do(tab, chromedp.Navigate(link), chromedp.Click(chromedp.CSS(`button[value="sub"]`)), chromedp.WaitVisible(chromedp.CSS("details")))
	if err != nil {
		p.t.Fatal(err)
	}
	if text, err := chromedp.Run(tab, chromedp.Text(chromedp.CSS("main"))); err != nil || !strings.Contains(text, "The end moved earlier by 6 hours.") {
		p.t.Errorf("%q %v", text, err)
	}
}
