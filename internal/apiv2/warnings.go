package apiv2

import (
	"strconv"
	"strings"

	"stint/internal/web"
)

const (
	maxWarnings = 20
	maxName     = 64 // characters of a name that is repeated to the client
)

// warnings are what an answer says beside its data, in meta.warnings: what was ignored or replaced. With Prefer:
// handling=strict the first of them is a refusal instead.
type warnings struct {
	list   []string
	strict bool
	first  *web.Error
	more   int
}

// add warns of a problem with a member or parameter, and says what is done instead of refusing it.
func (w *warnings) add(name, problem, instead string) {
	name = short(name)
	if w.first == nil {
		w.first = web.BadRequest(name, "%s", problem)
	}
	if len(w.list) < maxWarnings {
		w.list = append(w.list, name+": "+problem+"; "+instead)
		return
	}
	if w.more++; w.more == 1 {
		w.list = append(w.list, "")
	}
	w.list[maxWarnings] = "and " + strconv.Itoa(w.more) + " more"
}

// strictly is the refusal of the first warning, if the client prefers that.
func (w *warnings) strictly() error {
	if !w.strict || w.first == nil {
		return nil
	}
	w.list = nil
	return w.first
}

// readPreference reads Prefer (RFC 7240), of which only handling=strict matters here.
func (c *call) readPreference() {
	for _, line := range c.Header["Prefer"] {
		for preference := range strings.SplitSeq(line, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			if strings.EqualFold(strings.TrimSpace(name), "handling") && strings.EqualFold(strings.Trim(value, " \t\""), "strict") {
				c.warnings.strict = true
				c.w.Header().Set("Preference-Applied", "handling=strict")
				return
			}
		}
	}
}

// short cuts a name that a client made up.
func short(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	n := 0
	for i := range name {
		if n++; n > maxName {
			return name[:i] + "…"
		}
	}
	return name
}
