package club

import (
	"slices"
	"strconv"
	"strings"
)

// presenceNote is the sentence that a presence action carries: who came and
// went, and the new count of anonymous people if that changed. It has at most 80
// bytes; names that don't fit are cut at a border between two and replaced by "…".
func presenceNote(before, after Action) string {
	var parts []string
	if joined := missing(after.Users, before.Users); len(joined) > 0 {
		parts = append(parts, "joined: "+strings.Join(joined, ", "))
	}
	if left := missing(before.Users, after.Users); len(left) > 0 {
		parts = append(parts, "left: "+strings.Join(left, ", "))
	}
	if before.Anonymous != after.Anonymous {
		parts = append(parts, "anonymous: "+strconv.FormatInt(after.Anonymous, 10))
	}
	note := strings.Join(parts, "; ")
	if len(note) <= maxNote {
		return note
	}
	return cut(note)
}

// cut shortens a note at a border between two names.
func cut(note string) string {
	const ellipsis = "…"
	short := note[:maxNote-len(", "+ellipsis)+1]
	border := max(strings.LastIndex(short, ", "), strings.LastIndex(short, "; "))
	return note[:border+2] + ellipsis
}

// missing returns the names of a that are not in b.
func missing(a, b []Present) (names []string) {
	for _, p := range a {
		if !slices.ContainsFunc(b, func(q Present) bool { return q.Name == p.Name }) {
			names = append(names, p.Name)
		}
	}
	return names
}

// samePeople says whether the names and the count of anonymous people are the
// same, which makes a new presence action superfluous (document, "Presence
// actions").
func samePeople(a, b Action) bool {
	return a.Anonymous == b.Anonymous && slices.EqualFunc(a.Users, b.Users, func(p, q Present) bool { return p.Name == q.Name })
}
