package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"stint/client"
)

// clock is a moment as a person reads it, with the offset that held then.
func clock(m client.Moment) string { return m.Time().Format("2006-01-02 15:04 -07:00") }

// length is a duration in its two largest units: "2 d 3 h", "3 h 20 min".
func length(d time.Duration) string {
	minutes := int64(d / time.Minute)
	days, hours, minutes := minutes/(24*60), minutes/60%24, minutes%60
	parts := []string{}
	for _, p := range []struct {
		n    int64
		unit string
	}{{days, "d"}, {hours, "h"}, {minutes, "min"}} {
		if len(parts) == 1 && p.n == 0 || len(parts) == 2 {
			break
		}
		if p.n > 0 {
			parts = append(parts, strconv.FormatInt(p.n, 10)+" "+p.unit)
		}
	}
	if len(parts) == 0 {
		return "0 min"
	}
	return strings.Join(parts, " ")
}

// relative says how far an instant lies from now.
func relative(at, now time.Time) string {
	if d := at.Sub(now); d > 0 {
		return "in " + length(d)
	}
	return length(now.Sub(at)) + " ago"
}

// lasted is how long a session has lasted.
func lasted(s client.Session, now time.Time) string {
	if s.End != nil {
		now = s.End.UTC
	}
	return length(max(0, now.Sub(s.Start.UTC)))
}

// span is when a session was.
func span(s client.Session) string {
	if s.End == nil {
		return "active since " + clock(s.Start)
	}
	return clock(s.Start) + " to " + clock(*s.End)
}

func printList(to io.Writer, p client.Page, now time.Time) error {
	t := newTable("ID", "START", "END", "LASTED", "SCHEDULED END", "LOCKED BY")
	for _, s := range p.Items {
		end, scheduled, by := "active", "–", "–"
		if s.End != nil {
			end = clock(*s.End)
		}
		if s.Scheduled != nil {
			scheduled = clock(*s.Scheduled)
		}
		if s.LockedBy != nil {
			by = plain(*s.LockedBy)
		}
		t.row(strconv.FormatInt(s.ID, 10), clock(s.Start), end, lasted(s, now), scheduled, by)
	}
	if err := t.print(to); err != nil {
		return err
	}
	if p.Count == p.Total {
		return nil
	}
	after := ""
	if p.Offset > 0 {
		after = fmt.Sprintf(", after the first %d", p.Offset)
	}
	_, err := fmt.Fprintf(to, "%d of %d%s\n", p.Count, p.Total, after)
	return err
}

func printSession(to io.Writer, s client.Session, now time.Time) error {
	t := newTable("session", strconv.FormatInt(s.ID, 10))
	t.row("start", clock(s.Start))
	if s.End != nil {
		t.row("end", clock(*s.End))
	} else {
		t.row("end", "active")
	}
	t.row("lasted", lasted(s, now))
	if s.Scheduled != nil && s.Active {
		t.row("scheduled end", clock(*s.Scheduled)+", "+relative(s.Scheduled.UTC, now))
	} else if s.Scheduled != nil {
		t.row("scheduled end", clock(*s.Scheduled))
	}
	if s.Limit != nil {
		t.row("limit", clock(*s.Limit))
	}
	if s.LockedBy != nil {
		t.row("locked by", plain(*s.LockedBy))
	}
	if s.Public {
		t.row("public", "yes")
	}
	if g := s.Games; g != nil {
		printGames(t, *g, now)
	}
	if s.Notes != nil {
		name := "notes"
		for line := range strings.SplitSeq(*s.Notes, "\n") {
			t.row(name, plain(line))
			name = ""
		}
	}
	return t.print(to)
}

func printGames(t *table, g client.Games, now time.Time) {
	if d := g.Dice; d != nil {
		t.row("dice", fmt.Sprintf("%d dice, 1 %s a pip%s%s", d.Number, word(d.Unit), every(d.Wait, d.WaitUnit), multiplier(d.Min, d.Max)))
		t.row("", played(d.State, now))
	}
	if l := g.Luck; l != nil {
		t.row("luck", fmt.Sprintf("+ %s or − %s%s%s", several(l.Add, l.AddUnit), several(l.Sub, l.SubUnit), every(l.Wait, l.WaitUnit), multiplier(l.Min, l.Max)))
		t.row("", played(l.State, now))
	}
	if l := g.Link; l != nil {
		t.row("link", fmt.Sprintf("+ %s or − %s%s", several(l.Add, l.AddUnit), several(l.Sub, l.SubUnit), multiplier(l.Min, l.Max)))
		t.row("", fmt.Sprintf("%d votes; the token to vote with is %s", l.Plays, l.Token))
	}
}

func word(u client.Unit) string { return strings.ToLower(string(u)) }

// several is an amount of a unit in words.
func several(n int, u client.Unit) string {
	if n == 1 {
		return "1 " + word(u)
	}
	return fmt.Sprintf("%d %ss", n, word(u))
}

func every(n int, u client.Unit) string {
	if n == 0 {
		return ""
	}
	return ", once in " + several(n, u)
}

func multiplier(least, most float64) string {
	if least == 1 && most == 1 {
		return ""
	}
	return fmt.Sprintf(", times %.2f to %.2f", least, most)
}

func played(s client.State, now time.Time) string {
	text := fmt.Sprintf("%d plays", s.Plays)
	if s.Plays == 1 {
		text = "1 play"
	}
	if s.Next.After(now) {
		return text + ", the next " + relative(s.Next.Time, now)
	}
	return text + ", the next now"
}

// plain is a text that can't steer a terminal.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, text)
}
