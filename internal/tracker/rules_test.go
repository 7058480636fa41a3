package tracker

import (
	"errors"
	"strings"
	"testing"
	"time"

	"stint/internal/tracker/wall"
)

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// noon is Monday 2026-02-02, 12:00 in Rome.
var noon = time.Date(2026, 2, 2, 11, 0, 0, 0, time.UTC)

func romeRules(t testing.TB) rules {
	return rules{now: noon, zone: mustZone(t, "Europe/Rome"), past: 20}
}

// wantError checks a refusal by its code and field; an empty code asks for no error.
func wantError(t *testing.T, err error, code Code, field Field) {
	t.Helper()
	var e *Error
	switch {
	case code == "" && err != nil:
		t.Errorf("refused: %v", err)
	case code == "" && err == nil:
	case !errors.As(err, &e):
		t.Errorf("got %v, want %s %s", err, code, field)
	case e.Code != code || e.Field != field:
		t.Errorf("got %s %q (%s), want %s %q", e.Code, e.Field, e.Message, code, field)
	case e.Message == "":
		t.Error("the refusal says nothing")
	}
}

func ptr[T any](v T) *T { return &v }

func TestInsertRules(t *testing.T) {
	for _, tc := range []struct {
		name  string
		r     InsertRequest
		code  Code
		field Field
	}{
		{"two days", InsertRequest{StartDate: "2026-01-15", StartTime: "10:00", EndDate: "2026-01-17", EndTime: "10:00"}, "", ""},
		{"dates only", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-16"}, "", ""},
		{"one hour", InsertRequest{StartDate: "2026-01-15", StartTime: "10:00", EndDate: "2026-01-15", EndTime: "11:00"}, "", ""},
		{"59 minutes", InsertRequest{StartDate: "2026-01-15", StartTime: "10:00", EndDate: "2026-01-15", EndTime: "10:59"}, Validation, FieldEndDate},
		{"an hour on the clock, none in the gap", InsertRequest{StartDate: "2025-03-30", StartTime: "01:59", EndDate: "2025-03-30", EndTime: "03:00"}, Validation, FieldEndDate},
		{"first 02:00 to 03:00 lasts two hours", InsertRequest{StartDate: "2025-10-26", StartTime: "02:00", EndDate: "2025-10-26", EndTime: "03:00"}, "", ""},
		{"end before start", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-14"}, Validation, FieldEndDate},
		{"no start", InsertRequest{EndDate: "2026-01-14"}, Validation, FieldStartDate},
		{"no end", InsertRequest{StartDate: "2026-01-14"}, Validation, FieldEndDate},
		{"start time without date", InsertRequest{StartTime: "10:00", EndDate: "2026-01-14"}, Validation, FieldStartTime},
		{"end time without date", InsertRequest{StartDate: "2026-01-14", EndTime: "10:00"}, Validation, FieldEndTime},
		{"30 February", InsertRequest{StartDate: "2025-02-30", EndDate: "2026-01-14"}, Validation, FieldStartDate},
		{"24:00", InsertRequest{StartDate: "2026-01-14", StartTime: "24:00", EndDate: "2026-01-16"}, Validation, FieldStartTime},
		{"7:5", InsertRequest{StartDate: "2026-01-14", EndDate: "2026-01-16", EndTime: "7:5"}, Validation, FieldEndTime},
		{"year 0", InsertRequest{StartDate: "0000-01-01", EndDate: "2026-01-16"}, Validation, FieldStartDate},
		{"year 10000", InsertRequest{StartDate: "2026-01-14", EndDate: "10000-01-16"}, Validation, FieldEndDate},
		{"ends within the slack", InsertRequest{StartDate: "2026-02-02", StartTime: "10:00", EndDate: "2026-02-02", EndTime: "12:01"}, "", ""},
		{"ends in the future", InsertRequest{StartDate: "2026-02-02", StartTime: "10:00", EndDate: "2026-02-02", EndTime: "12:02"}, Validation, FieldEndDate},
		{"20 years ago", InsertRequest{StartDate: "2006-02-02", StartTime: "12:00", EndDate: "2026-01-16"}, "", ""},
		{"more than 20 years ago", InsertRequest{StartDate: "2006-02-02", StartTime: "11:59", EndDate: "2026-01-16"}, Validation, FieldStartDate},
		{"50 characters of name", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-16", LockedBy: ptr(strings.Repeat("é", 50))}, "", ""},
		{"51 characters of name", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-16", LockedBy: ptr(strings.Repeat("e", 51))}, Validation, FieldLockedBy},
		{"line break in the name", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-16", LockedBy: ptr("a\nb")}, Validation, FieldLockedBy},
		{"10,000 characters of notes", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-16", Notes: ptr(strings.Repeat("é\n", 5_000))}, "", ""},
		{"10,001 characters of notes", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-16", Notes: ptr(strings.Repeat("e", 10_001))}, Validation, FieldNotes},
		{"NUL in notes", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-16", Notes: ptr("\x00")}, Validation, FieldNotes},
		{"notes not UTF-8", InsertRequest{StartDate: "2026-01-15", EndDate: "2026-01-16", Notes: ptr("\xff")}, Validation, FieldNotes},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := romeRules(t).insert(tc.r)
			wantError(t, err, tc.code, tc.field)
		})
	}
}

func exampleDice() *Dice {
	return &Dice{Number: 2, Unit: Day, Wait: Span{6, Hour}, Multi: Multis{100, 200}}
}

func TestStartRules(t *testing.T) {
	games := Settings{Dice: exampleDice()}
	for _, tc := range []struct {
		name  string
		r     StartRequest
		code  Code
		field Field
	}{
		{"now", StartRequest{}, "", ""},
		{"date only", StartRequest{Date: "2026-02-01"}, "", ""},
		{"time only", StartRequest{Time: "11:30"}, "", ""},
		{"within the slack", StartRequest{Time: "12:01"}, "", ""},
		{"in the future", StartRequest{Time: "12:02"}, Validation, FieldStartDate},
		{"tomorrow", StartRequest{Date: "2026-02-03"}, Validation, FieldStartDate},
		{"too old", StartRequest{Date: "2006-02-01"}, Validation, FieldStartDate},
		{"bad time", StartRequest{Time: "1130"}, Validation, FieldStartTime},
		{"scheduled", StartRequest{ScheduledDate: "2026-02-10", ScheduledTime: "09:00"}, "", ""},
		{"scheduled time alone", StartRequest{ScheduledTime: "09:00"}, Validation, FieldScheduledTime},
		{"scheduled now", StartRequest{ScheduledDate: "2026-02-02", ScheduledTime: "12:00"}, Validation, FieldScheduledDate},
		{"scheduled in the past", StartRequest{Date: "2026-01-01", ScheduledDate: "2026-02-01"}, Validation, FieldScheduledDate},
		{"scheduled at a start within the slack", StartRequest{Time: "12:01", ScheduledDate: "2026-02-02", ScheduledTime: "12:01"}, Validation, FieldScheduledDate},
		{"scheduled far away", StartRequest{ScheduledDate: "9999-12-30", ScheduledTime: "01:00"}, "", ""},
		{"scheduled where another zone has the year 10000", StartRequest{ScheduledDate: "9999-12-30", ScheduledTime: "01:01"}, Validation, FieldScheduledDate},
		{"limit there", StartRequest{LimitDate: "9999-12-31"}, Validation, FieldLimitDate},
		{"bad scheduled date", StartRequest{ScheduledDate: "2026-2-10"}, Validation, FieldScheduledDate},
		{"drawn end", StartRequest{MaxEnd: true, ScheduledDate: "2026-02-10"}, "", ""},
		{"drawn end without an end", StartRequest{MaxEnd: true}, Validation, FieldScheduledDate},
		{"drawn end in exactly a minute", StartRequest{MaxEnd: true, ScheduledDate: "2026-02-02", ScheduledTime: "12:01"}, "", ""},
		{"drawn end after 200 years", StartRequest{MaxEnd: true, ScheduledDate: "2226-02-02"}, Validation, FieldScheduledDate},
		{"limit", StartRequest{ScheduledDate: "2026-02-10", LimitDate: "2026-02-11"}, "", ""},
		{"limit at the scheduled end", StartRequest{ScheduledDate: "2026-02-10", LimitDate: "2026-02-10"}, "", ""},
		{"limit before the scheduled end", StartRequest{ScheduledDate: "2026-02-10", LimitDate: "2026-02-09"}, Validation, FieldLimitDate},
		{"limit in the past", StartRequest{LimitDate: "2026-02-01"}, Validation, FieldLimitDate},
		{"games", StartRequest{ScheduledDate: "2026-02-10", Settings: games}, "", ""},
		{"games without a scheduled end", StartRequest{Settings: games}, Validation, FieldScheduledDate},
		{"bad game", StartRequest{ScheduledDate: "2026-02-10", Settings: Settings{Dice: &Dice{}}}, Validation, "dice.number"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := romeRules(t).start(tc.r)
			wantError(t, err, tc.code, tc.field)
		})
	}
}

func TestStartTimes(t *testing.T) {
	for _, tc := range []struct {
		name, now, date, clock, want string
	}{
		{"now", "2026-02-02T11:00:00.999Z", "", "", "2026-02-02T12:00:00+01:00"},
		{"date only", "2026-02-02T11:00:00Z", "2026-02-02", "", "2026-02-02T00:00:00+01:00"},
		{"time only", "2026-02-02T11:00:00Z", "", "07:05", "2026-02-02T07:05:00+01:00"},
		{"today is the local day", "2026-02-02T23:30:00Z", "", "00:10", "2026-02-03T00:10:00+01:00"},
		{"the first 02:30", "2026-10-25T05:00:00Z", "", "02:30", "2026-10-25T02:30:00+02:00"},
		{"the missing 02:30", "2026-03-29T05:00:00Z", "", "02:30", "2026-03-29T03:30:00+02:00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, tc.now)
			if err != nil {
				t.Fatal(err)
			}
			k := romeRules(t)
			k.now = now
			d, err := k.start(StartRequest{Date: tc.date, Time: tc.clock})
			if err != nil {
				t.Fatal(err)
			}
			if got := d.start.Local().Format(time.RFC3339); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestEditRules(t *testing.T) {
	k := romeRules(t)
	old := wall.At(noon.Add(-48*time.Hour).Unix(), k.zone)
	young := wall.At(noon.Add(-59*time.Minute).Unix(), k.zone)
	limit := wall.At(noon.Add(240*time.Hour).Unix(), k.zone)
	active := &Session{Start: old}
	for _, tc := range []struct {
		name  string
		s     *Session
		r     EditRequest
		code  Code
		field Field
	}{
		{"nothing", active, EditRequest{}, NoFields, ""},
		{"public", active, EditRequest{Public: ptr(false)}, "", ""},
		{"name removed", active, EditRequest{LockedBy: Text{Set: true}}, "", ""},
		{"name too long", active, EditRequest{LockedBy: Text{true, ptr(strings.Repeat("x", 51))}}, Validation, FieldLockedBy},
		{"notes too long", active, EditRequest{Notes: Text{true, ptr(strings.Repeat("x", 10_001))}}, Validation, FieldNotes},
		{"notes of an ended session", &Session{Start: old, End: &young}, EditRequest{Notes: Text{true, ptr("x")}}, "", ""},
		{"schedule of an ended session", &Session{Start: old, End: &young}, EditRequest{Scheduled: Text{Set: true}}, NotActive, ""},
		{"stop of an ended session", &Session{Start: old, End: &young}, EditRequest{EndNow: true}, NotActive, ""},
		{"end date of an ended session", &Session{Start: old, End: &young}, EditRequest{EndDate: "2026-02-01"}, NotActive, ""},
		{"stop now", active, EditRequest{EndNow: true}, "", ""},
		{"stop now too early", &Session{Start: young}, EditRequest{EndNow: true}, Validation, FieldEndNow},
		{"stop now and at a time", active, EditRequest{EndNow: true, EndDate: "2026-02-02"}, Validation, FieldEndNow},
		{"stop now and an end time", active, EditRequest{EndNow: true, EndTime: "10:00"}, Validation, FieldEndNow},
		{"stop at a date", active, EditRequest{EndDate: "2026-02-02"}, "", ""},
		{"stop at a time without date", active, EditRequest{EndTime: "10:00"}, Validation, FieldEndTime},
		{"stop in the future", active, EditRequest{EndDate: "2026-02-03"}, Validation, FieldEndDate},
		{"stop before the start", active, EditRequest{EndDate: "2026-01-30"}, Validation, FieldEndDate},
		{"stop within an hour of the start", active, EditRequest{EndDate: "2026-01-31", EndTime: "12:30"}, Validation, FieldEndDate},
		{"reschedule", active, EditRequest{Scheduled: Text{true, ptr("2026-02-20")}, ScheduledTime: "09:00"}, "", ""},
		{"reschedule to the past", active, EditRequest{Scheduled: Text{true, ptr("2026-02-02")}}, Validation, FieldScheduledDate},
		{"reschedule to nothing", active, EditRequest{Scheduled: Text{true, ptr("")}}, Validation, FieldScheduledDate},
		{"reschedule time only", active, EditRequest{ScheduledTime: "09:00"}, Validation, FieldScheduledTime},
		{"reschedule beyond the calendar", active, EditRequest{Scheduled: Text{true, ptr("9999-12-31")}}, Validation, FieldScheduledDate},
		{"remove the schedule", active, EditRequest{Scheduled: Text{Set: true}}, "", ""},
		{"remove the schedule, with a time", active, EditRequest{Scheduled: Text{Set: true}, ScheduledTime: "09:00"}, Validation, FieldScheduledTime},
		{"remove the schedule of games", &Session{Start: old, Play: &Play{}}, EditRequest{Scheduled: Text{Set: true}}, Validation, FieldScheduledDate},
		{"up to the limit", &Session{Start: old, Limit: &limit}, EditRequest{Scheduled: Text{true, ptr("2026-02-12")}, ScheduledTime: "12:00"}, "", ""},
		{"beyond the limit", &Session{Start: old, Limit: &limit}, EditRequest{Scheduled: Text{true, ptr("2026-02-12")}, ScheduledTime: "12:01"}, Validation, FieldScheduledDate},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := k.edit(tc.s, tc.r)
			wantError(t, err, tc.code, tc.field)
		})
	}
	_, err := k.edit(&Session{Start: young}, EditRequest{EndNow: true})
	var e *Error
	if !errors.As(err, &e) || !e.RetryAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("a stop too early may be tried again at %v", e.RetryAt)
	}
}

func TestFits(t *testing.T) {
	at := func(h int64) wall.Moment { return wall.Moment{Unix: h * 3600} }
	end := at(20)
	ended, active := &neighbour{id: 7, start: at(10), end: &end}, &neighbour{id: 8, start: at(10)}
	for _, tc := range []struct {
		name  string
		last  *neighbour
		start int64
		live  bool
		code  Code
	}{
		{"first", nil, 5, false, ""},
		{"back to back", ended, 20, false, ""},
		{"back to back, live", ended, 20, true, ""},
		{"inside", ended, 15, false, Overlap},
		{"around", ended, 5, false, Overlap},
		{"same start", ended, 10, true, Overlap},
		{"after the start of the active one", active, 15, false, Overlap},
		{"a second active one", active, 15, true, ActiveSessionExists},
		{"a second active one, earlier", active, 5, true, ActiveSessionExists},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := fits(tc.last, at(tc.start), tc.live)
			wantError(t, err, tc.code, "")
			var e *Error
			if errors.As(err, &e) && e.Session != tc.last.id {
				t.Errorf("the session in the way is %d, not %d", e.Session, tc.last.id)
			}
		})
	}
}
