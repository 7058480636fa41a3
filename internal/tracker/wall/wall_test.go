package wall

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

func load(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestResolve(t *testing.T) {
	for _, tc := range []struct {
		name, zone, date, clock, utc, offset string
	}{
		{"plain winter", "Europe/Rome", "2026-02-02", "09:00", "2026-02-02T08:00:00Z", "+01:00"},
		{"plain summer", "Europe/Rome", "2026-07-02", "09:00", "2026-07-02T07:00:00Z", "+02:00"},
		{"Rome twice", "Europe/Rome", "2026-10-25", "02:30", "2026-10-25T00:30:00Z", "+02:00"},
		{"Rome twice, start", "Europe/Rome", "2026-10-25", "02:00", "2026-10-25T00:00:00Z", "+02:00"},
		{"Rome after twice", "Europe/Rome", "2026-10-25", "03:00", "2026-10-25T02:00:00Z", "+01:00"},
		{"Rome missing", "Europe/Rome", "2026-03-29", "02:30", "2026-03-29T01:30:00Z", "+02:00"},
		{"Rome missing, start", "Europe/Rome", "2026-03-29", "02:00", "2026-03-29T01:00:00Z", "+02:00"},
		{"Rome before missing", "Europe/Rome", "2026-03-29", "01:59", "2026-03-29T00:59:00Z", "+01:00"},
		{"New York twice", "America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30:00Z", "-04:00"},
		{"New York missing", "America/New_York", "2026-03-08", "02:30", "2026-03-08T07:30:00Z", "-04:00"},
		{"Santiago missing midnight", "America/Santiago", "2026-09-06", "00:00", "2026-09-06T04:00:00Z", "-03:00"},
		{"Santiago missing", "America/Santiago", "2026-09-06", "00:30", "2026-09-06T04:30:00Z", "-03:00"},
		{"Lord Howe twice", "Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45:00Z", "+11:00"},
		{"Lord Howe missing", "Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:45:00Z", "+11:00"},
		{"Apia skipped day", "Pacific/Apia", "2011-12-30", "10:00", "2011-12-30T20:00:00Z", "+14:00"},
		{"Apia skipped midnight", "Pacific/Apia", "2011-12-30", "00:00", "2011-12-30T10:00:00Z", "+14:00"},
		{"Apia day after", "Pacific/Apia", "2011-12-31", "00:00", "2011-12-30T10:00:00Z", "+14:00"},
		{"Apia day before", "Pacific/Apia", "2011-12-29", "23:59", "2011-12-30T09:59:00Z", "-10:00"},
		{"Manila local mean time", "Asia/Manila", "1840-01-01", "00:00", "1840-01-01T15:56:08Z", "-15:56:08"},
		{"Rome local mean time", "Europe/Rome", "1860-01-01", "00:00", "1859-12-31T23:10:04Z", "+00:49:56"},
		{"first year", "Europe/Rome", "0001-01-01", "00:00", "0000-12-31T23:10:04Z", "+00:49:56"},
		{"last year", "Europe/Rome", "9999-12-31", "23:59", "9999-12-31T22:59:00Z", "+01:00"},
		{"far summer", "Europe/Rome", "2400-07-01", "12:00", "2400-07-01T10:00:00Z", "+02:00"},
		{"last day of a leap year", "Europe/Rome", "2096-12-31", "12:00", "2096-12-31T11:00:00Z", "+01:00"},
		{"UTC", "UTC", "2026-01-01", "00:00", "2026-01-01T00:00:00Z", "+00:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d, err := ParseDate(tc.date)
			if err != nil {
				t.Fatal(err)
			}
			c, err := ParseClock(tc.clock)
			if err != nil {
				t.Fatal(err)
			}
			m := Resolve(d, c, load(t, tc.zone))
			if got := m.UTC().Format(time.RFC3339); got != tc.utc {
				t.Errorf("%s, want %s", got, tc.utc)
			}
			if got := m.Zone(); got != tc.offset {
				t.Errorf("offset %s, want %s", got, tc.offset)
			}
			if !m.Local().Equal(m.UTC()) {
				t.Error("Local is another instant")
			}
		})
	}
}

func TestNextMidnight(t *testing.T) {
	for _, tc := range []struct{ name, zone, from, want string }{
		{"plain", "Europe/Rome", "2026-02-02T08:00:00Z", "2026-02-02T23:00:00Z"},
		{"at midnight itself", "Europe/Rome", "2026-02-02T23:00:00Z", "2026-02-03T23:00:00Z"},
		{"a second before", "Europe/Rome", "2026-02-02T22:59:59Z", "2026-02-02T23:00:00Z"},
		{"short day", "Europe/Rome", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},
		{"long day", "Europe/Rome", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		{"Santiago, midnight missing", "America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"},
		{"Santiago, after the gap", "America/Santiago", "2026-09-06T04:00:00Z", "2026-09-07T03:00:00Z"},
		{"Havana, midnight twice", "America/Havana", "2026-10-31T12:00:00Z", "2026-11-01T04:00:00Z"},
		{"Havana, between the two", "America/Havana", "2026-11-01T04:30:00Z", "2026-11-02T05:00:00Z"},
		{"São Paulo, 23:30 for the second time", "America/Sao_Paulo", "2018-02-18T02:30:00Z", "2018-02-18T03:00:00Z"},
		{"Apia, the day before the skipped one", "Pacific/Apia", "2011-12-30T05:00:00Z", "2011-12-30T10:00:00Z"},
		{"Apia, the day after", "Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			from, err := time.Parse(time.RFC3339, tc.from)
			if err != nil {
				t.Fatal(err)
			}
			if got := time.Unix(NextMidnight(from.Unix(), load(t, tc.zone)), 0).UTC().Format(time.RFC3339); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for s, ok := range map[string]bool{
		"2026-02-28": true, "2024-02-29": true, "0001-01-01": true, "9999-12-31": true,
		"2026-02-30": false, "2026-02-29": false, "0000-01-01": false, "10000-01-01": false, "2026-13-01": false,
		"2026-00-10": false, "2026-01-00": false, "2026-1-1": false, "26-01-01": false, "": false, "2026/01/01": false,
		" 2026-01-01": false, "2026-01-01 ": false, "+026-01-01": false, "2026-01-0１": false, "2026-01-01T00:00": false,
	} {
		d, err := ParseDate(s)
		if (err == nil) != ok {
			t.Errorf("ParseDate(%q): %v", s, err)
		}
		if ok && d.String() != s {
			t.Errorf("ParseDate(%q) = %s", s, d)
		}
	}
	for s, ok := range map[string]bool{
		"00:00": true, "23:59": true, "07:05": true,
		"24:00": false, "7:5": false, "07:5": false, "7:05": false, "12:60": false, "": false, "12:00:00": false,
		"12-00": false, "-1:00": false, " 7:00": false, "1２:0": false,
	} {
		if _, err := ParseClock(s); (err == nil) != ok {
			t.Errorf("ParseClock(%q): %v", s, err)
		}
	}
}

func zoneNames(t testing.TB) []string {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("no list of zones: ", err)
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip("no list of zones: ", err)
	}
	defer z.Close()
	var names []string
	seen := map[uint32]bool{} // the same zone under several names
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, "/") && !seen[f.CRC32] {
			seen[f.CRC32] = true
			names = append(names, f.Name)
		}
	}
	return names
}

// bruteForce looks at every instant near local: the first that reads as local, or, if there is none, the instant
// that has the offset in force before the gap.
func bruteForce(local int64, zone *time.Location) int64 {
	for u := local - around; u <= local+around; u++ {
		if u+int64(offset(u, zone)) == local {
			return u
		}
	}
	for u := local - around; ; u++ {
		if u+int64(offset(u, zone)) > local {
			return local - int64(offset(u-1, zone))
		}
	}
}

func TestResolveAgainstBruteForce(t *testing.T) {
	names := zoneNames(t)
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		seen := time.Unix(rapid.Int64Range(-3_000_000_000, 5_000_000_000).Draw(t, "near"), 0).In(zone)
		local := seen.Unix()
		if _, end := seen.ZoneBounds(); !end.IsZero() {
			local = end.Unix() + int64(offset(end.Unix()-1, zone))
		}
		local = floorDiv(local+rapid.Int64Range(-2*hour, 2*hour).Draw(t, "by"), 60) * 60
		if got, want := instant(local, zone), bruteForce(local, zone); got != want {
			t.Fatalf("%s in %s: %d, want %d", time.Unix(local, 0).UTC(), zone, got, want)
		}
	})
}

// TestNoZoneTurnsBackWithinTheWindow shows that equal offsets on both sides of a wall time mean there is no change
// between them, which Resolve relies on, for all zones from 1900 to 2040.
func TestNoZoneTurnsBackWithinTheWindow(t *testing.T) {
	for _, name := range zoneNames(t) {
		zone := load(t, name)
		last, lastChange := 0, int64(-1<<40)
		first := true
		for at := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Unix(); at < 2_208_988_800; at += day {
			o := offset(at, zone)
			if !first && o != last {
				if at-lastChange < 2*around {
					t.Errorf("%s changes twice around %s", name, time.Unix(at, 0).UTC())
				}
				lastChange = at
			}
			last, first = o, false
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"2026-02-30", "9999-12-31", "24:00", "7:5", "0000-00-00", "10000-01-01", "23:59"} {
		f.Add(s)
	}
	rome := load(f, "Europe/Rome")
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDate(s); err == nil {
			if d.String() != s {
				t.Errorf("%q reads as %s", s, d)
			}
			if m := Resolve(d, 0, rome); m.Unix < int64(d)*day-day || m.Unix > int64(d)*day+day {
				t.Errorf("%q is resolved to %s", s, m.UTC())
			}
		}
		if c, err := ParseClock(s); err == nil && time.Unix(int64(c), 0).UTC().Format("15:04") != s {
			t.Errorf("%q reads as %d", s, c)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	rome := load(b, "Europe/Rome")
	for name, date := range map[string]string{"plain": "2026-07-01", "change": "2026-10-25"} {
		d, _ := ParseDate(date)
		b.Run(name, func(b *testing.B) {
			for range b.N {
				Resolve(d, 9000, rome)
			}
		})
	}
}
