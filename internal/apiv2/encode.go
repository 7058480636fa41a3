package apiv2

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"stint/internal/tracker"
	"stint/internal/tracker/wall"
)

// begin begins the envelope of a success; data follows.
func begin(b []byte) []byte { return append(b[:0], `{"ok":true,"data":`...) }

// appendMeta ends an envelope.
func appendMeta(b []byte, warnings []string) []byte {
	b = append(b, `,"meta":{"version":2`...)
	for i, w := range warnings {
		if i == 0 {
			b = appendText(b, `,"warnings":[`, w)
		} else {
			b = appendText(b, `,`, w)
		}
	}
	if len(warnings) > 0 {
		b = append(b, ']')
	}
	return append(b, "}}"...)
}

// succeed ends the envelope that was begun in c.text, and sends it.
func (c *call) succeed(status int) error {
	c.text = appendMeta(c.text, c.warnings.list)
	return c.reply(status, c.text)
}

// reply sends an answer.
func (c *call) reply(status int, body []byte) error {
	h := c.w.Header()
	h["Content-Type"] = jsonType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.w.WriteHeader(status)
	if c.Method != http.MethodHead {
		c.w.Write(body) // a client that has gone misses nothing
	}
	return nil
}

func appendPage(b []byte, p *tracker.Page, now time.Time) []byte {
	b = appendInt(b, `{"count":`, int64(len(p.Items)))
	b = appendInt(b, `,"total":`, int64(p.Total))
	b = appendInt(b, `,"limit":`, int64(p.Limit))
	b = appendInt(b, `,"offset":`, int64(p.Offset))
	b = append(b, `,"items":[`...)
	for i, s := range p.Items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendSession(b, s, now)
	}
	return append(b, "]}"...)
}

// appendSession appends an item: the document's members, then ours.
func appendSession(b []byte, s *tracker.Session, now time.Time) []byte {
	b = appendInt(b, `{"id":`, s.ID)
	b = appendLocal(b, `,"start":`, &s.Start)
	b = appendLocal(b, `,"end":`, s.End)
	b = appendLocal(b, `,"scheduledend":`, s.Scheduled)
	b = appendFlag(b, `,"active":`, s.Active())
	b = appendOptional(b, `,"lockedby":`, s.LockedBy)
	b = appendOptional(b, `,"notes":`, s.Notes)
	b = appendFlag(b, `,"public":`, s.Public)
	b = appendOffset(b, `,"timezonestart":`, &s.Start)
	b = appendOffset(b, `,"timezoneend":`, s.End)
	b = appendStamp(append(b, `,"inserted":`...), s.Inserted.Unix())
	b = appendFlag(b, `,"has_history":`, s.HasHistory)
	b = appendFlag(b, `,"has_games_changes":`, s.HasChanges)
	b = appendUTC(b, `,"start_utc":`, &s.Start)
	b = appendUTC(b, `,"end_utc":`, s.End)
	b = appendUTC(b, `,"scheduledend_utc":`, s.Scheduled)
	at, reached := s.Reached(now)
	b = appendInstant(b, `,"reached_utc":`, at.Unix(), reached)
	b = appendLocal(b, `,"limitend":`, s.Limit)
	b = appendUTC(b, `,"limitend_utc":`, s.Limit)
	if s.Play != nil {
		b = appendGames(append(b, `,"games":`...), s.Play)
	}
	return append(b, '}')
}

// appendStatus appends what every write answers; more members may follow.
func appendStatus(b []byte, status string, id int64) []byte {
	return appendInt(appendText(b, `{"status":`, status), `,"id":`, id)
}

// appendCreated appends the answer to a POST, with the proof where the scheduled end was drawn: everything that is
// needed to draw it again.
func appendCreated(b []byte, s *tracker.Session, status string) []byte {
	b = appendStatus(b, status, s.ID)
	b = append(b, `,"games":`...)
	b = strconv.AppendBool(b, s.Play != nil)
	if d := s.Drawn; d != nil {
		b = appendLocal(b, `,"scheduledend":`, s.Scheduled)
		b = appendUTC(b, `,"scheduledend_utc":`, s.Scheduled)
		b = appendText(b, `,"proof":{"scheme":`, d.Proof().Scheme)
		draw, _ := json.Marshal(d) // texts and numbers
		b = append(append(b, ','), draw[1:]...)
	}
	return append(b, '}')
}

func appendInt(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(append(b, key...), n, 10)
}

func appendFlag(b []byte, key string, on bool) []byte {
	if on {
		return append(append(b, key...), '1')
	}
	return append(append(b, key...), '0')
}

func appendText(b []byte, key, text string) []byte {
	// AppendQuote fails only on invalid UTF-8, which it replaces.
	b, _ = jsontext.AppendQuote(append(b, key...), text)
	return b
}

func appendNull(b []byte, key string) []byte { return append(append(b, key...), "null"...) }

func appendOptional(b []byte, key string, text *string) []byte {
	if text == nil {
		return appendNull(b, key)
	}
	return appendText(b, key, *text)
}

func appendSpan(b []byte, amount, unit string, s tracker.Span) []byte {
	return appendText(appendInt(b, amount, int64(s.Amount)), unit, s.Unit.String())
}

// appendMulti appends a multiplier with its two decimals.
func appendMulti(b []byte, m tracker.Multi) []byte {
	b = strconv.AppendInt(b, int64(m/100), 10)
	return appendTwo(append(b, '.'), int(m%100))
}

func appendLocal(b []byte, key string, m *wall.Moment) []byte {
	if m == nil {
		return appendNull(b, key)
	}
	return appendStamp(append(b, key...), m.Unix+int64(m.Offset))
}

func appendUTC(b []byte, key string, m *wall.Moment) []byte {
	if m == nil {
		return appendNull(b, key)
	}
	return appendStamp(append(b, key...), m.Unix)
}

func appendInstant(b []byte, key string, unix int64, known bool) []byte {
	if !known {
		return appendNull(b, key)
	}
	return appendStamp(append(b, key...), unix)
}

// appendStamp appends "YYYY-MM-DD HH:MM:SS", the document's form of a time.
func appendStamp(b []byte, unix int64) []byte {
	t := time.Unix(unix, 0).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = appendTwo(append(b, '"'), year/100)
	b = appendTwo(b, year%100)
	b = appendTwo(append(b, '-'), int(month))
	b = appendTwo(append(b, '-'), day)
	b = appendTwo(append(b, ' '), hour)
	b = appendTwo(append(b, ':'), minute)
	b = appendTwo(append(b, ':'), second)
	return append(b, '"')
}

// appendOffset appends an offset from UTC, as wall.Moment.Zone writes it.
func appendOffset(b []byte, key string, m *wall.Moment) []byte {
	if m == nil {
		return appendNull(b, key)
	}
	sign, o := byte('+'), m.Offset
	if o < 0 {
		sign, o = '-', -o
	}
	b = append(append(b, key...), '"', sign)
	b = appendTwo(b, o/3600)
	b = appendTwo(append(b, ':'), o/60%60)
	if o%60 != 0 {
		b = appendTwo(append(b, ':'), o%60)
	}
	return append(b, '"')
}

// appendTwo appends at least two digits.
func appendTwo(b []byte, n int) []byte {
	if n < 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(n), 10)
}
