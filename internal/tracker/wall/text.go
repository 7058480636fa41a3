package wall

import (
	"fmt"
	"strings"
	"time"
)

const textLayout = "2006-01-02T15:04:05"

// MarshalText is the wall time with its offset, as RFC 3339 has it ("2026-02-02T12:00:00+01:00"); an old local mean
// time's offset has seconds ("+00:49:56").
func (m Moment) MarshalText() ([]byte, error) {
	return []byte(m.Local().Format(textLayout) + m.Zone()), nil
}

// UnmarshalText reads what MarshalText writes. "Z" is read as an offset of zero.
func (m *Moment) UnmarshalText(text []byte) error {
	s := string(text)
	if len(s) < len(textLayout) {
		return fmt.Errorf("%q is no time such as 2026-02-02T12:00:00+01:00", s)
	}
	local, err := time.Parse(textLayout, s[:len(textLayout)])
	if err != nil {
		return fmt.Errorf("%q is no time such as 2026-02-02T12:00:00+01:00", s)
	}
	offset, ok := parseOffset(s[len(textLayout):])
	if !ok {
		return fmt.Errorf("%q has no offset such as +01:00", s)
	}
	*m = Moment{Unix: local.Unix() - int64(offset), Offset: offset}
	return nil
}

func parseOffset(s string) (int, bool) {
	if s == "Z" {
		return 0, true
	}
	sign := 1
	switch {
	case strings.HasPrefix(s, "-"):
		sign = -1
	case !strings.HasPrefix(s, "+"):
		return 0, false
	}
	var f [6]int
	parts := strings.Split(s[1:], ":")
	if len(parts) < 2 || len(parts) > 3 {
		return 0, false
	}
	for i, part := range parts {
		if len(part) != 2 || !digits(f[2*i:2*i+2], part) {
			return 0, false
		}
	}
	h, m, sec := f[0]*10+f[1], f[2]*10+f[3], f[4]*10+f[5]
	if h > 26 || m > 59 || sec > 59 {
		return 0, false
	}
	return sign * (h*hour + m*60 + sec), true
}
