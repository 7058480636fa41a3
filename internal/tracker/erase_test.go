package tracker

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"stint/internal/db"
)

func TestDeleteTakesEverything(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		id := h.mustStart(t, o, StartRequest{ScheduledDate: "2026-02-10", Settings: allGames()}).ID
		if err := h.Discard(t.Context(), o, id); err != nil {
			t.Fatal(err)
		}
		id = h.mustInsert(t, o, manual("2026-01-10", "2026-01-12")).ID
		if err := h.Delete(t.Context(), o, id); err != nil {
			t.Fatal(err)
		}
		wantError(t, h.Delete(t.Context(), o, id), NotFound, "")
		for _, table := range append([]string{"tracker_session", "tracker_tally"}, ofSession...) {
			want := int64(0)
			if table == "tracker_log" {
				want = 2
			}
			if n := h.count(table); n != want {
				t.Errorf("%d rows in %s", n, table)
			}
		}
	})
}

func TestErase(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for user := int64(1); user <= 2; user++ {
			o := h.rome(user)
			r := manual("2026-01-10", "2026-01-12")
			r.Notes = ptr("planted")
			h.mustInsert(t, o, r)
			_, err := h.Start(t.Context(), o, StartRequest{ScheduledDate: "2026-02-10", MaxEnd: true, Settings: allGames()},
				&Once{Token: user, Key: "k", Encode: func(any) (int, []byte, error) { return 201, []byte("planted"), nil }})
			if err != nil {
				t.Fatal(err)
			}
		}
		tables := append([]string{"tracker_session", "tracker_tally", "tracker_once"}, ofSession...)
		before := map[string]int64{}
		for _, table := range tables {
			before[table] = h.count(table)
		}
		if err := h.db.Do(t.Context(), func(tx *db.Tx) error { return Erase(tx, 1) }); err != nil {
			t.Fatal(err)
		}
		for _, table := range tables {
			if n := h.count(table); 2*n != before[table] {
				t.Errorf("%s: %d rows of %d are left", table, n, before[table])
			}
		}
	})
}

func TestPrivateTextsAreSealed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := manual("2026-01-10", "2026-01-12")
		r.LockedBy, r.Notes = ptr("planted-name"), ptr("planted-notes")
		id := h.mustInsert(t, h.rome(1), r).ID
		err := h.db.View(t.Context(), func(tx *db.Tx) error {
			var name, notes []byte
			if err := tx.QueryRow("select lockedby, notes from tracker_session").Scan(&name, &notes); err != nil {
				return err
			}
			if strings.Contains(string(name)+string(notes), "planted") {
				t.Error("the texts are stored as they are")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.db.Do(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec("update tracker_session set notes = lockedby")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Get(t.Context(), h.rome(1), id); err == nil {
			t.Error("a text moved to another column was opened")
		}
	})
}

func TestOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		once := func(token int64, key, body string) *Once {
			return &Once{Token: token, Key: key, Body: sha256.Sum256([]byte(body)), Encode: func(result any) (int, []byte, error) {
				return 201, fmt.Appendf(nil, "session %d", result.(*Session).ID), nil
			}}
		}
		r := manual("2026-01-10", "2026-01-12")
		if _, err := h.Insert(t.Context(), o, r, once(1, "a", "x")); err != nil {
			t.Fatal(err)
		}
		_, err := h.Insert(t.Context(), o, r, once(1, "a", "x"))
		var again *Replayed
		if !errors.As(err, &again) || again.Status != 201 || string(again.Body) != "session 1" {
			t.Errorf("a replay gave %v", err)
		}
		_, err = h.Insert(t.Context(), o, r, once(1, "a", "y"))
		wantError(t, err, IdempotencyConflict, "")
		_, err = h.Insert(t.Context(), o, r, once(2, "a", "x"))
		wantError(t, err, Overlap, "")
		_, err = h.Insert(t.Context(), o, r, once(1, "b", "x"))
		wantError(t, err, Overlap, "")
		_, err = h.Insert(t.Context(), o, r, once(1, strings.Repeat("k", 256), "x"))
		wantError(t, err, Validation, FieldIdempotencyKey)
		h.pass(24*time.Hour - time.Second)
		if _, err = h.Insert(t.Context(), o, r, once(1, "a", "x")); !errors.As(err, &again) {
			t.Errorf("a second before a day has passed: %v", err)
		}
		h.pass(time.Second)
		_, err = h.Insert(t.Context(), o, r, once(1, "a", "y"))
		wantError(t, err, Overlap, "")
		if n := h.count("tracker_once"); n != 1 {
			t.Errorf("%d answers are kept", n)
		}
	})
}
