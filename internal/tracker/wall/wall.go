// Package wall turns local wall times into instants and back, for people's zones (readings, Times).
//
// A wall time that happens twice is its first occurrence; one that never happens is read with the offset before
// the gap (RFC 5545, 3.3.5). time.Date promises neither.
package wall

import (
	"errors"
	"fmt"
	"time"
)

const (
	hour = 3600
	day  = 24 * hour
	// around is how far from UTC-read-as-local the instant of a wall time can lie, with a margin: no zone was ever
	// further than 16 hours from UTC.
	around = 26 * hour
)

// Moment is an instant in Unix seconds with the offset from UTC, in seconds, that was in force there.
type Moment struct {
	Unix   int64
	Offset int
}

// At is the instant unix in the zone.
func At(unix int64, zone *time.Location) Moment {
	return Moment{Unix: unix, Offset: offset(unix, zone)}
}

// Local is the wall time, in a nameless zone with the moment's offset.
func (m Moment) Local() time.Time {
	return time.Unix(m.Unix, 0).In(time.FixedZone("", m.Offset))
}

// UTC is the instant.
func (m Moment) UTC() time.Time { return time.Unix(m.Unix, 0).UTC() }

// Zone is the offset as "+01:00"; seconds follow where an old local mean time has them ("+00:49:56").
func (m Moment) Zone() string {
	sign, o := '+', m.Offset
	if o < 0 {
		sign, o = '-', -o
	}
	s := fmt.Sprintf("%c%02d:%02d", sign, o/hour, o/60%60)
	if o%60 != 0 {
		s += fmt.Sprintf(":%02d", o%60)
	}
	return s
}

// Date is a day of the calendar, counted from 1970-01-01.
type Date int64

// Clock is a time of day in seconds after 00:00.
type Clock int64

// ParseDate reads YYYY-MM-DD, years 0001 to 9999, and refuses days that the calendar does not have.
func ParseDate(s string) (Date, error) {
	var f [8]int
	if len(s) != 10 || s[4] != '-' || s[7] != '-' || !digits(f[:], s[:4]+s[5:7]+s[8:]) {
		return 0, errors.New("a date is written YYYY-MM-DD")
	}
	y, m, d := f[0]*1000+f[1]*100+f[2]*10+f[3], f[4]*10+f[5], f[6]*10+f[7]
	t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if y < 1 || t.Month() != time.Month(m) || t.Day() != d {
		return 0, fmt.Errorf("the calendar has no day %s", s)
	}
	return Date(t.Unix() / day), nil
}

// ParseClock reads HH:MM from 00:00 to 23:59.
func ParseClock(s string) (Clock, error) {
	var f [4]int
	if len(s) != 5 || s[2] != ':' || !digits(f[:], s[:2]+s[3:]) {
		return 0, errors.New("a time is written HH:MM")
	}
	h, m := f[0]*10+f[1], f[2]*10+f[3]
	if h > 23 || m > 59 {
		return 0, errors.New("a time lies between 00:00 and 23:59")
	}
	return Clock(h*hour + m*60), nil
}

func digits(into []int, s string) bool {
	for i := range into {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
		into[i] = int(s[i] - '0')
	}
	return true
}

// String is the date as YYYY-MM-DD.
func (d Date) String() string { return time.Unix(int64(d)*day, 0).UTC().Format(time.DateOnly) }

// DayOf is the local date of an instant.
func DayOf(unix int64, zone *time.Location) Date {
	return Date(floorDiv(unix+int64(offset(unix, zone)), day))
}

// Resolve is the moment of a wall time in a zone.
func Resolve(d Date, c Clock, zone *time.Location) Moment {
	return At(instant(int64(d)*day+int64(c), zone), zone)
}

// Start is the first instant of a local day. Where midnight does not exist it is the end of the gap; of a day that
// does not exist at all it is the start of the next.
func Start(d Date, zone *time.Location) int64 { return instant(int64(d)*day, zone) }

// NextMidnight is the first local midnight after an instant: the start of the next day there is.
func NextMidnight(unix int64, zone *time.Location) int64 {
	for d := DayOf(unix, zone) + 1; ; d++ {
		if at := Start(d, zone); at > unix {
			return at
		}
	}
}

// instant resolves a wall time given as the Unix seconds it would have in UTC.
func instant(local int64, zone *time.Location) int64 {
	before := offset(local-around, zone)
	if before == offset(local+around, zone) {
		return local - int64(before)
	}
	for at := local - around; at < local+around; at += hour {
		after := offset(at+hour, zone)
		if after == before {
			continue
		}
		change := transition(at, at+hour, zone)
		if u := local - int64(before); u < change || local-int64(after) < change {
			return u
		}
		before = after
	}
	return local - int64(before)
}

// transition is the first instant after low with the offset of high.
func transition(low, high int64, zone *time.Location) int64 {
	want := offset(high, zone)
	for high-low > 1 {
		if mid := low + (high-low)/2; offset(mid, zone) == want {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

func offset(unix int64, zone *time.Location) int {
	_, o := time.Unix(unix, 0).In(zone).Zone()
	return o
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
