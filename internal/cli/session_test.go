package cli

import (
	"testing"
	"time"
)

func TestLength(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"0 min":      59 * time.Second,
		"1 min":      time.Minute,
		"1 h":        time.Hour + 30*time.Second,
		"3 h 20 min": 3*time.Hour + 20*time.Minute,
		"1 d":        24*time.Hour + 59*time.Minute,
		"2 d 3 h":    51*time.Hour + 10*time.Minute,
		"400 d 23 h": 400*24*time.Hour + 23*time.Hour + 59*time.Minute,
	} {
		if got := length(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	now := time.Date(2026, 2, 5, 12, 0, 0, 0, time.UTC)
	if in, ago := relative(now.Add(90*time.Minute), now), relative(now.Add(-90*time.Minute), now); in != "in 1 h 30 min" || ago != "1 h 30 min ago" {
		t.Error(in, ago)
	}
}

// What somebody wrote into a text can't steer the terminal that shows it.
func TestPlain(t *testing.T) {
	if got := plain("a\x1b[2Jb\u202ec\u009bé\t"); got != "a [2Jb c é " {
		t.Errorf("%q", got)
	}
}
