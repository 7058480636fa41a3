package club

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of the document, "Action types", and the readings, "Actions".
const (
	maxUser = 15  // bytes
	maxNote = 80  // bytes
	maxURL  = 500 // bytes

	maxTime = 253402300799 // 9999-12-31 23:59:59 UTC
)

// CheckUser returns a user's name without the white space around it. It must
// then be 1 to 15 bytes of UTF-8 without control characters.
func CheckUser(name string) (string, error) {
	name = strings.TrimFunc(name, unicode.IsSpace)
	switch {
	case name == "":
		return "", invalid("user", "user must not be empty; 1 to %d bytes are allowed.", maxUser)
	case len(name) > maxUser:
		return "", invalid("user", "user is %d bytes long; 1 to %d bytes of UTF-8 are allowed.", len(name), maxUser)
	case !utf8.ValidString(name):
		return "", invalid("user", "user must be UTF-8.")
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", invalid("user", "user must not contain control characters.")
	}
	return name, nil
}

// CheckNote refuses a note of more than 80 bytes, and NUL, which PostgreSQL
// can't store. A note is kept as it was sent.
func CheckNote(note string) error {
	switch {
	case len(note) > maxNote:
		return invalid("note", "note is %d bytes long; at most %d bytes of UTF-8 are allowed.", len(note), maxNote)
	case !utf8.ValidString(note):
		return invalid("note", "note must be UTF-8.")
	case strings.ContainsRune(note, 0):
		return invalid("note", "note must not contain the character U+0000.")
	}
	return nil
}

// CheckURL allows an empty text and http and https links of at most 500 bytes.
func CheckURL(link string) error {
	if link == "" {
		return nil
	}
	u, err := url.Parse(link)
	switch {
	case len(link) > maxURL:
		return invalid("url", "url is %d bytes long; at most %d bytes are allowed.", len(link), maxURL)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.ContainsFunc(link, unicode.IsControl) || !utf8.ValidString(link):
		return invalid("url", "url must be an http or https link.")
	}
	return nil
}

// CheckStatus allows the three values of a status.
func CheckStatus(s string) (Status, error) {
	switch status := Status(s); status {
	case Public, Private, Closed:
		return status, nil
	}
	return "", invalid("status", `status must be "public", "private" or "closed".`)
}

// Point is a place on a line of seconds or ids: a number, or a distance from
// the line's own mark (the present, or the last id).
type Point struct {
	Relative bool
	N        int64
}

// At returns the number that the point means when the mark is at mark.
func (p Point) At(mark int64) int64 {
	if p.Relative {
		return mark + p.N
	}
	return p.N
}

// resolve returns the second that a point in time means. Only the years 1970
// to 9999 are allowed.
func (p Point) resolve(member string, now int64) (int64, error) {
	t := p.At(now)
	if t < 0 || t > maxTime {
		return 0, invalid(member, "%s lies outside the years 1970 to 9999, in Unix seconds 0 to %d.", member, int64(maxTime))
	}
	return t, nil
}
