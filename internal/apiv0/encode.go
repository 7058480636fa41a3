package apiv0

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"stint/internal/club"
	"stint/internal/web"
)

// view is how much of an action is shown.
type view int

const (
	memberView view = iota
	publicView      // without what the document's "Public API" strips
)

// appendAction appends the action as one compact JSON object.
func appendAction(b []byte, a *club.Action, v view) []byte {
	b = append(b, '{')
	if v == memberView {
		b = appendInt(b, `"id":`, a.ID)
		b = append(b, ',')
	}
	b = appendInt(b, `"time":`, a.Time)
	b = appendText(b, `,"type":`, string(a.Type))
	if v == memberView || a.Type == club.TypeAnnouncement {
		b = appendText(b, `,"note":`, a.Note)
	}
	switch a.Type {
	case club.TypeStatus:
		b = appendStatus(b, a, v)
	case club.TypeAnnouncement:
		b = appendAnnouncement(b, a, v)
	case club.TypePresence:
		b = appendPresence(b, a)
	}
	return append(b, '}')
}

func appendStatus(b []byte, a *club.Action, v view) []byte {
	if v == publicView {
		return appendText(b, `,"status":`, string(a.Status.InPublic()))
	}
	b = appendText(b, `,"user":`, a.User)
	return appendText(b, `,"status":`, string(a.Status))
}

func appendAnnouncement(b []byte, a *club.Action, v view) []byte {
	b = appendText(b, `,"method":`, string(a.Method))
	b = appendInt(b, `,"aid":`, a.AID)
	if v == memberView {
		b = appendText(b, `,"user":`, a.User)
	}
	b = appendInt(b, `,"from":`, a.From)
	b = appendInt(b, `,"to":`, a.To)
	b = append(b, `,"public":`...)
	b = strconv.AppendBool(b, a.Public)
	if a.URL != "" {
		b = appendText(b, `,"url":`, a.URL)
	}
	return b
}

// appendPresence names each person twice: the document says user, real clients
// read name (readings, "Presence").
func appendPresence(b []byte, a *club.Action) []byte {
	b = append(b, `,"users":[`...)
	for i, p := range a.Users {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, `{"user":`, p.Name)
		b = appendText(b, `,"name":`, p.Name)
		b = appendInt(b, `,"since":`, p.Since)
		b = append(b, '}')
	}
	return appendInt(b, `],"anonymous_users":`, a.Anonymous)
}

func appendInt(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(append(b, key...), n, 10)
}

func appendText(b []byte, key, text string) []byte {
	// AppendQuote fails only on invalid UTF-8, which no action holds.
	b, _ = jsontext.AppendQuote(append(b, key...), text)
	return b
}

// appendActions appends {"actions":[…]}.
func appendActions(b []byte, list []club.Action, v view) []byte {
	b = append(b, listHead...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendAction(b, &list[i], v)
	}
	return append(b, listTail...)
}

const (
	listHead = `{"actions":[`
	listTail = `]}`
)

const contentType = "application/json; charset=utf-8"

func answer(body []byte) *web.Answer { return web.NewAnswer(contentType, body) }
