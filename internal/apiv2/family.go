package apiv2

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"crypto/sha256"

	"stint/internal/account"
	"stint/internal/tracker"
)

// family is the paths beside sessions.php, each also without its ending (readings, "The family"). The last five are
// Stint's own.
var family = map[string]methods{
	"games": {
		http.MethodPost:  {anyone, (*API).postGame},
		http.MethodPatch: {account.TokenWrite, (*API).patchGames},
	},
	"histories":     {http.MethodGet: {account.TokenRead, (*API).getHistories}},
	"games_changes": {http.MethodGet: {account.TokenRead, (*API).getChanges}},
	"stats":         {http.MethodGet: {account.TokenRead, (*API).getStats}},
	"keyholders": {
		http.MethodGet:    {account.TokenRead, (*API).getKeyholders},
		http.MethodPost:   {account.TokenWrite, (*API).postKeyholder},
		http.MethodDelete: {account.TokenWrite, (*API).deleteKeyholder},
	},
	"events": {http.MethodGet: {account.TokenRead, (*API).getEvents}},
	"fair": {
		http.MethodGet:   {account.TokenRead, (*API).getFair},
		http.MethodPost:  {account.TokenWrite, (*API).setClientSeed},
		http.MethodPatch: {account.TokenWrite, (*API).setClientSeed},
	},
	"preview": {http.MethodPost: {account.TokenRead, (*API).postPreview}},
	"export":  {http.MethodGet: {account.TokenRead, (*API).getExport}},
}

// whole reads a whole number from 1 that must be given.
func (q query) whole(name string) (int64, error) {
	if q.get(name) == "" {
		return 0, invalid(name, "this parameter is missing; a whole number from 1 is expected")
	}
	return q.wholeOr(name, 0)
}

// wholeOr reads a whole number from 1.
func (q query) wholeOr(name string, absent int64) (int64, error) {
	if q.get(name) == "" {
		return absent, nil
	}
	n, err := q.number(name, 0)
	if err != nil || n < 1 {
		return 0, invalid(name, "a whole number from 1 is expected")
	}
	return n, nil
}

// object reads a body of JSON for a PATCH or one that may be left out: nothing is the empty object.
func (c *call) object() (*body, error) {
	text, err := c.readBody()
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		text = []byte("{}")
	}
	return c.parseBody(text)
}

// once makes a POST happen once. The key stands for a body at a path; encode makes the answer from the result.
func (c *call) once(path, key string, text []byte, status int, encode func(result any) ([]byte, error)) *tracker.Once {
	if key == "" {
		return nil
	}
	sum := sha256.New()
	sum.Write([]byte(path + "\n"))
	sum.Write(text)
	return &tracker.Once{Token: c.who.TokenID, Key: key, Body: [32]byte(sum.Sum(nil)),
		Encode: func(result any) (int, []byte, error) {
			answer, err := encode(result)
			return status, appendMeta(answer, c.warnings.list), err
		}}
}

// replayed gives the first answer again, if err says that there is one.
func (c *call) replayed(err error) (bool, error) {
	var first *tracker.Replayed
	if !errors.As(err, &first) {
		return false, err
	}
	c.w.Header().Set("Idempotent-Replayed", "true")
	return true, c.reply(first.Status, first.Body)
}

// people finds out how people are called, each once.
type people struct {
	*API
	c     *call
	known map[int64]string
}

func (a *API) people(c *call) *people {
	return &people{API: a, c: c, known: map[int64]string{c.who.UserID: c.who.UserName}}
}

// name is "" for nobody, and for somebody who was removed.
func (p *people) name(id int64) (string, error) {
	name, ok := p.known[id]
	if ok || id == 0 {
		return name, nil
	}
	u, err := p.Accounts.UserByID(p.c.Context(), id)
	if err != nil && !errors.Is(err, account.ErrNotFound) {
		return "", err
	}
	p.known[id] = u.Name
	return u.Name, nil
}

// base is scheme and host under which the server is reached.
func (a *API) base(r *http.Request) string {
	switch {
	case a.PublicURL != "":
		return a.PublicURL
	case a.Proxies.Secure(r):
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// appendNullable appends a text; "" is null.
func appendNullable(b []byte, key, text string) []byte {
	if text == "" {
		return appendNull(b, key)
	}
	return appendText(b, key, text)
}

func appendNumber[N int | int64](b []byte, key string, n *N) []byte {
	if n == nil {
		return appendNull(b, key)
	}
	return appendInt(b, key, int64(*n))
}

// appendTime appends a time in UTC.
func appendTime(b []byte, key string, t *time.Time) []byte {
	if t == nil {
		return appendNull(b, key)
	}
	return appendStamp(append(b, key...), t.Unix())
}

// appendMillis appends a time in UTC with its milliseconds, "YYYY-MM-DD HH:MM:SS.mmm".
func appendMillis(b []byte, key string, t time.Time) []byte {
	b = appendStamp(append(b, key...), t.Unix())
	ms := t.Nanosecond() / 1_000_000
	b = append(b[:len(b)-1], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	return append(b, '"')
}

func appendMultiOr(b []byte, key string, m *tracker.Multi) []byte {
	if m == nil {
		return appendNull(b, key)
	}
	return appendMulti(append(b, key...), *m)
}

func appendFloat(b []byte, key string, x float64) []byte {
	return strconv.AppendFloat(append(b, key...), x, 'f', -1, 64)
}
