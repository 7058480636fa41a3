package apiv2

import (
	"fmt"
	"net/http"
	"strings"
)

// getStats answers GET stats.php (readings, "The family").
func (a *API) getStats(c *call) error {
	if err := c.onlyParams(); err != nil {
		return err
	}
	s, err := a.Tracker.Stats(c.Context(), c.owner())
	if err != nil {
		return err
	}
	var start, end, lasted, since, link string
	if now := s.Active; now != nil {
		start, lasted = now.Start.UTC().Format(statsTime), inWords(s.Locked)
		if now.Scheduled != nil {
			end = now.Scheduled.UTC().Format(statsTime)
		}
		if now.Play != nil && now.Play.Token != "" {
			link = a.base(c.Request) + "/v/" + now.Play.Token
		}
	}
	if s.Since != nil {
		since = s.Since.Local().Format("2006-01-02")
	}
	b := appendText(begin(c.text), `{"nick":`, c.who.UserName)
	b = appendNull(b, `,"profile_url":`)
	b = appendFlag(b, `,"locked":`, s.Active != nil)
	b = appendNullable(b, `,"current_lock_start":`, start)
	b = appendNullable(b, `,"scheduled_end":`, end)
	b = appendNullable(b, `,"current_lock_time":`, lasted)
	b = appendText(b, `,"total_locked_since":`, inWords(s.Total))
	b = appendNullable(b, `,"since_date":`, since)
	c.text = append(appendNullable(b, `,"link_game":`, link), '}')
	return c.succeed(http.StatusOK)
}

const statsTime = "2006-01-02 15:04:05 UTC"

// inWords is a number of seconds as days, hours and minutes: "3 days, 1 hour, 20 minutes".
func inWords(seconds int64) string {
	var words []string
	for _, u := range []struct {
		length int64
		name   string
	}{{86_400, "day"}, {3_600, "hour"}, {60, "minute"}} {
		n := seconds / u.length
		seconds %= u.length
		switch {
		case n == 1:
			words = append(words, "1 "+u.name)
		case n > 1:
			words = append(words, fmt.Sprintf("%d %ss", n, u.name))
		}
	}
	if words == nil {
		return "0 minutes"
	}
	return strings.Join(words, ", ")
}
