package apiv2

import (
	"net/http"
	"strings"
	"time"

	"stint/internal/tracker"
)

// getHistories answers GET histories.php (readings, "The family").
func (a *API) getHistories(c *call) error {
	if err := c.onlyParams("session", "type", "source", "dom", "from", "to", "limit", "cursor"); err != nil {
		return err
	}
	f := tracker.HistoryFilter{
		Type:   strings.ToUpper(c.query.get("type")),
		Source: strings.ToUpper(c.query.get("source")),
		Cursor: c.query.get("cursor"),
	}
	var err error
	if f.Session, err = c.query.whole("session"); err != nil {
		return err
	}
	if f.Dom, err = c.query.flag("dom"); err != nil {
		return err
	}
	if f.From, f.Before, err = c.query.period(); err != nil {
		return err
	}
	if f.Limit, err = c.query.pageLimit(); err != nil {
		return err
	}
	p, err := a.Tracker.Histories(c.Context(), c.owner(), f)
	if err != nil {
		return err
	}
	b := appendInt(begin(c.text), `{"count":`, int64(len(p.Items)))
	b = appendInt(b, `,"limit":`, int64(p.Limit))
	b = appendNullable(b, `,"cursor_next":`, p.Next)
	b = appendFlag(b, `,"has_games_changes":`, p.HasChanges)
	b = append(b, `,"items":[`...)
	for i := range p.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendHistory(b, &p.Items[i])
	}
	c.text = append(b, "]}"...)
	return c.succeed(http.StatusOK)
}

// appendHistory appends a row of a history: the family's members, then ours.
func appendHistory(b []byte, h *tracker.HistoryItem) []byte {
	b = appendInt(b, `{"session":`, h.Session)
	b = appendText(b, `,"type":`, h.Type)
	b = appendNumber(b, `,"unit":`, h.Unit)
	b = appendNullable(b, `,"source":`, h.Source)
	b = appendFlag(b, `,"dom":`, h.Dom)
	b = appendTime(b, `,"schedule":`, h.Schedule)
	b = appendMillis(b, `,"happened":`, h.Happened)
	b = appendNumber(b, `,"rolled":`, h.Rolled)
	b = appendMultiOr(b, `,"multiplier":`, h.Multi)
	return append(appendNumber(b, `,"nonce":`, h.Nonce), '}')
}

// getChanges answers GET games_changes.php (readings, "The family").
func (a *API) getChanges(c *call) error {
	if err := c.onlyParams("session", "game", "action", "from", "to", "limit", "cursor", "include_raw", "include_diff"); err != nil {
		return err
	}
	f := tracker.ChangeFilter{
		Game:   tracker.Game(strings.ToLower(c.query.get("game"))),
		Action: strings.ToUpper(c.query.get("action")),
		Cursor: c.query.get("cursor"),
	}
	var err error
	if f.Session, err = c.query.whole("session"); err != nil {
		return err
	}
	if f.From, f.Before, err = c.query.period(); err != nil {
		return err
	}
	if f.Limit, err = c.query.pageLimit(); err != nil {
		return err
	}
	raw, err := c.query.flag("include_raw")
	if err != nil {
		return err
	}
	diff, err := c.query.flag("include_diff")
	if err != nil {
		return err
	}
	p, err := a.Tracker.Changes(c.Context(), c.owner(), f)
	if err != nil {
		return err
	}
	return a.replyChanges(c, p, raw != nil && *raw, diff == nil || *diff)
}

func (a *API) replyChanges(c *call, p *tracker.ChangePage, raw, diff bool) error {
	b := appendInt(begin(c.text), `{"count":`, int64(len(p.Items)))
	b = appendInt(b, `,"limit":`, int64(p.Limit))
	b = appendNullable(b, `,"cursor_next":`, p.Next)
	b = append(b, `,"items":[`...)
	people := a.people(c)
	for i := range p.Items {
		if i > 0 {
			b = append(b, ',')
		}
		nick, err := people.name(p.Items[i].By)
		if err != nil {
			return err
		}
		b = appendChange(b, &p.Items[i], nick, raw, diff)
	}
	c.text = append(b, "]}"...)
	return c.succeed(http.StatusOK)
}

func appendChange(b []byte, ch *tracker.Change, nick string, raw, diff bool) []byte {
	b = appendInt(b, `{"session":`, ch.Session)
	b = appendText(b, `,"game":`, string(ch.Game))
	b = appendText(b, `,"action":`, ch.Action)
	b = appendMillis(b, `,"happened":`, ch.Happened)
	b = appendNullable(b, `,"dom_nick":`, nick)
	if raw {
		b = appendRaw(b, `,"before":`, ch.Before, ch.Game)
		b = appendRaw(b, `,"after":`, ch.After, ch.Game)
	}
	if diff {
		b = append(b, `,"changes":[`...)
		for i, d := range ch.Diffs {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, `{"label":`, d.Label)
			b = appendNullable(b, `,"from":`, d.From)
			b = append(appendNullable(b, `,"to":`, d.To), '}')
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendRaw(b []byte, key string, s *tracker.Settings, g tracker.Game) []byte {
	if s == nil {
		return appendNull(b, key)
	}
	return appendSettings(append(b, key...), *s, g)
}

// pageLimit reads the size of a page; what is too small is the domain's to refuse.
func (q query) pageLimit() (int, error) {
	n, err := q.number("limit", tracker.DefaultLimit)
	return int(max(-1, min(n, tracker.MaxLimit))), err
}

// period reads from and to, which are UTC and both inclusive: days, seconds or milliseconds.
func (q query) period() (from, before time.Time, err error) {
	from, _, ok := parseUTC(q.get("from"))
	if !ok {
		return from, before, invalid("from", "%s", utcForm)
	}
	to, length, ok := parseUTC(q.get("to"))
	if !ok {
		return from, before, invalid("to", "%s", utcForm)
	}
	if !to.IsZero() {
		before = to.Add(length)
	}
	if !before.IsZero() && !from.Before(before) {
		return from, before, invalid("from", "from lies after to")
	}
	return from, before, nil
}

const utcForm = "a time in UTC is expected, YYYY-MM-DD or YYYY-MM-DD HH:MM:SS"

// parseUTC reads a time in UTC, and how long it lasts as it is written. Nothing is the zero time.
func parseUTC(text string) (at time.Time, length time.Duration, ok bool) {
	if text == "" {
		return at, 0, true
	}
	for _, form := range []struct {
		layout string
		length time.Duration
	}{
		{"2006-01-02", 24 * time.Hour},
		{"2006-01-02 15:04", time.Minute},
		{"2006-01-02 15:04:05", time.Second},
		{"2006-01-02 15:04:05.000", time.Millisecond},
	} {
		text := strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "Z")
		if len(text) != len(form.layout) {
			continue
		}
		if at, err := time.Parse(form.layout, text); err == nil {
			return at, form.length, true
		}
	}
	return at, 0, false
}
