package apiv2_test

import (
	"testing"
	"time"

	"stint/internal/db/dbtest"
)

// TestAwkwardDays stores sessions that begin at wall times which happen twice or never (readings, "Ambiguous and missing
// wall times").
func TestAwkwardDays(t *testing.T) {
	s := serve(t, dbtest.Open(t, dbtest.SQLite(t)), newClock())
	s.clock.Store(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	for _, c := range []struct {
		zone, date, clock        string
		local, offset, startsUTC string
	}{
		{"Europe/Rome", "2026-10-25", "02:30", "2026-10-25 02:30:00", "+02:00", "2026-10-25 00:30:00"},
		{"Europe/Rome", "2026-03-29", "02:30", "2026-03-29 03:30:00", "+02:00", "2026-03-29 01:30:00"},
		{"America/New_York", "2026-11-01", "01:30", "2026-11-01 01:30:00", "-04:00", "2026-11-01 05:30:00"},
		{"America/New_York", "2026-03-08", "02:30", "2026-03-08 03:30:00", "-04:00", "2026-03-08 07:30:00"},
		{"America/Santiago", "2026-09-06", "00:00", "2026-09-06 01:00:00", "-03:00", "2026-09-06 04:00:00"},
		{"Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-05 01:45:00", "+11:00", "2026-04-04 14:45:00"},
		{"Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-04 02:45:00", "+11:00", "2026-10-03 15:45:00"},
		{"Pacific/Apia", "2011-12-30", "12:00", "2011-12-31 12:00:00", "+14:00", "2011-12-30 22:00:00"},
		{"Asia/Kathmandu", "2026-06-01", "10:00", "2026-06-01 10:00:00", "+05:45", "2026-06-01 04:15:00"},
	} {
		t.Run(c.zone+" "+c.date, func(t *testing.T) {
			s.token = s.person(c.zone+" "+c.date[:7], c.zone)
			day, err := time.Parse(time.DateOnly, c.date)
			if err != nil {
				t.Fatal(err)
			}
			r := s.post(manual(c.date, c.clock, day.AddDate(0, 0, 3).Format(time.DateOnly), "12:00")).must(201)
			s.get("?id="+r.id()).want("data.start", `"`+c.local+`"`, "data.timezonestart", `"`+c.offset+`"`, "data.start_utc", `"`+c.startsUTC+`"`)
		})
	}
}

// One hour is measured on instants: at the end of summer time two wall clocks an hour apart are two hours.
func TestOneHourIsSixtyMinutes(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.clock.Store(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
		// 01:30 +01:00 to 03:15 +02:00 is 45 minutes.
		s.post(manual("2026-03-29", "01:30", "2026-03-29", "03:15")).refused(400, "validation", "enddate")
		s.post(manual("2026-03-29", "01:30", "2026-03-29", "03:30")).must(201)
		// 02:45 +02:00 to 03:15 +01:00 is 90 minutes.
		s.post(manual("2026-10-25", "02:45", "2026-10-25", "03:15")).must(201)
		s.get("?id=2").want("data.timezonestart", `"+02:00"`, "data.timezoneend", `"+01:00"`)
	})
}

// A later change of zone never rewrites what is stored; the filter reads days in the new zone.
func TestChangeOfZone(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(manual("2026-01-15", "02:00", "2026-01-17", "10:00")).must(201)
		s.post(`{"type":"live","startdate":"2026-02-01","scheduledend":"2026-07-01"}`).must(201)
		before := raw(t, s.get("").text, "data")
		if err := s.accounts.SetZone(t.Context(), "Ann", "America/New_York"); err != nil {
			t.Fatal(err)
		}
		if after := raw(t, s.get("").text, "data"); after != before {
			t.Errorf("rewritten from %s to %s", before, after)
		}
		s.get("?from=2026-01-14&to=2026-01-14").want("data.total", "1", "data.items.0.id", "1")
		s.get("?from=2026-01-15&to=2026-01-15").want("data.total", "0")
		s.patch("2", `{"endNow":true}`).must(200).want("data.session.end", `"2026-02-05 07:00:00"`,
			"data.session.timezonestart", `"+01:00"`, "data.session.timezoneend", `"-05:00"`, "data.session.scheduledend", `"2026-07-01 00:00:00"`)
	})
}
