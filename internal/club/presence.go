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
	var pieces []string
	list := func(title string, names ...string) {
		for i, name := range names {
			switch {
			case i > 0:
				name = ", " + name
			case len(pieces) > 0:
				name = "; " + title + name
			default:
				name = title + name
			}
			pieces = append(pieces, name)
		}
	}
	list("joined: ", missing(after.Users, before.Users)...)
	list("left: ", missing(before.Users, after.Users)...)
	if before.Anonymous != after.Anonymous {
		list("anonymous: ", strconv.FormatInt(after.Anonymous, 10))
	}
	note := strings.Join(pieces, "")
	if len(note) <= maxNote {
		return note
	}
	return cut(note, pieces)
}

// cut shortens a note after the last of its pieces that leaves room for "…".
func cut(note string, pieces []string) string {
	const ellipsis, separator = "…", len(", ")
	length := 0
	for _, piece := range pieces {
		if length+len(piece)+separator+len(ellipsis) > maxNote {
			break
		}
		length += len(piece)
	}
	return note[:length+separator] + ellipsis
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
