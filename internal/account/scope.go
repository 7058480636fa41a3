package account

import "strings"

// Scope is what a club password allows: a set of the constants below.
type Scope uint8

// The rights of a club password (readings, Authentication).
const (
	Read     Scope = 1 << iota // see everything
	Status                     // set the status
	Announce                   // make, change and delete announcements
	Presence                   // report who is there
	All      = Read | Status | Announce | Presence
)

var scopeNames = []struct {
	scope Scope
	name  string
}{{All, "all"}, {Read, "read"}, {Status, "status"}, {Announce, "announce"}, {Presence, "presence"}}

// Has says whether s contains all of want.
func (s Scope) Has(want Scope) bool { return s&want == want }

// String lists the rights by name, separated by commas; the full set is "all".
func (s Scope) String() string {
	var names []string
	for _, n := range scopeNames {
		if s.Has(n.scope) {
			names = append(names, n.name)
			s &^= n.scope
		}
	}
	return strings.Join(names, ",")
}

// ParseScope reads what String writes, in any order and with spaces around the
// names.
func ParseScope(text string) (Scope, error) {
	var s Scope
	for word := range strings.SplitSeq(text, ",") {
		one := scopeNamed(strings.TrimSpace(word))
		if one == 0 {
			return 0, refuse(ErrInvalid, "scope %q is unknown: read, status, announce, presence and all are allowed, several separated by commas", word)
		}
		s |= one
	}
	return s, nil
}

func scopeNamed(name string) Scope {
	for _, n := range scopeNames {
		if n.name == name {
			return n.scope
		}
	}
	return 0
}
