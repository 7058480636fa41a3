package votepage_test

import (
	"regexp"
	"strings"
	"testing"

	"stint/internal/db/dbtest"
	"stint/internal/tracker"
)

func TestWhatIsOpen(t *testing.T) {
	one := settings()
	one.Link.Sub.Amount, one.Link.ResetVotes, one.Link.Multi, one.Link.Votes = 0, false, tracker.Multis{Min: 100, Max: 100}, 10
	one.Link.Add = tracker.Span{Amount: 1, Unit: tracker.Month}
	none := settings()
	none.Link.Add.Amount, none.Link.Sub.Amount = 0, 0
	for name, c := range map[string]struct {
		games       tracker.Settings
		has, hasNot []string
	}{
		"one choice": {one, []string{"later by 1 month of 30 days", "No votes so far; 10 are hoped for."}, []string{"Earlier", "coin", "multiplied"}},
		"nothing":    {none, []string{"Nothing can be voted for"}, []string{"<form"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t, dbtest.Open(t, dbtest.SQLite(t)), c.games)
			a, cookie := h.visit()
			a.is(t, 200, c.has...)
			for _, w := range c.hasNot {
				if strings.Contains(a.text, w) {
					t.Errorf("%q in %s", w, a.text)
				}
			}
			if name == "one choice" {
				h.ask("POST", h.url, "choice=add", "Cookie", cookie).is(t, 200, "Everybody votes once here.", "later by 30 days.")
				again := h.ask("POST", h.url, "choice=add", "Cookie", cookie)
				if again.is(t, 429, "Everybody votes once here."); again.Header.Get("Retry-After") != "" {
					t.Errorf("%v", again.Header)
				}
			}
		})
	}
}

// The page says nothing about what the timer is for.
func TestNeutralWords(t *testing.T) {
	h := open(t, dbtest.Open(t, dbtest.SQLite(t)), settings())
	a, _ := h.visit()
	for _, text := range []string{a.text, h.ask("POST", h.url, "choice=add").text} {
		if found := regexp.MustCompile(`(?i)\block|chast|dom\b|key|penal|session|owner|stint`).FindString(strings.ReplaceAll(text, "keyed hash", "")); found != "" {
			t.Errorf("%q in %s", found, text)
		}
	}
}
