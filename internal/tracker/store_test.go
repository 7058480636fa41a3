package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/seal"
	"stint/internal/tracker/fair"

	"github.com/google/go-cmp/cmp"
)

// house is a tracker over a fresh database whose time the test sets.
type house struct {
	*Tracker
	db    *db.DB
	now   atomic.Int64 // Unix milliseconds
	zones sync.Map     // of users who don't live in Rome
}

func (h *house) set(at time.Time)       { h.now.Store(at.UnixMilli()) }
func (h *house) pass(d time.Duration)   { h.now.Add(d.Milliseconds()) }
func (h *house) time() time.Time        { return time.UnixMilli(h.now.Load()).UTC() }
func (h *house) rome(user int64) Owner  { return Owner{User: user, Zone: romeZone} }
func (h *house) count(sql string) int64 { return h.number("select count(*) from " + sql) }

func (h *house) number(query string) (n int64) {
	if err := h.db.View(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query).Scan(&n) }); err != nil {
		panic(err)
	}
	return n
}

var romeZone = func() *time.Location {
	zone, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		panic(err)
	}
	return zone
}()

func openHouse(t testing.TB, d *db.DB) *house {
	t.Helper()
	keys, err := seal.File(filepath.Join(t.TempDir(), "stint.key"))
	if err != nil {
		t.Fatal(err)
	}
	h := &house{db: d}
	h.set(noon)
	d.SetClock(h.time)
	if h.Tracker, err = Open(context.Background(), d, keys, Options{Zone: h.zoneOf, Report: func(err error) { t.Error(err) }}); err != nil {
		t.Fatal(err)
	}
	return h
}

// each runs fn in a fresh house on both engines.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { fn(t, openHouse(t, d)) })
}

func manual(from, to string) InsertRequest {
	var r InsertRequest
	r.StartDate, r.StartTime, _ = strings.Cut(from, " ")
	r.EndDate, r.EndTime, _ = strings.Cut(to, " ")
	return r
}

func (h *house) mustInsert(t testing.TB, o Owner, r InsertRequest) *Session {
	t.Helper()
	s, err := h.Insert(t.Context(), o, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) mustStart(t testing.TB, o Owner, r StartRequest) *Session {
	t.Helper()
	s, err := h.Start(t.Context(), o, r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) mustGet(t testing.TB, o Owner, id int64) *Session {
	t.Helper()
	s, err := h.Get(t.Context(), o, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func allGames() Settings {
	return Settings{
		Dice: &Dice{Number: 2, Unit: Day, Wait: Span{6, Hour}, Multi: Multis{100, 200}, Penalty: &Penalty{Min: 2, Time: Span{3, Hour}, Always: true}},
		Link: &Link{Add: Span{10, Minute}, Sub: Span{0, Hour}, Multi: Multis{1, 10_000}, ResetVotes: true},
		Luck: &Luck{Add: Span{1, Day}, Sub: Span{2, Month}, Wait: Span{1, Day}, Multi: Multis{One, One}, Penalty: &Penalty{Min: 1, Time: Span{1, Minute}}},
	}
}

func TestInsertAndGet(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		r := manual("2026-01-15 10:00", "2026-01-17 10:00")
		r.Public, r.LockedBy, r.Notes = true, ptr("Nick"), ptr("first\nsecond €")
		s := h.mustInsert(t, o, r)
		if s.ID != 1 || s.Active() || s.Start.Zone() != "+01:00" || s.End.Local().Format(time.DateTime) != "2026-01-17 10:00:00" {
			t.Errorf("inserted %+v", s)
		}
		if !s.Inserted.Equal(noon) {
			t.Errorf("inserted at %v", s.Inserted)
		}
		if diff := cmp.Diff(s, h.mustGet(t, o, 1)); diff != "" {
			t.Error(diff)
		}
		for name, get := range map[string]func() (*Session, error){
			"unknown":       func() (*Session, error) { return h.Get(t.Context(), o, 2) },
			"another owner": func() (*Session, error) { return h.Get(t.Context(), h.rome(2), 1) },
		} {
			t.Run(name, func(t *testing.T) {
				_, err := get()
				wantError(t, err, NotFound, "")
			})
		}
	})
}

func TestOffsetsStayAsTheyWere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		s := h.mustInsert(t, o, manual("2025-10-25 10:00", "2025-10-27 10:00"))
		o.Zone = mustZone(t, "America/New_York")
		got := h.mustGet(t, o, s.ID)
		if got.Start.Zone() != "+02:00" || got.End.Zone() != "+01:00" || got.Start.Local().Hour() != 10 || got.End.Local().Hour() != 10 {
			t.Errorf("%s %s, %s %s", got.Start.Local(), got.Start.Zone(), got.End.Local(), got.End.Zone())
		}
		if live := h.mustStart(t, o, StartRequest{}); live.Start.Zone() != "-05:00" {
			t.Errorf("a session started in New York has the offset %s", live.Start.Zone())
		}
	})
}

func TestLiveWithGames(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		s := h.mustStart(t, o, StartRequest{ScheduledDate: "2026-02-10", ScheduledTime: "09:00", LimitDate: "2026-03-01", Settings: allGames()})
		if !s.Active() || !s.HasHistory || s.HasChanges || s.Play == nil || len(s.Play.Token) < 20 {
			t.Errorf("started %+v", s)
		}
		got := h.mustGet(t, o, s.ID)
		if diff := cmp.Diff(s, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(allGames(), got.Play.Settings); diff != "" {
			t.Error(diff)
		}
		if n := h.count("tracker_log where type = 'START' and schedule_s = 1770710400"); n != 1 {
			t.Errorf("%d START rows with the scheduled end", n)
		}
		if n := h.count("tracker_chain where session_id = 1 and used = 0"); n != 1 {
			t.Errorf("%d chains", n)
		}
		h.pass(2 * time.Hour)
		s, err := h.Edit(t.Context(), o, s.ID, EditRequest{EndNow: true})
		if err != nil {
			t.Fatal(err)
		}
		if s.Active() || s.Play != nil || s.End.UTC() != noon.Add(2*time.Hour) {
			t.Errorf("stopped %+v", s)
		}
		if diff := cmp.Diff(s, h.mustGet(t, o, s.ID)); diff != "" {
			t.Error(diff)
		}
		if n := h.count("tracker_session where salt is not null"); n != 0 {
			t.Error("the salt of the votes outlives the session")
		}
	})
}

func TestStartWithoutGamesHasNoHistory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-02-10"})
		if s.HasHistory || s.Play != nil || h.count("tracker_log where type is not null") != 0 || h.count("tracker_chain") != 0 {
			t.Errorf("started %+v", s)
		}
	})
}

func TestMaxEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		for nonce := 1; nonce <= 3; nonce++ {
			s := h.mustStart(t, o, StartRequest{MaxEnd: true, ScheduledDate: "2026-02-10", ScheduledTime: "09:00"})
			low, high := noon.Unix()+60, time.Date(2026, 2, 10, 8, 0, 0, 0, time.UTC).Unix()
			if s.Drawn == nil || s.Drawn.Nonce != nonce || s.Scheduled.Unix != s.Drawn.End || s.Drawn.End < low || s.Drawn.End > high {
				t.Fatalf("drawn %+v", s.Drawn)
			}
			if s.Scheduled.Unix != h.mustGet(t, o, s.ID).Scheduled.Unix {
				t.Error("another end was stored")
			}
			if err := h.Discard(t.Context(), o, s.ID); err != nil {
				t.Fatal(err)
			}
		}
		doc := fair.Document{Scheme: fair.Scheme, Length: fair.Length}
		err := h.db.View(t.Context(), func(tx *db.Tx) error {
			var s0 []byte
			if err := tx.QueryRow("select commitment from tracker_chain where user_id = 1 and session_id = 0").Scan(&s0); err != nil {
				return err
			}
			doc.Commitment = fair.Seed(s0).String()
			rows, err := tx.Query("select draw from tracker_draw where user_id = 1")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var text string
				var d fair.Draw
				if err := errors.Join(rows.Scan(&text), json.Unmarshal([]byte(text), &d)); err != nil {
					return err
				}
				doc.Draws = append(doc.Draws, d)
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := doc.Verify(); err != nil || len(doc.Draws) != 3 {
			t.Errorf("%d draws: %v", len(doc.Draws), err)
		}
	})
}

func TestOverlapAndActive(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		h.mustInsert(t, o, manual("2026-01-10", "2026-01-12"))
		h.mustInsert(t, o, manual("2026-01-20", "2026-01-22"))
		for _, tc := range []struct {
			name string
			r    InsertRequest
			code Code
		}{
			{"inside", manual("2026-01-10 10:00", "2026-01-10 12:00"), Overlap},
			{"around both", manual("2026-01-01", "2026-01-30"), Overlap},
			{"over the end", manual("2026-01-11", "2026-01-13"), Overlap},
			{"over the start", manual("2026-01-19", "2026-01-21"), Overlap},
			{"a minute over the start", manual("2026-01-19", "2026-01-20 00:01"), Overlap},
			{"between, back to back", manual("2026-01-12", "2026-01-20"), ""},
		} {
			t.Run(tc.name, func(t *testing.T) {
				_, err := h.Insert(t.Context(), o, tc.r, nil)
				wantError(t, err, tc.code, "")
			})
		}
		_, err := h.Start(t.Context(), o, StartRequest{Date: "2026-01-21"}, nil)
		wantError(t, err, Overlap, "")
		active := h.mustStart(t, o, StartRequest{Date: "2026-01-22"})
		_, err = h.Start(t.Context(), o, StartRequest{}, nil)
		wantError(t, err, ActiveSessionExists, "")
		_, err = h.Insert(t.Context(), o, manual("2026-01-23", "2026-01-24"), nil)
		wantError(t, err, Overlap, "")
		h.mustInsert(t, h.rome(2), manual("2026-01-23", "2026-01-24"))
		wantError(t, h.Delete(t.Context(), o, active.ID), StillActive, "")
		wantError(t, h.Discard(t.Context(), o, active.ID), StillActive, "")
		wantError(t, h.Discard(t.Context(), o, 1), NotActive, "")
		wantError(t, h.Discard(t.Context(), h.rome(2), active.ID), NotFound, "")
	})
}

func TestEditHistory(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		id := h.mustStart(t, o, StartRequest{}).ID
		for _, step := range []struct {
			to         Text
			typ        string
			unit       int64
			hasHistory bool
		}{
			{Text{Set: true}, "", 0, false},
			{Text{true, ptr("2026-02-10")}, TypeAdd, 0, true},
			{Text{true, ptr("2026-02-12")}, TypeAdd, 2 * 86_400, true},
			{Text{true, ptr("2026-02-12")}, "", 0, true},
			{Text{true, ptr("2026-02-11")}, TypeSub, 86_400, true},
			{Text{Set: true}, TypeSub, 0, true},
		} {
			s, err := h.Edit(t.Context(), o, id, EditRequest{Scheduled: step.to})
			if err != nil {
				t.Fatal(err)
			}
			if s.HasHistory != step.hasHistory || (s.Scheduled == nil) != (step.to.To == nil) {
				t.Errorf("after %v: %+v", step, s)
			}
			typ := h.number(fmt.Sprintf("select case when coalesce(type, '') = '%s' then coalesce(unit_s, 0) else -1 end from tracker_log order by id desc limit 1", step.typ))
			if typ != step.unit {
				t.Errorf("after %v: %d", step, typ)
			}
		}
		if n := h.count("tracker_log where type is not null and source <> 'MANUAL'"); n != 0 {
			t.Error("another source")
		}
	})
}

func TestEditFields(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		r := manual("2026-01-10", "2026-01-12")
		r.LockedBy, r.Notes = ptr("A"), ptr("B")
		id := h.mustInsert(t, o, r).ID
		for _, tc := range []struct {
			name            string
			r               EditRequest
			public          bool
			lockedBy, notes *string
		}{
			{"public", EditRequest{Public: ptr(true)}, true, ptr("A"), ptr("B")},
			{"public again", EditRequest{Public: ptr(true)}, true, ptr("A"), ptr("B")},
			{"name removed", EditRequest{LockedBy: Text{Set: true}}, true, nil, ptr("B")},
			{"notes", EditRequest{Notes: Text{true, ptr("")}, Public: ptr(false)}, false, nil, ptr("")},
		} {
			t.Run(tc.name, func(t *testing.T) {
				s, err := h.Edit(t.Context(), o, id, tc.r)
				if err != nil {
					t.Fatal(err)
				}
				want := *s
				want.Public, want.LockedBy, want.Notes = tc.public, tc.lockedBy, tc.notes
				if diff := cmp.Diff(&want, h.mustGet(t, o, id)); diff != "" {
					t.Error(diff)
				}
			})
		}
		_, err := h.Edit(t.Context(), h.rome(2), id, EditRequest{Public: ptr(true)})
		wantError(t, err, NotFound, "")
	})
}

func TestOpenNeedsAKey(t *testing.T) {
	if _, err := Open(t.Context(), nil, nil, Options{}); err == nil {
		t.Error("opened without a key")
	}
}

// zoneOf puts everybody in Rome, or where the test moved them.
func (h *house) zoneOf(_ *db.Tx, user int64) (*time.Location, error) {
	if zone, ok := h.zones.Load(user); ok {
		return zone.(*time.Location), nil
	}
	return romeZone, nil
}
