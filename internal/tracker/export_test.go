package tracker

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const planted = "planted-8d1f"

// live fills an account with everything there can be: ended and deleted sessions, drawn ends, all games played and voted
// on, penalties, a keyholder's changes, an active session.
func (h *house) busyLife(t testing.TB, user, keyholder int64) {
	t.Helper()
	ctx, o := context.Background(), h.rome(user)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	tick := func() {
		t.Helper()
		_, err := h.tick(ctx)
		must(nil, err)
	}
	r := manual("2026-01-10", "2026-01-12")
	r.Notes, r.LockedBy, r.Public = ptr(planted+"-notes"), ptr(planted+"-name"), true
	h.mustInsert(t, o, r)
	gone := h.mustInsert(t, o, manual("2026-01-13", "2026-01-14"))
	must(nil, h.Delete(ctx, o, gone.ID))
	h.link(t, user, keyholder)
	must(h.SetClientSeed(ctx, o, 0, planted+"-account"))
	first := h.mustStart(t, o, StartRequest{ScheduledDate: "2027-02-20", MaxEnd: true, Settings: allGames()})
	must(h.SetClientSeed(ctx, o, first.ID, planted+"-session"))
	h.mustVote(t, Voter{Cookie: planted + "-cookie"}, first.Play.Token, ChoiceAdd)
	h.mustVote(t, Voter{Account: user}, first.Play.Token, ChoiceAdd)
	_, err := h.Play(ctx, o, PlayRequest{Session: first.ID, Game: DiceGame}, &Once{Token: user, Key: planted + "-key", Body: sha256.Sum256(nil),
		Encode: func(any) (int, []byte, error) { return 200, []byte(planted + "-answer"), nil }})
	must(nil, err)
	for range 3 {
		tick()
		h.pass(24 * time.Hour)
	}
	tick()
	must(h.Edit(ctx, o, first.ID, EditRequest{EndNow: true, Notes: Text{true, ptr(planted + "-first")}}))
	second := h.mustStart(t, o, StartRequest{ScheduledDate: "2027-02-20", LimitDate: "2028-01-01", Settings: allGames(), Notes: ptr(planted + "-second")})
	must(h.SetGames(ctx, h.rome(keyholder), second.ID, func(s Settings) (Settings, error) { s.Dice.Number, s.Luck = 7, nil; return s, nil }, nil))
	must(h.Reschedule(ctx, h.rome(keyholder), second.ID, Text{true, ptr("2027-06-01")}, "", nil))
	h.mustPlay(t, user, second.ID, DiceGame)
	h.mustVote(t, Voter{Cookie: "x"}, second.Play.Token, ChoiceAdd)
	must(h.SetClientSeed(ctx, o, second.ID, planted+"-second"))
	h.pass(6 * time.Hour)
	must(h.Play(ctx, h.rome(keyholder), PlayRequest{Session: second.ID, Game: DiceGame, Dom: true}, &Once{Token: keyholder, Key: "k", Body: sha256.Sum256(nil),
		Encode: func(r any) (int, []byte, error) { return 200, []byte(r.(*Move).Draw.ClientSeed), nil }}))
}

func (h *house) mustExport(t testing.TB, user int64) *Export {
	t.Helper()
	e, err := h.Export(context.Background(), h.rome(user))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var again Export
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, &again, cmpopts.IgnoreFields(ExportChange{}, "By"), cmpopts.EquateEmpty()); diff != "" {
		t.Error("through JSON: " + diff)
	}
	return &again
}

func (h *house) erase(t testing.TB, user int64) {
	t.Helper()
	if err := h.db.Do(context.Background(), func(tx *db.Tx) error { return Erase(tx, user) }); err != nil {
		t.Fatal(err)
	}
}

// sameExport compares all but what is random by nature, how seeds are sealed, and what an import leaves out.
var sameExport = cmp.Options{cmpopts.IgnoreFields(ExportChain{}, "Sealed"), cmpopts.IgnoreFields(ExportChange{}, "By"), cmpopts.EquateEmpty()}

func TestExportEraseImportExport(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.busyLife(t, 1, 2)
		before := h.mustExport(t, 1)
		stats, err := h.Stats(t.Context(), h.rome(1))
		if err != nil {
			t.Fatal(err)
		}
		if n := len(before.Sessions); n != 3 || len(before.Removed) != 1 || before.Sessions[1].Chain.Tip == "" || before.Sessions[2].Chain.Tip != "" ||
			before.Sessions[2].Chain.Sealed == nil || len(before.Account.Draws) != 1 || *before.Sessions[1].Notes != planted+"-first" || len(before.Sessions[1].Days) != 6 {
			t.Errorf("%d sessions: %+v", n, before)
		}
		wantError(t, h.Import(t.Context(), h.rome(1), before), NotEmpty, "")
		h.erase(t, 1)
		if left := h.mustExport(t, 1); len(left.Sessions) != 0 || left.Account != nil || len(left.Removed) != 0 {
			t.Errorf("%+v", left)
		}
		if err := h.Import(t.Context(), h.rome(1), before); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, h.mustExport(t, 1), sameExport); diff != "" {
			t.Error(diff)
		}
		again, err := h.Stats(t.Context(), h.rome(1))
		if diff := cmp.Diff(stats, again); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if h.number("select cast(sum(n) as bigint) from tracker_tally where user_id = 1") != 3 {
			t.Error("the kept counts are wrong")
		}
		active := before.Sessions[2].ID
		h.pass(6 * time.Hour)
		if m := h.mustPlay(t, 1, active, DiceGame); m.Draw.Nonce != 4 {
			t.Errorf("the chain went on with %d", m.Draw.Nonce)
		}
		for _, session := range []int64{0, before.Sessions[1].ID, active} {
			if doc, err := h.Chain(t.Context(), h.rome(1), session); err != nil || doc.Verify() != nil || len(doc.Draws) == 0 {
				t.Errorf("chain %d: %+v, %v", session, doc, err)
			}
		}
	})
}

// TestImportElsewhere moves an account to another user of another database, whose ids are taken.
func TestImportElsewhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.busyLife(t, 1, 2)
		moved := h.mustExport(t, 1)
		keys := h.keys
		h = openHouse(t, dbtest.Open(t, dbtest.SQLite(t)))
		h.keys = keys
		h.busyLife(t, 1, 2)
		if err := h.Import(t.Context(), h.rome(9), moved); err != nil {
			t.Fatal(err)
		}
		got := h.mustExport(t, 9)
		for _, s := range got.Sessions {
			for _, c := range s.Changes {
				if c.By != 0 {
					t.Errorf("a change is said to be by user %d of this database", c.By)
				}
			}
		}
		ignore := append(sameExport, cmpopts.IgnoreFields(ExportSession{}, "ID"), cmpopts.IgnoreFields(ExportGame{}, "Token"))
		moved.Removed = nil // the event's session is another's
		got.Removed = nil
		if diff := cmp.Diff(moved, got, ignore); diff != "" {
			t.Error(diff)
		}
		s := got.Sessions[2]
		if s.ID == moved.Sessions[2].ID || s.Chain.Number != moved.Sessions[2].ID || s.Games[1].Token != moved.Sessions[2].Games[1].Token {
			t.Errorf("%+v", s)
		}
		h.pass(6 * time.Hour)
		h.mustPlay(t, 9, s.ID, DiceGame)
		if doc, err := h.Chain(t.Context(), h.rome(9), s.ID); err != nil || doc.Verify() != nil || len(doc.Draws) != 4 || doc.Session != s.Chain.Number {
			t.Errorf("%+v, %v", doc, err)
		}
	})
}

func TestImportAfterALongTime(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.busyLife(t, 1, 2)
		e := h.mustExport(t, 1)
		h.erase(t, 1)
		h.beat = 1_000 * time.Hour
		if _, err := h.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.pass(100 * time.Hour)
		if err := h.Import(t.Context(), h.rome(1), e); err != nil {
			t.Fatal(err)
		}
		h.pass(24 * time.Hour)
		if _, err := h.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		days := h.days(t, e.Sessions[2].ID)
		if len(days) != 1 || days["2026-02-09"] != "first_day 0" {
			t.Errorf("%v", days)
		}
	})
}

func TestImportRefuses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.busyLife(t, 1, 2)
		good := h.mustExport(t, 1)
		text, err := json.Marshal(good)
		if err != nil {
			t.Fatal(err)
		}
		for name, spoil := range map[string]func(e *Export){
			"overlap":             func(e *Export) { e.Sessions[0].End.Unix = e.Sessions[1].Start.Unix + 1 },
			"two active":          func(e *Export) { e.Sessions[1].End = nil },
			"same id":             func(e *Export) { e.Sessions[0].ID = e.Sessions[1].ID },
			"too short":           func(e *Export) { e.Sessions[0].End.Unix = e.Sessions[0].Start.Unix + 60 },
			"in the future":       func(e *Export) { e.Sessions[2].Start.Unix += 1_000_000 },
			"long name":           func(e *Export) { e.Sessions[0].LockedBy = ptr(strings.Repeat("x", 51)) },
			"NUL in the notes":    func(e *Export) { e.Sessions[0].Notes = ptr("a\x00") },
			"unknown kind":        func(e *Export) { e.Sessions[0].Events = append(e.Sessions[0].Events, ExportEvent{Kind: "x", At: noon}) },
			"no chain":            func(e *Export) { e.Sessions[2].Chain = nil },
			"another commitment":  func(e *Export) { e.Sessions[2].Chain.Commitment = e.Sessions[1].Chain.Commitment },
			"another tip":         func(e *Export) { e.Sessions[1].Chain.Tip = fair.NewSeed().String() },
			"another number":      func(e *Export) { e.Sessions[1].Chain.Number++ },
			"a changed draw":      func(e *Export) { e.Account.Draws[0].End++ },
			"seeds of others":     func(e *Export) { e.Sessions[2].Chain.Sealed = e.Account.Sealed },
			"seeds missing":       func(e *Export) { e.Sessions[2].Chain.Sealed = nil },
			"draws taken back":    func(e *Export) { e.Sessions[2].Chain.Used = 1 },
			"two games in one":    func(e *Export) { e.Sessions[2].Games[0].Link = e.Sessions[2].Games[1].Link },
			"a game twice":        func(e *Export) { e.Sessions[2].Games[1] = e.Sessions[2].Games[0] },
			"impossible settings": func(e *Export) { e.Sessions[2].Games[0].Dice.Number = 99 },
			"a day twice":         func(e *Export) { e.Sessions[1].Days[1] = e.Sessions[1].Days[0] },
			"no scheduled end":    func(e *Export) { e.Sessions[2].Scheduled = nil },
			"year 30000":          func(e *Export) { e.Sessions[2].Scheduled = &wall.Moment{Unix: 1 << 40} },
		} {
			t.Run(name, func(t *testing.T) {
				var e Export
				if err := json.Unmarshal(text, &e); err != nil {
					t.Fatal(err)
				}
				spoil(&e)
				wantError(t, h.Import(t.Context(), h.rome(9), &e), Validation, FieldImport)
			})
		}
		wantError(t, h.Import(t.Context(), h.rome(9), nil), Validation, FieldImport)
		if n := h.count("tracker_session where user_id = 9"); n != 0 {
			t.Errorf("refused imports left %d sessions", n)
		}
	})
}

// TestDrawsGoOnInOnePlace refuses an import that would show the draws of a session, or of drawn ends, before they are
// made.
func TestDrawsGoOnInOnePlace(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.busyLife(t, 1, 2)
		e := h.mustExport(t, 1)
		account := *e
		account.Sessions = e.Sessions[:2]
		wantError(t, h.Import(t.Context(), h.rome(9), &account), Validation, FieldImport)
		session := *e
		session.Account = nil
		wantError(t, h.Import(t.Context(), h.rome(9), &session), Validation, FieldImport)
		if n := h.count("tracker_session where user_id = 9"); n != 0 {
			t.Errorf("refused imports left %d sessions", n)
		}
		ended := *e
		ended.Sessions, ended.Account = e.Sessions[:2], nil
		if err := h.Import(t.Context(), h.rome(9), &ended); err != nil {
			t.Error(err)
		}
		h.erase(t, 1)
		if err := h.Import(t.Context(), h.rome(8), e); err != nil {
			t.Error(err)
		}
	})
}

// TestErasedTextsAreGone plants strings wherever a person's text can end up, and looks for them in the file's bytes and
// in every row.
func TestErasedTextsAreGone(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		d, err := db.Open(t.Context(), target)
		if err != nil {
			t.Fatal(err)
		}
		h := openHouse(t, d)
		h.busyLife(t, 1, 2)
		if !storedAnywhere(t, target, planted) {
			t.Error("nothing was planted")
		}
		h.erase(t, 1)
		if n := h.count("tracker_keyholder"); n != 0 {
			t.Errorf("%d links are left", n)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		if storedAnywhere(t, target, planted) {
			t.Error("a planted text is still there")
		}
	})
}

// storedAnywhere searches the files of an SQLite database after VACUUM, or all rows of a PostgreSQL schema.
func storedAnywhere(t *testing.T, target, text string) bool {
	t.Helper()
	if strings.HasPrefix(target, "postgres") {
		pool, err := sql.Open("pgx", target)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		pool.SetMaxOpenConns(1)
		if _, err := pool.Exec("set xmlbinary to hex"); err != nil {
			t.Fatal(err)
		}
		var all string
		err = pool.QueryRow("select coalesce(string_agg(query_to_xml(format('select * from %I', table_name), true, true, '')::text, ' '), '') from information_schema.tables where table_schema = current_schema()").Scan(&all)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(all, text) || strings.Contains(strings.ToLower(all), fmt.Sprintf("%x", text))
	}
	pool, err := sql.Open("sqlite", target)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"vacuum", "pragma wal_checkpoint(truncate)"} {
		if _, err := pool.Exec(statement); err != nil && !strings.Contains(err.Error(), "locked") {
			t.Fatal(err)
		}
	}
	if err := pool.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(target + "*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(text)) {
			return true
		}
	}
	return false
}
