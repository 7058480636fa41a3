package tracker

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// modelSession is what the model knows of a session; end 0 is active.
type modelSession struct {
	id, start, end int64
	public         bool
}

// model is one owner's sessions as a slice, beside the tracker that should hold the same.
type model struct {
	h        *house
	o        Owner
	sessions []modelSession
}

const endless = int64(1) << 62

func (m modelSession) last() int64 {
	if m.end == 0 {
		return endless
	}
	return m.end
}

func (m *model) active() int {
	return slices.IndexFunc(m.sessions, func(s modelSession) bool { return s.end == 0 })
}

func (m *model) overlaps(start, end int64) bool {
	return slices.ContainsFunc(m.sessions, func(s modelSession) bool { return start < s.last() && s.start < end })
}

// want compares what a call returned with the code the model expects; it says whether the call was to succeed.
func (m *model) want(t *rapid.T, err error, code Code) bool {
	if got := codeOf(err); got != code {
		t.Fatalf("got %q (%v), the model says %q", got, err, code)
	}
	return code == ""
}

func codeOf(err error) Code {
	switch e := err.(type) {
	case nil:
		return ""
	case *Error:
		return e.Code
	}
	return Code(err.Error())
}

// local is an instant as the date and time of a request.
func (m *model) local(unix int64) (date, clock string) {
	at := time.Unix(unix, 0).In(m.o.Zone)
	return at.Format(time.DateOnly), at.Format("15:04")
}

func (m *model) instant(t *rapid.T, label string) int64 {
	now := m.h.time().Unix()
	return (now - 1800*rapid.Int64Range(-2, 200).Draw(t, label)) / 1800 * 1800
}

func (m *model) insert(t *rapid.T) {
	start := m.instant(t, "start")
	end := start + 1800*rapid.Int64Range(-1, 30).Draw(t, "half hours")
	var r InsertRequest
	r.StartDate, r.StartTime = m.local(start)
	r.EndDate, r.EndTime = m.local(end)
	var code Code
	switch {
	case end-start < 3600 || end > m.h.time().Unix()+60:
		code = Validation
	case m.overlaps(start, end):
		code = Overlap
	}
	s, err := m.h.Insert(t.Context(), m.o, r, nil)
	if m.want(t, err, code) {
		m.sessions = append(m.sessions, modelSession{id: s.ID, start: start, end: end})
	}
}

func (m *model) start(t *rapid.T) {
	now := m.h.time().Unix()
	start, r := now, StartRequest{Public: rapid.Bool().Draw(t, "public")}
	if rapid.Bool().Draw(t, "dated") {
		start = m.instant(t, "start")
		r.Date, r.Time = m.local(start)
	}
	if rapid.Bool().Draw(t, "games") {
		r.Settings = Settings{Dice: exampleDice()}
		r.ScheduledDate, r.ScheduledTime = m.local(now + 864_000)
	}
	var code Code
	switch {
	case start > now+60:
		code = Validation
	case m.active() >= 0:
		code = ActiveSessionExists
	case m.overlaps(start, endless):
		code = Overlap
	}
	s, err := m.h.Start(t.Context(), m.o, r, nil)
	if m.want(t, err, code) {
		m.sessions = append(m.sessions, modelSession{id: s.ID, start: start, public: r.Public})
	}
}

// pick is a session of the model.
func (m *model) pick(t *rapid.T) (int, modelSession) {
	if len(m.sessions) == 0 {
		t.Skip("no session yet")
	}
	i := rapid.IntRange(0, len(m.sessions)-1).Draw(t, "session")
	return i, m.sessions[i]
}

func (m *model) stop(t *rapid.T) {
	i, s := m.pick(t)
	now := m.h.time().Unix()
	end, r := now, EditRequest{EndNow: true}
	if rapid.Bool().Draw(t, "dated") {
		end, r = m.instant(t, "end"), EditRequest{}
		r.EndDate, r.EndTime = m.local(end)
	}
	var code Code
	switch {
	case s.end != 0:
		code = NotActive
	case end > now+60 || end-s.start < 3600:
		code = Validation
	}
	_, err := m.h.Edit(t.Context(), m.o, s.id, r)
	if m.want(t, err, code) {
		m.sessions[i].end = end
	}
}

func (m *model) publish(t *rapid.T) {
	i, s := m.pick(t)
	public := rapid.Bool().Draw(t, "public")
	_, err := m.h.Edit(t.Context(), m.o, s.id, EditRequest{Public: &public})
	if m.want(t, err, "") {
		m.sessions[i].public = public
	}
}

func (m *model) remove(t *rapid.T) {
	i, s := m.pick(t)
	var code Code
	if s.end == 0 {
		code = StillActive
	}
	if m.want(t, m.h.Delete(t.Context(), m.o, s.id), code) {
		m.sessions = slices.Delete(m.sessions, i, i+1)
	}
}

func (m *model) discard(t *rapid.T) {
	i, s := m.pick(t)
	var code Code
	switch {
	case s.end != 0:
		code = NotActive
	case m.h.time().Unix()-s.start >= 3600:
		code = StillActive
	}
	if m.want(t, m.h.Discard(t.Context(), m.o, s.id), code) {
		m.sessions = slices.Delete(m.sessions, i, i+1)
	}
}

// check compares the whole list, and the totals by flag, with the model.
func (m *model) check(t *rapid.T) {
	slices.SortFunc(m.sessions, func(a, b modelSession) int { return int(b.start - a.start) })
	p, err := m.h.List(t.Context(), m.o, Filter{Limit: MaxLimit})
	if err != nil {
		t.Fatal(err)
	}
	if p.Total != len(m.sessions) || len(p.Items) != len(m.sessions) {
		t.Fatalf("%d items of %d, the model has %d", len(p.Items), p.Total, len(m.sessions))
	}
	public := 0
	for i, got := range p.Items {
		want := m.sessions[i]
		end := int64(0)
		if got.End != nil {
			end = got.End.Unix
		}
		if got.ID != want.id || got.Start.Unix != want.start || end != want.end || got.Public != want.public {
			t.Fatalf("item %d is %+v, the model has %+v", i, got, want)
		}
		if i > 0 && (got.Active() || got.End.Unix > p.Items[i-1].Start.Unix) {
			t.Fatalf("sessions %d and %d overlap", got.ID, p.Items[i-1].ID)
		}
		if want.public {
			public++
		}
	}
	p, err = m.h.List(t.Context(), m.o, Filter{Limit: 1, Public: ptr(true)})
	if err != nil || p.Total != public {
		t.Fatalf("%d public sessions, the model has %d: %v", p.Total, public, err)
	}
}

// TestSessionsAgainstAModel lets several clients of one owner, in two zones, do random things and compares with a slice.
func TestSessionsAgainstAModel(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		clients := []*time.Location{romeZone, mustZone(t, "Australia/Lord_Howe")}
		user := int64(0)
		rapid.Check(t, func(t *rapid.T) {
			user++
			h.set(noon)
			m := &model{h: h}
			by := func(action func(*rapid.T)) func(*rapid.T) {
				return func(t *rapid.T) {
					m.o = Owner{User: user, Zone: rapid.SampledFrom(clients).Draw(t, "client")}
					action(t)
				}
			}
			m.o = Owner{User: user, Zone: romeZone}
			t.Repeat(map[string]func(*rapid.T){
				"insert":  by(m.insert),
				"insert2": by(m.insert),
				"start":   by(m.start),
				"stop":    by(m.stop),
				"publish": by(m.publish),
				"delete":  by(m.remove),
				"discard": by(m.discard),
				"pass":    func(t *rapid.T) { h.pass(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes")) * time.Minute) },
				"":        m.check,
			})
		})
	})
}
