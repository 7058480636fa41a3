package votepage

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"stint/internal/tracker"
	"stint/internal/tracker/fair"
)

// view is what the page shows.
type view struct {
	Title   string
	Message string
	Move    string    // what the visitor's vote did
	Again   time.Time // when the visitor may vote, or if Voted vote again
	Voted   bool
	Once    bool     // the visitor has voted and can't vote again
	Choices []choice // what can be voted for, by this visitor, now
	Factor  string
	Proof   *fair.Proof

	Ballot bool // there is a timer to show
	Over   bool // its session has ended
	End    time.Time
	Votes  string
}

type choice struct {
	Value, Name, Effect string
}

// ballot is the page as the visitor finds it.
func (p *page) ballot(r *http.Request, voter tracker.Voter) (*view, int) {
	b, err := p.Tracker.Ballot(r.Context(), voter, r.PathValue("token"))
	var rule *tracker.Error
	if errors.As(err, &rule) {
		return &view{Title: "There is no such link", Message: "It may have been replaced by another one, or what it belonged to is gone."}, http.StatusNotFound
	}
	if err != nil {
		return p.failed(r, err)
	}
	v := &view{Title: "Vote", Ballot: true, Over: b.Closed == tracker.NotActive, End: b.Scheduled.UTC(), Votes: votes(b)}
	switch {
	case b.Closed == tracker.NotActive:
		v.Title, v.Message = "The vote is over", "The timer was stopped."
	case b.Closed != "":
		v.Title, v.Message = "The vote is over", "The end is reached."
	case b.Voted:
		v.Title, v.Voted, v.Once, v.Again = "You have voted", true, b.RetryAt.IsZero(), b.RetryAt.UTC()
	default:
		v.Choices, v.Factor = choices(b.Link), factor(b.Link.Multi)
		if v.Choices == nil {
			v.Message = "Nothing can be voted for at present."
		}
	}
	return v, http.StatusOK
}

func votes(b *tracker.Ballot) string {
	text := "No votes so far"
	switch {
	case b.Votes == 1:
		text = "1 vote so far"
	case b.Votes > 1:
		text = fmt.Sprintf("%d votes so far", b.Votes)
	}
	if b.Link.Votes > 0 {
		return fmt.Sprintf("%s; %d are hoped for.", text, b.Link.Votes)
	}
	return text + "."
}

// choices are those that the settings leave open.
func choices(l tracker.Link) (list []choice) {
	if l.Add.Amount > 0 {
		list = append(list, choice{"add", "Later", "The end moves later by " + amount(l.Add) + "."})
	}
	if l.Sub.Amount > 0 {
		list = append(list, choice{"sub", "Earlier", "The end moves earlier by " + amount(l.Sub) + "."})
	}
	if len(list) == 2 {
		list = append(list, choice{"rand", "Toss a coin", "Chance decides between the two."})
	}
	return list
}

// factor says what the amounts are multiplied by.
func factor(m tracker.Multis) string {
	switch {
	case m.Min != m.Max:
		return fmt.Sprintf("The time is multiplied by a number that is drawn, from %.2f to %.2f.", m.Min.Float(), m.Max.Float())
	case m.Min != tracker.One:
		return fmt.Sprintf("The time is multiplied by %.2f.", m.Min.Float())
	}
	return ""
}

// effect says what a vote did.
func effect(m *tracker.Move) string {
	direction := "later"
	if m.Operation == fair.Sub {
		direction = "earlier"
	}
	text := fmt.Sprintf("The end moved %s by %s.", direction, duration(m.Applied))
	if m.Applied == 0 {
		text = fmt.Sprintf("It was for %s; the end stays where it is.", direction)
	}
	if m.Multi != tracker.One {
		text += fmt.Sprintf(" The number drawn was %.2f.", m.Multi.Float())
	}
	return text
}

// amount is a span in words.
func amount(s tracker.Span) string {
	if s.Unit == tracker.Month {
		return several(int64(s.Amount), "month") + " of 30 days"
	}
	return several(int64(s.Amount), strings.ToLower(s.Unit.String()))
}

// duration is seconds in words, exact.
func duration(seconds int64) string {
	var words []string
	for _, u := range []struct {
		length int64
		name   string
	}{{86_400, "day"}, {3_600, "hour"}, {60, "minute"}, {1, "second"}} {
		if n := seconds / u.length; n > 0 {
			words = append(words, several(n, u.name))
		}
		seconds %= u.length
	}
	return strings.Join(words, ", ")
}

func several(n int64, name string) string {
	if n == 1 {
		return "1 " + name
	}
	return fmt.Sprintf("%d %ss", n, name)
}
