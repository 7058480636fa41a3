package apiv2_test

import (
	"testing"
	"time"
)

func TestEdit(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live","startdate":"2026-02-04","notes":"first"}`).must(201)
		r := s.patch("1", `{"public":1,"lockedby":"Jo","notes":null}`).must(200)
		r.want("data.status", `"Session updated successfully"`, "data.id", "1", "data.session.public", "1",
			"data.session.lockedby", `"Jo"`, "data.session.notes", "null", "data.session.has_history", "0")
		if got, want := raw(t, r.text, "data", "session"), raw(t, s.get("?id=1").text, "data"); got != want {
			t.Errorf("the session in the answer is %s, stored is %s", got, want)
		}
		// Only what is given changes.
		s.patch("1", `{"notes":"second"}`).must(200).want("data.session.public", "1", "data.session.lockedby", `"Jo"`)
		s.patch("1", `{"public":"0","lockedby":null}`).must(200).want("data.session.public", "0", "data.session.lockedby", "null", "data.session.notes", `"second"`)
		s.patch("1", `{"scheduledend":"2026-02-20","scheduledendtime":"09:30"}`).must(200).
			want("data.session.scheduledend", `"2026-02-20 09:30:00"`, "data.session.has_history", "1")
		s.patch("1", `{"scheduledend":"2026-02-21"}`).must(200).want("data.session.scheduledend", `"2026-02-21 00:00:00"`)
		s.patch("1", `{"scheduledend":null}`).must(200).want("data.session.scheduledend", "null", "data.session.scheduledend_utc", "null")
		s.get("?id=1").want("data.notes", `"second"`, "data.active", "1", "data.public", "0")
	})
}

func TestEditsThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(manual("2026-01-01", "", "2026-01-02", "")).must(201)
		s.post(`{"type":"live","startdate":"2026-02-04","scheduledend":"2026-03-01","limitend":"2026-04-01","luck":1}`).must(201)
		ended, live := raw(t, s.get("?id=1").text, "data"), raw(t, s.get("?id=2").text, "data")
		for _, c := range []struct {
			id, body    string
			status      int
			code, field string
		}{
			{"2", ``, 400, "no_fields", ""},
			{"2", `{}`, 400, "no_fields", ""},
			{"2", `{"endNow":false}`, 400, "no_fields", ""},
			{"2", `{"endNow":0,"public":null,"enddate":"","endtime":null,"scheduledendtime":null}`, 400, "no_fields", ""},
			{"2", `{"dicenumber":3}`, 400, "no_fields", ""},
			{"2", `{"endNow":true,"enddate":"2026-02-05"}`, 400, "validation", "endNow"},
			{"2", `{"endNow":true,"endtime":"10:00"}`, 400, "validation", "endNow"},
			{"2", `{"endtime":"10:00"}`, 400, "validation", "endtime"},
			{"2", `{"enddate":"2026-02-06"}`, 400, "validation", "enddate"},
			{"2", `{"enddate":"2026-02-05","endtime":"13:02"}`, 400, "validation", "enddate"},
			{"2", `{"enddate":"2026-02-04","endtime":"00:59"}`, 400, "validation", "enddate"},
			{"2", `{"enddate":"2026-02-03"}`, 400, "validation", "enddate"},
			{"2", `{"scheduledend":null}`, 400, "validation", "scheduledend"},
			{"2", `{"scheduledend":""}`, 400, "validation", "scheduledend"},
			{"2", `{"scheduledend":null,"scheduledendtime":"10:00"}`, 400, "validation", "scheduledendtime"},
			{"2", `{"scheduledendtime":"10:00"}`, 400, "validation", "scheduledendtime"},
			{"2", `{"scheduledend":"2026-02-05"}`, 400, "validation", "scheduledend"},
			{"2", `{"scheduledend":"2026-04-02"}`, 400, "validation", "scheduledend"},
			{"2", `{"scheduledend":20260302}`, 400, "validation", "scheduledend"},
			{"2", `{"public":2}`, 400, "validation", "public"},
			{"2", `{"public":"yes"}`, 400, "validation", "public"},
			{"2", `{"endNow":"now"}`, 400, "validation", "endNow"},
			{"2", `{"lockedby":5}`, 400, "validation", "lockedby"},
			{"2", `{"notes":["a"]}`, 400, "validation", "notes"},
			{"2", `{"public":1,"notes":"x","enddate":"2026-13-01"}`, 400, "validation", "enddate"},
			{"1", `{"endNow":true}`, 409, "not_active", ""},
			{"1", `{"enddate":"2026-01-03"}`, 409, "not_active", ""},
			{"1", `{"scheduledend":"2026-03-01"}`, 409, "not_active", ""},
			{"1", `{"public":1,"scheduledend":null}`, 409, "not_active", ""},
			{"abc", `{"public":1}`, 400, "validation", "id"},
			{"", `{"public":1}`, 400, "validation", "id"},
			{"0", `{"public":1}`, 400, "validation", "id"},
			{"3", `{"public":1}`, 404, "not_found", ""},
		} {
			t.Run(c.id+" "+c.body, func(t *testing.T) {
				s.patch(c.id, c.body).refused(c.status, c.code, c.field)
			})
		}
		s.do("PATCH", path, `{"public":1}`).refused(400, "validation", "id")
		if now := raw(t, s.get("?id=1").text, "data"); now != ended {
			t.Errorf("changed to %s", now)
		}
		if now := raw(t, s.get("?id=2").text, "data"); now != live {
			t.Errorf("changed to %s", now)
		}
	})
}

func TestWhatMayChangeAfterTheEnd(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(manual("2026-01-01", "", "2026-01-02", "")).must(201)
		s.patch("1", `{"public":true,"lockedby":"Jo","notes":"later"}`).must(200).want("data.status", `"Session updated successfully"`,
			"data.session.public", "1", "data.session.lockedby", `"Jo"`, "data.session.notes", `"later"`)
		s.get("?public=1").want("data.total", "1")
	})
}

func TestStop(t *testing.T) {
	for _, c := range []struct{ name, body, end string }{
		{"now", `{"endNow":true}`, "2026-02-05 13:00:00"},
		{"now, as a number", `{"endNow":1}`, "2026-02-05 13:00:00"},
		{"date", `{"enddate":"2026-02-05"}`, "2026-02-05 00:00:00"},
		{"date and time", `{"enddate":"2026-02-04","endtime":"01:00"}`, "2026-02-04 01:00:00"},
		{"a minute ahead", `{"enddate":"2026-02-05","endtime":"13:01"}`, "2026-02-05 13:01:00"},
		{"with an edit", `{"endNow":true,"notes":"done","public":1}`, "2026-02-05 13:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, s *server) {
				s.post(`{"type":"live","startdate":"2026-02-04","scheduledend":"2026-03-01"}`).must(201)
				s.patch("1", c.body).must(200).want("data.status", `"Session stopped successfully"`, "data.id", "1",
					"data.session.active", "0", "data.session.end", `"`+c.end+`"`, "data.session.timezoneend", `"+01:00"`)
				s.get("?active=1").want("data.total", "0")
				s.patch("1", c.body).refused(409, "not_active", "")
				s.post(`{"type":"live","starttime":"13:01"}`).must(201)
			})
		})
	}
}

func TestStopTooEarly(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live"}`).must(201)
		s.pass(time.Hour - time.Second)
		s.patch("1", `{"endNow":true}`).refused(400, "validation", "endNow").want("error.retry_at", `"2026-02-05T13:00:00Z"`)
		s.pass(time.Second)
		s.patch("1", `{"endNow":true}`).must(200)
	})
}

func TestDelete(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live","scheduledend":"2026-03-01","dices":1,"links":1,"luck":1}`).must(201)
		for _, query := range []string{"?id=1", "?id=1&discard=0", "?id=1&discard=false"} {
			s.delete(query).refused(409, "still_active", "")
		}
		for query, field := range map[string]string{"": "id", "?id=": "id", "?id=abc": "id", "?id=-1": "id", "?id=1.0": "id", "?id=1&discard=2": "discard"} {
			s.delete(query).refused(400, "validation", field)
		}
		s.pass(time.Hour)
		s.patch("1", `{"endNow":true}`).must(200)
		s.delete("?id=1").must(200).want("data.status", `"Session deleted successfully"`, "data.id", "1")
		s.delete("?id=1").refused(404, "not_found", "")
		s.get("?id=1").refused(404, "not_found", "")
		s.get("").want("data.total", "0")
		for _, table := range []string{"tracker_session", "tracker_game", "tracker_chain", "tracker_tally"} {
			if n := s.count(t, table); n != 0 {
				t.Errorf("%d rows left in %s", n, table)
			}
		}
	})
}

func TestDiscard(t *testing.T) {
	each(t, func(t *testing.T, s *server) {
		s.post(`{"type":"live"}`).must(201)
		s.pass(time.Hour - time.Second)
		s.delete("?id=1&discard=1").must(200).want("data.status", `"Session deleted successfully"`, "data.id", "1")
		s.get("?id=1").refused(404, "not_found", "")
		s.post(`{"type":"live"}`).must(201)
		s.pass(time.Hour)
		s.delete("?id=2&discard=1").refused(409, "still_active", "")
		s.patch("2", `{"endNow":true}`).must(200)
		s.delete("?id=2&discard=1").refused(409, "not_active", "")
		s.delete("?id=2").must(200)
	})
}
