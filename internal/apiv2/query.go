package apiv2

import (
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"stint/internal/tracker"
)

// query is a request's parameters. Each may be given once.
type query url.Values

func (c *call) readQuery() error {
	if c.URL.RawQuery == "" {
		return nil
	}
	values, err := url.ParseQuery(c.URL.RawQuery)
	if err != nil {
		return invalid("", "The query string is malformed.")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if n := len(values[name]); n > 1 {
			return invalid(short(name), "the parameter is given %d times; once is allowed", n)
		}
	}
	c.query = query(values)
	return nil
}

// onlyParams warns of parameters that mean nothing here.
func (c *call) onlyParams(known ...string) error {
	for _, name := range slices.Sorted(maps.Keys(c.query)) {
		if !slices.Contains(known, name) {
			c.warnings.add(name, "this parameter is not known", "it is ignored")
		}
	}
	return c.warnings.strictly()
}

func (q query) get(name string) string {
	if values := q[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// flag reads 0 or 1; nil if the parameter is absent or empty.
func (q query) flag(name string) (*bool, error) {
	switch q.get(name) {
	case "":
		return nil, nil
	case "0", "false":
		return new(bool), nil
	case "1", "true":
		yes := true
		return &yes, nil
	}
	return nil, invalid(name, "0 or 1 is allowed")
}

// number reads a whole number. One too large for int64 is the largest.
func (q query) number(name string, absent int64) (int64, error) {
	if q[name] == nil {
		return absent, nil
	}
	text := q.get(name)
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, invalid(name, "a whole number is expected")
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil && digits != text {
		return math.MinInt64, nil
	}
	if err != nil {
		return math.MaxInt64, nil
	}
	return n, nil
}

// id reads the id of a session, which must be given.
func (q query) id() (int64, error) {
	if q["id"] == nil {
		return 0, invalid("id", "the id of a session is missing; it stands in the query: ?id=123")
	}
	n, err := q.number("id", 0)
	if err != nil || n < 1 {
		return 0, invalid("id", "the id of a session is expected, a whole number from 1")
	}
	return n, nil
}

// filter reads the parameters of the list (document, "Query Parameters").
func (q query) filter() (f tracker.Filter, err error) {
	f.From, f.To = q.get("from"), q.get("to")
	if f.Active, err = q.flag("active"); err != nil {
		return f, err
	}
	if f.Public, err = q.flag("public"); err != nil {
		return f, err
	}
	limit, err := q.number("limit", tracker.DefaultLimit)
	if err != nil {
		return f, err
	}
	offset, err := q.number("offset", 0)
	if err != nil {
		return f, err
	}
	if offset > math.MaxInt32 {
		return f, invalid("offset", "at most %d is allowed", math.MaxInt32)
	}
	// What is too small is the domain's to refuse.
	f.Limit = int(max(-1, min(limit, tracker.MaxLimit)))
	f.Offset = int(max(-1, offset))
	return f, nil
}
