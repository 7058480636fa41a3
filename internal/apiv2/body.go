package apiv2

import (
	"maps"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"stint/internal/tracker"
	"stint/internal/web"
)

const maxBody = 64 << 10 // bytes

// readBody reads a body of JSON. A missing Content-Type is tolerated, another one is 415, more than 64 KiB is 413.
func (c *call) readBody() ([]byte, error) {
	if kinds := c.Header["Content-Type"]; len(kinds) > 0 && kinds[0] != "" {
		kind, params, err := mime.ParseMediaType(kinds[0])
		charset, given := params["charset"]
		if err != nil || len(kinds) > 1 || kind != "application/json" || given && !strings.EqualFold(charset, "utf-8") {
			return nil, &web.Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
				Detail: "The body must be JSON in UTF-8, with the Content-Type application/json."}
		}
	}
	return web.ReadBody(c.w, c.Request, maxBody)
}

// body reads the members of a request's object. The first thing that is wrong stays in err; what is read after it does
// not matter.
type body struct {
	members  web.Object
	read     map[string]bool
	warnings *warnings
	err      error
}

func (c *call) parseBody(text []byte) (*body, error) {
	members, err := web.ParseObject(text)
	return &body{members: members, read: map[string]bool{}, warnings: &c.warnings}, err
}

// end is called when everything that matters was read. It warns of the rest, and returns what is wrong.
func (b *body) end() error {
	for _, name := range slices.Sorted(maps.Keys(b.members)) {
		switch {
		case b.read[name]:
		case !documented[name]:
			b.warnings.add(name, "this member is not known", "it is ignored")
		case !empty(b.members[name]):
			b.warnings.add(name, "this member has no effect here", "it is ignored")
		}
	}
	if b.err != nil {
		return b.err
	}
	return b.warnings.strictly()
}

func (b *body) fail(name, format string, args ...any) {
	if b.err == nil {
		b.err = invalid(name, format, args...)
	}
}

// take returns a member under its wire name. Null is absent.
func (b *body) take(name string) (v jsontext.Value, given bool) {
	b.read[name] = true
	return b.members[name], b.members.Has(name)
}

// text reads a string; "" if it is absent.
func (b *body) text(f tracker.Field) string {
	name := wireName(f)
	if _, given := b.take(name); !given {
		return ""
	}
	text, ok := b.members.Text(name)
	if !ok {
		b.fail(name, "a string is expected")
	}
	return text
}

// nullable reads a string or null.
func (b *body) nullable(f tracker.Field) tracker.Text {
	name := wireName(f)
	_, given := b.take(name)
	if !given {
		_, null := b.members[name]
		return tracker.Text{Set: null}
	}
	text, ok := b.members.Text(name)
	if !ok {
		b.fail(name, "a string or null is expected")
	}
	return tracker.Text{Set: true, To: &text}
}

// flag reads 0 or 1; false if it is absent.
func (b *body) flag(f tracker.Field) bool {
	p := b.optionalFlag(f)
	return p != nil && *p
}

// optionalFlag reads 0 or 1; nil if it is absent.
func (b *body) optionalFlag(f tracker.Field) *bool {
	name := wireName(f)
	v, given := b.take(name)
	if !given {
		return nil
	}
	on, ok := truth(v)
	if !ok {
		b.fail(name, "0 or 1 is expected")
	}
	return &on
}

// number reads a whole number, also in a string.
func (b *body) number(f tracker.Field, absent int) int {
	name := wireName(f)
	v, given := b.take(name)
	if !given {
		return absent
	}
	if text, isNumber := scalar(v); isNumber {
		x, err := strconv.ParseFloat(text, 64)
		if err == nil && x == math.Trunc(x) && math.Abs(x) <= math.MaxInt32 {
			return int(x)
		}
	}
	b.fail(name, "a whole number is expected")
	return 0
}

// multi reads a multiplier, also in a string; 1.00 if it is absent.
func (b *body) multi(f tracker.Field) tracker.Multi {
	name := wireName(f)
	v, given := b.take(name)
	if !given {
		return tracker.One
	}
	if text, isNumber := scalar(v); isNumber {
		if m, ok := tracker.ParseMulti(text); ok {
			return m
		}
	}
	b.fail(name, "a number from 0.01 to 100.00 with at most two decimals is expected")
	return tracker.One
}

// unit reads a unit under its wire name. An invalid one is the fallback, with a warning; waits are not counted in
// months (document, "Games Payload Fields").
func (b *body) unit(name string, fallback tracker.Unit) tracker.Unit {
	v, given := b.take(name)
	if !given {
		return fallback
	}
	allowed := "MINUTE, HOUR, DAY or MONTH"
	wait := fallback == tracker.Hour
	if wait {
		allowed = "MINUTE, HOUR or DAY"
	}
	if text, isNumber := scalar(v); !isNumber {
		if u, ok := tracker.ParseUnit(text); ok && !(wait && u == tracker.Month) {
			return u
		}
	}
	b.warnings.add(name, "the unit is not "+allowed, fallback.String()+" is used")
	return fallback
}

// scalar returns the text of a string, number, true or false, and whether it is written as a JSON number.
func scalar(v jsontext.Value) (text string, isNumber bool) {
	switch v.Kind() {
	case '"':
		b, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return "", false
		}
		n := jsontext.Value(b)
		return string(b), n.Kind() == '0' && n.IsValid()
	case '0':
		return string(v), true
	case 't', 'f':
		return string(v), false
	}
	return "", false
}

// truth reads 0, 1, "0", "1", true and false (readings, "Booleans").
func truth(v jsontext.Value) (on, ok bool) {
	switch v.Kind() {
	case 't', 'f':
		return v.Kind() == 't', true
	}
	if text, isNumber := scalar(v); isNumber {
		x, err := strconv.ParseFloat(text, 64)
		return x == 1, err == nil && (x == 0 || x == 1)
	}
	return false, false
}

// empty says whether a member says nothing: null, "", 0, "0" and false.
func empty(v jsontext.Value) bool {
	on, ok := truth(v)
	return ok && !on || v.Kind() == 'n' || string(v) == `""`
}
