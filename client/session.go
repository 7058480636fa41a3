package client

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Moment is an instant with the time that a clock at the owner's place showed
// then.
type Moment struct {
	Local string // such as "2026-02-02 09:00:00"
	UTC   time.Time
}

// Time is the instant in a zone whose clock shows Local.
func (m Moment) Time() time.Time {
	local, err := time.Parse(time.DateTime, m.Local)
	if err != nil {
		return m.UTC
	}
	offset := int(local.Sub(m.UTC) / time.Second)
	name := ""
	if offset == 0 {
		name = "UTC"
	}
	return m.UTC.In(time.FixedZone(name, offset))
}

// Session is one stretch of time.
type Session struct {
	ID         int64
	Start      Moment
	End        *Moment   // nil: the session is active
	Scheduled  *Moment   // nil: no end is scheduled
	Limit      *Moment   // what the scheduled end can't pass; nil: nothing
	Reached    time.Time // when the schedule was reached; zero: not yet
	Active     bool
	Public     bool
	LockedBy   *string
	Notes      *string
	Inserted   time.Time
	HasHistory bool
	HasChanges bool   // of games' settings
	Games      *Games // of an active session with games, else nil
}

// UnmarshalJSON reads an item of the API.
func (s *Session) UnmarshalJSON(text []byte) error {
	var w struct {
		ID                       int64
		Start, End, ScheduledEnd *string
		StartUTC                 Stamp `json:"start_utc"`
		EndUTC                   Stamp `json:"end_utc"`
		ScheduledUTC             Stamp `json:"scheduledend_utc"`
		ReachedUTC               Stamp `json:"reached_utc"`
		LimitEnd                 *string
		LimitUTC                 Stamp `json:"limitend_utc"`
		Active, Public           int
		LockedBy, Notes          *string
		Inserted                 Stamp
		HasHistory               int `json:"has_history"`
		HasChanges               int `json:"has_games_changes"`
		Games                    *Games
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	if w.Start == nil || w.StartUTC.IsZero() {
		return fmt.Errorf("session %d has no start", w.ID)
	}
	*s = Session{
		ID:         w.ID,
		Start:      *moments(w.Start, w.StartUTC),
		End:        moments(w.End, w.EndUTC),
		Scheduled:  moments(w.ScheduledEnd, w.ScheduledUTC),
		Limit:      moments(w.LimitEnd, w.LimitUTC),
		Active:     w.Active == 1,
		Public:     w.Public == 1,
		LockedBy:   w.LockedBy,
		Notes:      w.Notes,
		Inserted:   w.Inserted.Time,
		HasHistory: w.HasHistory == 1,
		HasChanges: w.HasChanges == 1,
		Games:      w.Games,
		Reached:    w.ReachedUTC.Time,
	}
	return nil
}

func moments(local *string, utc Stamp) *Moment {
	if local == nil || utc.IsZero() {
		return nil
	}
	return &Moment{Local: *local, UTC: utc.Time}
}

// Stamp is an instant that the API gives in UTC; zero for null.
type Stamp struct{ time.Time }

// UnmarshalJSON reads "2026-02-02 09:00:00" or null.
func (s *Stamp) UnmarshalJSON(text []byte) error {
	*s = Stamp{}
	if string(text) == "null" {
		return nil
	}
	var err error
	s.Time, err = time.Parse(`"`+time.DateTime+`"`, string(text))
	return err
}

// Filter selects sessions. The zero Filter selects all.
type Filter struct {
	From, To string // days of the start, "2026-02-01", in the owner's zone; both included
	Active   *bool
	Public   *bool
	Limit    int // of a page, 0: 50, at most 200
	Offset   int
}

// Values are the filter's query parameters.
func (f Filter) Values() url.Values {
	v := url.Values{}
	for name, text := range map[string]string{"from": f.From, "to": f.To} {
		if text != "" {
			v.Set(name, text)
		}
	}
	for name, on := range map[string]*bool{"active": f.Active, "public": f.Public} {
		if on != nil {
			v.Set(name, strconv.Itoa(flag(*on)))
		}
	}
	for name, n := range map[string]int{"limit": f.Limit, "offset": f.Offset} {
		if n != 0 {
			v.Set(name, strconv.Itoa(n))
		}
	}
	return v
}

// Page is a part of a list, newest start first.
type Page struct {
	Count, Total  int // of this page, of all that match
	Limit, Offset int
	Items         []Session
}

// List returns one page of the sessions that match.
func (t *Tracker) List(ctx context.Context, f Filter) (Page, error) {
	var p Page
	err := t.into(ctx, http.MethodGet, f.Values(), nil, "", &p)
	return p, err
}

// Sessions returns all sessions that match, newest start first, page by page. A
// session that is stored meanwhile makes none come twice. After an error the
// sequence ends.
func (t *Tracker) Sessions(ctx context.Context, f Filter) iter.Seq2[Session, error] {
	return func(yield func(Session, error) bool) {
		if f.Limit == 0 {
			f.Limit = 200
		}
		given := map[int64]bool{} // by the page before
		for {
			p, err := t.List(ctx, f)
			if err != nil {
				yield(Session{}, err)
				return
			}
			before := given
			given = map[int64]bool{}
			for _, s := range p.Items {
				given[s.ID] = true
				if !before[s.ID] && !yield(s, nil) {
					return
				}
			}
			f.Offset += len(p.Items)
			if len(p.Items) == 0 || f.Offset >= p.Total {
				return
			}
		}
	}
}

// Get returns one session.
func (t *Tracker) Get(ctx context.Context, id int64) (Session, error) {
	var s Session
	err := t.into(ctx, http.MethodGet, withID(id), nil, "", &s)
	return s, err
}

// Insert is a session that is over. Times are "2026-02-01 09:00" on the owner's
// clock; "2026-02-01" is its midnight.
type Insert struct {
	Start, End      string
	Public          bool
	LockedBy, Notes string // "": none

	Key string // Idempotency-Key; "": a new one
}

// Body is the request in the API's words.
func (i Insert) Body() map[string]any {
	b := body{"type": "manual"}
	b.clock("startdate", "starttime", i.Start)
	b.clock("enddate", "endtime", i.End)
	b.common(i.Public, i.LockedBy, i.Notes)
	return b
}

// Created is the answer to a session that was started or inserted.
type Created struct {
	ID     int64
	Status string
	Games  bool
	// Proof is how the scheduled end was drawn, with Start.MaxEnd, else nil.
	Proof json.RawMessage
}

// Insert stores a session that is over.
func (t *Tracker) Insert(ctx context.Context, i Insert) (Created, error) {
	var c Created
	err := t.into(ctx, http.MethodPost, nil, i.Body(), i.Key, &c)
	return c, err
}

// Start is a session that begins. Times are as in Insert; a Start that is empty
// is now, "09:00" is today at that time.
type Start struct {
	Start        string
	ScheduledEnd string
	MaxEnd       bool   // the end is drawn, and at the latest ScheduledEnd
	LimitEnd     string // what the scheduled end can't pass
	Public       bool
	LockedBy     string
	Notes        string
	Games        Games // need a ScheduledEnd

	Key string // Idempotency-Key; "": a new one
}

// Body is the request in the API's words.
func (s Start) Body() map[string]any {
	b := body{"type": "live"}
	b.clock("startdate", "starttime", s.Start)
	b.clock("scheduledend", "scheduledendtime", s.ScheduledEnd)
	b.clock("limitend", "limitendtime", s.LimitEnd)
	if s.MaxEnd {
		b["maxend"] = 1
	}
	b.common(s.Public, s.LockedBy, s.Notes)
	s.Games.fill(b)
	return b
}

// Start starts a session.
func (t *Tracker) Start(ctx context.Context, s Start) (Created, error) {
	var c Created
	err := t.into(ctx, http.MethodPost, nil, s.Body(), s.Key, &c)
	return c, err
}

// Edit changes a session. What is nil stays; a text that is "" is taken away.
type Edit struct {
	Public          *bool
	LockedBy, Notes *string
	ScheduledEnd    *string
	End             string // stops the session: "now", or a time as in Insert
}

// Body is the request in the API's words.
func (e Edit) Body() map[string]any {
	b := body{}
	if e.Public != nil {
		b["public"] = flag(*e.Public)
	}
	for name, text := range map[string]*string{"lockedby": e.LockedBy, "notes": e.Notes} {
		if text != nil {
			b[name] = nullable(*text)
		}
	}
	if e.ScheduledEnd != nil {
		b["scheduledend"] = nil
		b.clock("scheduledend", "scheduledendtime", *e.ScheduledEnd)
	}
	if e.End == "now" {
		b["endNow"] = true
	} else {
		b.clock("enddate", "endtime", e.End)
	}
	return b
}

// Edit changes a session and returns it as it is then.
func (t *Tracker) Edit(ctx context.Context, id int64, e Edit) (Session, error) {
	var answer struct{ Session Session }
	err := t.into(ctx, http.MethodPatch, withID(id), e.Body(), "", &answer)
	return answer.Session, err
}

// Stop ends an active session now. It must have lasted an hour.
func (t *Tracker) Stop(ctx context.Context, id int64) (Session, error) {
	return t.Edit(ctx, id, Edit{End: "now"})
}

// Delete removes a session that is over.
func (t *Tracker) Delete(ctx context.Context, id int64) error {
	return t.into(ctx, http.MethodDelete, withID(id), nil, "", new(json.RawMessage))
}

// Discard removes an active session that began less than an hour ago.
func (t *Tracker) Discard(ctx context.Context, id int64) error {
	v := withID(id)
	v.Set("discard", "1")
	return t.into(ctx, http.MethodDelete, v, nil, "", new(json.RawMessage))
}

// body is a request in the API's words.
type body map[string]any

// clock sets a date and, if it is given, a time.
func (b body) clock(date, clock, at string) {
	if at == "" {
		return
	}
	day, hour, both := strings.Cut(strings.TrimSpace(at), " ")
	if !both && strings.Contains(day, ":") {
		day, hour = "", day
	}
	if day != "" {
		b[date] = day
	}
	if hour != "" {
		b[clock] = strings.TrimSpace(hour)
	}
}

func (b body) common(public bool, lockedBy, notes string) {
	if public {
		b["public"] = 1
	}
	if lockedBy != "" {
		b["lockedby"] = lockedBy
	}
	if notes != "" {
		b["notes"] = notes
	}
}

func flag(on bool) int {
	if on {
		return 1
	}
	return 0
}

func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}
