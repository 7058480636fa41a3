package tracker

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

const (
	shortest    = 3_600 // seconds a session lasts at least (document, "Rules")
	slack       = 60    // seconds a client's clock may be ahead (readings, "Not in the future")
	maxLockedBy = 50
	maxNotes    = 10_000
)

// rules is what the rules need to know beside a request and what is stored.
type rules struct {
	now  time.Time
	zone *time.Location
	past int // years a session may lie in the past
}

// draft is a session that keeps every rule that can be checked without looking at others.
type draft struct {
	start     wall.Moment
	end       *wall.Moment
	scheduled *wall.Moment
	limit     *wall.Moment
	maxEnd    bool // scheduled is still to be drawn, between drawFrom and scheduled
	drawFrom  int64
	public    bool
	lockedBy  *string
	notes     *string
	Settings
}

// insert is the rules of a session that has ended already.
func (k rules) insert(r InsertRequest) (*draft, error) {
	start, err := k.moment(r.StartDate, r.StartTime, FieldStartDate, FieldStartTime)
	if err != nil {
		return nil, err
	}
	end, err := k.moment(r.EndDate, r.EndTime, FieldEndDate, FieldEndTime)
	if err != nil {
		return nil, err
	}
	if start == nil {
		return nil, Invalid(FieldStartDate, "the date of the start is missing")
	}
	if end == nil {
		return nil, Invalid(FieldEndDate, "the date of the end is missing")
	}
	if err := k.notOld(*start); err != nil {
		return nil, err
	}
	if err := k.end(*start, *end); err != nil {
		return nil, err
	}
	if err := texts(r.LockedBy, r.Notes); err != nil {
		return nil, err
	}
	return &draft{start: *start, end: end, public: r.Public, lockedBy: r.LockedBy, notes: r.Notes}, nil
}

// start is the rules of a session that begins and goes on.
func (k rules) start(r StartRequest) (*draft, error) {
	d := &draft{public: r.Public, lockedBy: r.LockedBy, notes: r.Notes, Settings: r.Settings, maxEnd: r.MaxEnd}
	var err error
	if d.start, err = k.liveStart(r.Date, r.Time); err != nil {
		return nil, err
	}
	if d.scheduled, err = k.moment(r.ScheduledDate, r.ScheduledTime, FieldScheduledDate, FieldScheduledTime); err != nil {
		return nil, err
	}
	if d.limit, err = k.moment(r.LimitDate, r.LimitTime, FieldLimitDate, FieldLimitTime); err != nil {
		return nil, err
	}
	switch {
	case d.scheduled == nil && r.Any():
		return nil, Invalid(FieldScheduledDate, "games need a scheduled end")
	case d.scheduled == nil && r.MaxEnd:
		return nil, Invalid(FieldScheduledDate, "a drawn end needs a scheduled end, the latest it can be")
	}
	if err := k.scheduled(d.start, d.scheduled, nil); err != nil {
		return nil, err
	}
	if d.limit != nil {
		if err := withinCalendar(*d.limit, FieldLimitDate); err != nil {
			return nil, err
		}
		latest := max(d.start.Unix, k.now.Unix())
		if d.scheduled != nil {
			latest = max(latest, d.scheduled.Unix)
		}
		if d.limit.Unix < latest {
			return nil, Invalid(FieldLimitDate, "the limit of the scheduled end, %s, must not lie before the start, the present or the scheduled end", stamp(*d.limit))
		}
	}
	if err := d.drawRange(k.now.Unix()); err != nil {
		return nil, err
	}
	if err := texts(r.LockedBy, r.Notes); err != nil {
		return nil, err
	}
	return d, r.Check()
}

// liveStart is now, or the given time of the given or present day (readings, "Live start").
func (k rules) liveStart(date, clock string) (wall.Moment, error) {
	now := wall.At(k.now.Unix(), k.zone)
	if date == "" && clock == "" {
		return now, nil
	}
	if date == "" {
		date = wall.DayOf(k.now.Unix(), k.zone).String()
	}
	m, err := k.moment(date, clock, FieldStartDate, FieldStartTime)
	if err != nil {
		return now, err
	}
	if m.Unix > k.now.Unix()+slack {
		return now, Invalid(FieldStartDate, "the start, %s, lies in the future", stamp(*m))
	}
	return *m, k.notOld(*m)
}

// drawRange sets the first second that MaxEnd may draw.
func (d *draft) drawRange(now int64) error {
	if !d.maxEnd {
		return nil
	}
	d.drawFrom = max(now, d.start.Unix) + slack
	switch last := d.scheduled.Unix; {
	case last < d.drawFrom:
		return Invalid(FieldScheduledDate, "a drawn end needs at least %d seconds from now to the scheduled end", slack)
	case last-d.drawFrom >= fair.MaxSpan:
		return Invalid(FieldScheduledDate, "a drawn end needs a scheduled end within 136 years")
	}
	return nil
}

// edit is a checked change of a session.
type edit struct {
	public          *bool
	lockedBy, notes Text
	reschedule      bool
	scheduled       *wall.Moment
	dom             bool // by a keyholder
	end             *wall.Moment
}

// edit is the rules of a change to the stored session s.
func (k rules) edit(s *Session, r EditRequest) (*edit, error) {
	schedule, stop := r.Scheduled.Set || r.ScheduledTime != "", r.EndNow || r.EndDate != "" || r.EndTime != ""
	if r.Public == nil && !r.LockedBy.Set && !r.Notes.Set && !schedule && !stop {
		return nil, refuse(NoFields, "there is nothing to change")
	}
	e := &edit{public: r.Public, lockedBy: r.LockedBy, notes: r.Notes}
	if err := texts(r.LockedBy.To, r.Notes.To); err != nil {
		return nil, err
	}
	if (schedule || stop) && !s.Active() {
		return nil, refuse(NotActive, "the session has ended; its schedule and its end can't change any more")
	}
	if schedule {
		if err := k.reschedule(s, r, e); err != nil {
			return nil, err
		}
	}
	if stop {
		return e, k.stop(s, r, e)
	}
	return e, nil
}

func (k rules) reschedule(s *Session, r EditRequest, e *edit) (err error) {
	if !r.Scheduled.Set {
		return Invalid(FieldScheduledTime, "the time of the scheduled end needs its date")
	}
	e.reschedule = true
	if r.Scheduled.To == nil {
		if r.ScheduledTime != "" {
			return Invalid(FieldScheduledTime, "a removed scheduled end has no time")
		}
		if s.Play != nil {
			return Invalid(FieldScheduledDate, "games need a scheduled end; it can't be removed while one is on")
		}
		return nil
	}
	if *r.Scheduled.To == "" {
		return Invalid(FieldScheduledDate, "a date is written YYYY-MM-DD")
	}
	e.scheduled, err = k.moment(*r.Scheduled.To, r.ScheduledTime, FieldScheduledDate, FieldScheduledTime)
	if err != nil {
		return err
	}
	return k.scheduled(s.Start, e.scheduled, s.Limit)
}

func (k rules) stop(s *Session, r EditRequest, e *edit) error {
	if r.EndNow {
		if r.EndDate != "" || r.EndTime != "" {
			return Invalid(FieldEndNow, "an end is either now or at a given time, not both")
		}
		end := wall.At(k.now.Unix(), k.zone)
		e.end = &end
		return k.lasts(s.Start, end, FieldEndNow)
	}
	end, err := k.moment(r.EndDate, r.EndTime, FieldEndDate, FieldEndTime)
	if err != nil {
		return err
	}
	e.end = end
	return k.end(s.Start, *end)
}

// moment reads a date and an optional time; nil if there is no date.
func (k rules) moment(date, clock string, fd, ft Field) (*wall.Moment, error) {
	if date == "" && clock == "" {
		return nil, nil
	}
	if date == "" {
		return nil, Invalid(ft, "a time needs its date")
	}
	d, err := wall.ParseDate(date)
	if err != nil {
		return nil, Invalid(fd, "%v", err)
	}
	var c wall.Clock
	if clock != "" {
		if c, err = wall.ParseClock(clock); err != nil {
			return nil, Invalid(ft, "%v", err)
		}
	}
	m := wall.Resolve(d, c, k.zone)
	return &m, nil
}

func (k rules) notOld(start wall.Moment) error {
	if start.Unix < k.now.AddDate(-k.past, 0, 0).Unix() {
		return Invalid(FieldStartDate, "the start, %s, lies too far in the past: at most %d years are allowed", stamp(start), k.past)
	}
	return nil
}

func (k rules) end(start, end wall.Moment) error {
	if end.Unix > k.now.Unix()+slack {
		return Invalid(FieldEndDate, "the end, %s, lies in the future", stamp(end))
	}
	return k.lasts(start, end, FieldEndDate)
}

func (k rules) lasts(start, end wall.Moment, f Field) error {
	if end.Unix-start.Unix >= shortest {
		return nil
	}
	if end.Unix < start.Unix {
		return Invalid(f, "the end, %s, lies before the start, %s", stamp(end), stamp(start))
	}
	err := Invalid(f, "a session lasts at least one hour; from %s to %s is less", stamp(start), stamp(end))
	if f == FieldEndNow {
		err.RetryAt = time.Unix(start.Unix+shortest, 0).UTC()
	}
	return err
}

func (k rules) scheduled(start wall.Moment, m, limit *wall.Moment) error {
	switch {
	case m == nil:
		return nil
	case m.Unix <= k.now.Unix():
		return Invalid(FieldScheduledDate, "the scheduled end, %s, must lie in the future", stamp(*m))
	case m.Unix <= start.Unix:
		return Invalid(FieldScheduledDate, "the scheduled end, %s, must lie after the start", stamp(*m))
	case limit != nil && m.Unix > limit.Unix:
		return Invalid(FieldScheduledDate, "the scheduled end, %s, must not lie after the session's limit, %s", stamp(*m), stamp(*limit))
	}
	return withinCalendar(*m, FieldScheduledDate)
}

// withinCalendar refuses what has no year of four digits in UTC or in some zone.
func withinCalendar(m wall.Moment, f Field) error {
	if m.Unix > lastInstant {
		return Invalid(f, "%s is too late; the last possible time is %s", stamp(m), stamp(wall.Moment{Unix: lastInstant}))
	}
	return nil
}

func texts(lockedBy, notes *string) error {
	if s := lockedBy; s != nil {
		if !utf8.ValidString(*s) || strings.ContainsFunc(*s, unicode.IsControl) {
			return Invalid(FieldLockedBy, "a name is text without control characters")
		}
		if n := utf8.RuneCountInString(*s); n > maxLockedBy {
			return Invalid(FieldLockedBy, "a name has at most %d characters, not %d", maxLockedBy, n)
		}
	}
	if s := notes; s != nil {
		if !utf8.ValidString(*s) || strings.ContainsRune(*s, 0) {
			return Invalid(FieldNotes, "notes are text without NUL characters")
		}
		if n := utf8.RuneCountInString(*s); n > maxNotes {
			return Invalid(FieldNotes, "notes have at most %d characters, not %d", maxNotes, n)
		}
	}
	return nil
}

// neighbour is the last session of an owner that starts before some instant.
type neighbour struct {
	id    int64
	start wall.Moment
	end   *wall.Moment
}

// fits says what a session from start on collides with. last is the last other session of the owner that starts
// before the new one's end: because stored sessions never overlap, no other can be in the way. live says that the new
// one has no end.
func fits(last *neighbour, start wall.Moment, live bool) error {
	switch {
	case last == nil:
		return nil
	case last.end == nil && live:
		return &Error{Code: ActiveSessionExists, Session: last.id, Message: "a session is active already, since " + stamp(last.start)}
	case last.end == nil:
		return &Error{Code: Overlap, Session: last.id, Message: "the session overlaps the active one, which began " + stamp(last.start)}
	case last.end.Unix > start.Unix:
		return &Error{Code: Overlap, Session: last.id, Message: "the session overlaps another one, from " + stamp(last.start) + " to " + stamp(*last.end)}
	}
	return nil
}

func stamp(m wall.Moment) string { return m.Local().Format(time.DateTime) + " " + m.Zone() }
