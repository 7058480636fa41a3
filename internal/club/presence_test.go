package club

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func people(names ...string) (list []Present) {
	for _, name := range names {
		list = append(list, Present{Name: name})
	}
	return list
}

func TestPresenceNote(t *testing.T) {
	numbered := func(format string, n int) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprintf(format, i))
		}
		return names
	}
	for _, c := range []struct {
		name          string
		before, after Action
		want          string
	}{
		{"joined", Action{}, Action{Users: people("Ann", "Bob")}, "joined: Ann, Bob"},
		{"left", Action{Users: people("Ann", "Bob")}, Action{}, "left: Ann, Bob"},
		{"joined and left", Action{Users: people("Bob", "Hans")}, Action{Users: people("Ann", "Bob")}, "joined: Ann; left: Hans"},
		{"anonymous only", Action{}, Action{Anonymous: 3}, "anonymous: 3"},
		{"anonymous left", Action{Anonymous: 3}, Action{}, "anonymous: 0"},
		{"everything", Action{Users: people("Hans"), Anonymous: 1}, Action{Users: people("Ann"), Anonymous: 2}, "joined: Ann; left: Hans; anonymous: 2"},
		{"since does not count", Action{Users: []Present{{"Ann", 1}}}, Action{Users: []Present{{"Ann", 2}, {"Bob", 2}}}, "joined: Bob"},
		{"80 bytes", Action{}, Action{Users: people("aaaa", "bbbbbbbbbbbbbbb", "ccccccccccccccc", "ddddddddddddddd", "eeeeeeeeeeeeeee")},
			"joined: aaaa, bbbbbbbbbbbbbbb, ccccccccccccccc, ddddddddddddddd, eeeeeeeeeeeeeee"},
		{"81 bytes", Action{}, Action{Users: people("aaaaa", "bbbbbbbbbbbbbbb", "ccccccccccccccc", "ddddddddddddddd", "eeeeeeeeeeeeeee")},
			"joined: aaaaa, bbbbbbbbbbbbbbb, ccccccccccccccc, ddddddddddddddd, …"},
		{"many", Action{}, Action{Users: people(numbered("name %02d", 20)...)},
			"joined: name 00, name 01, name 02, name 03, name 04, name 05, name 06, …"},
		{"cut to 80 bytes", Action{}, Action{Users: people("1234567", "abcdefghijklm", "abcdefghijklm", "abcdefghijklm", "abcdefghijklm", "Anna")},
			"joined: 1234567, abcdefghijklm, abcdefghijklm, abcdefghijklm, abcdefghijklm, …"},
		{"names of three-byte letters", Action{}, Action{Users: people("日本語日本", "日本語日一", "日本語日二", "日本語日三", "日本語日四")},
			"joined: 日本語日本, 日本語日一, 日本語日二, 日本語日三, …"},
		{"nobody who left fits", Action{Users: people("zzzzzzzzzzzzzzz")}, Action{Users: people("1234567", "abcdefghijklm", "abcdefghijklm", "abcdefghijklm", "abcdefghijklm")},
			"joined: 1234567, abcdefghijklm, abcdefghijklm, abcdefghijklm, abcdefghijklm; …"},
		{"names with commas", Action{}, Action{Users: people("A, B, C", "D; E", "a, b, c, d, e", "a, b, c, d, f", "a, b, c, d, g", "a, b, c, d, h")},
			"joined: A, B, C, D; E, a, b, c, d, e, a, b, c, d, f, a, b, c, d, g, …"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := presenceNote(c.before, c.after)
			if got != c.want || len(got) > maxNote {
				t.Errorf("got  %q (%d bytes)\nwant %q", got, len(got), c.want)
			}
		})
	}
}

// TestPresenceNoteAlwaysFits: however the people are called, the note has at
// most 80 bytes of UTF-8 and consists of whole names.
func TestPresenceNoteAlwaysFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom([]rune("aäß日😀,; …")), 1, 8, 15).Filter(func(s string) bool {
			_, err := CheckUser(s)
			return err == nil
		})
		names := rapid.SliceOfNDistinct(name, 0, 12, rapid.ID)
		before, after := names.Draw(t, "before"), names.Draw(t, "after")
		note := presenceNote(Action{Users: people(before...)}, Action{Users: people(after...)})
		if len(note) > maxNote || !utf8.ValidString(note) {
			t.Fatalf("%q has %d bytes", note, len(note))
		}
		full := fullNote(before, after)
		if note == full {
			return
		}
		short := strings.TrimSuffix(note, "…")
		short = short[:len(short)-2]
		if !strings.HasPrefix(full, short) || len(full) <= maxNote {
			t.Fatalf("%q is cut to %q", full, note)
		}
	})
}

func fullNote(before, after []string) string {
	minus := func(a, b []string) (list []string) {
		for _, x := range a {
			found := false
			for _, y := range b {
				found = found || x == y
			}
			if !found {
				list = append(list, x)
			}
		}
		return list
	}
	var parts []string
	if joined := minus(after, before); joined != nil {
		parts = append(parts, "joined: "+strings.Join(joined, ", "))
	}
	if left := minus(before, after); left != nil {
		parts = append(parts, "left: "+strings.Join(left, ", "))
	}
	return strings.Join(parts, "; ")
}

// report reports that people are there.
func (h *house) report(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := h.Report(t.Context(), Heartbeat{User: name}); err != nil {
			t.Fatal(err)
		}
	}
}

// lookNow looks, and returns the newest presence action if this look made it.
func (h *house) looked(t testing.TB) *Action {
	t.Helper()
	before := len(h.log(t))
	if _, err := h.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := h.log(t)
	if len(log) == before {
		return nil
	}
	return &log[len(log)-1]
}

func TestReportRules(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, c := range []struct {
			name   string
			beat   Heartbeat
			reason Reason
			member string
		}{
			{"a person", Heartbeat{User: "Hans"}, 0, ""},
			{"white space around", Heartbeat{User: " Hans\u3000"}, 0, ""},
			{"a count", Heartbeat{Counted: true, Client: 1<<64 - 1, Users: 3}, 0, ""},
			{"a count of nobody", Heartbeat{Counted: true, Users: 0}, 0, ""},
			{"both", Heartbeat{User: "Ann", Counted: true, Client: 2, Users: 1_000_000}, 0, ""},
			{"nothing", Heartbeat{}, Invalid, "user"},
			{"white space", Heartbeat{User: "  ", Counted: true}, Invalid, "user"},
			{"a long name", Heartbeat{User: "1234567890123456"}, Invalid, "user"},
			{"less than nobody", Heartbeat{Counted: true, Users: -1}, Invalid, "anonymous_users"},
			{"too many", Heartbeat{Counted: true, Users: 1_000_001}, Invalid, "anonymous_users"},
		} {
			t.Run(c.name, func(t *testing.T) { wantError(t, h.Report(t.Context(), c.beat), c.reason, c.member) })
		}
		h.pass(600)
		a := h.looked(t)
		want := Action{ID: 3, Time: now + 600, Type: TypePresence, Note: "joined: Ann, Hans; anonymous: 1000003",
			Users: []Present{{"Ann", now}, {"Hans", now}}, Anonymous: 1_000_003}
		if diff := cmp.Diff(&want, a); diff != "" {
			t.Error(diff)
		}
	})
}

// TestPresenceTimeout: 15 minutes after the last heartbeat a person has left.
func TestPresenceTimeout(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.report(t, "Hans", "Ann")
		if err := h.Report(t.Context(), Heartbeat{Counted: true, Client: 7, Users: 2}); err != nil {
			t.Fatal(err)
		}
		h.pass(300)
		h.report(t, "Ann")
		for _, c := range []struct {
			name string
			pass int64 // seconds since the last step
			note string
			want []Present
		}{
			{"after 10 minutes both are there", 300, "joined: Ann, Hans; anonymous: 2", []Present{{"Ann", now}, {"Hans", now}}},
			{"after 20 minutes one has left, the other not for a second", 599, "", nil},
			{"at 20 minutes both have left", 1, "left: Ann, Hans; anonymous: 0", nil},
		} {
			t.Run(c.name, func(t *testing.T) {
				h.pass(c.pass)
				a := h.looked(t)
				if c.note == "" {
					if a != nil {
						t.Errorf("looked too early: %+v", a)
					}
					return
				}
				if a == nil || a.Note != c.note {
					t.Fatalf("got %+v", a)
				}
				if diff := cmp.Diff(c.want, a.Users); diff != "" {
					t.Error(diff)
				}
			})
		}
	})
}

// TestPresenceOfTheFuture: who was reported while the clock was ahead does not
// stay until that time comes.
func TestPresenceOfTheFuture(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.pass(365 * 24 * hour)
		h.report(t, "Hans")
		if a := h.looked(t); a == nil || a.Note != "joined: Hans" {
			t.Errorf("got %+v", a)
		}
		h.pass(-365 * 24 * hour)
		h.report(t, "Ann")
		if a := h.looked(t); a == nil || a.Note != "joined: Ann; left: Hans" {
			t.Errorf("got %+v", a)
		}
	})
}

// TestSince: a heartbeat in time keeps since, a late one starts anew, also when
// nobody looked in between.
func TestSince(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.report(t, "Hans", "Ann")
		h.pass(899)
		h.report(t, "Hans")
		h.pass(1)
		h.report(t, "Ann")
		if diff := cmp.Diff([]Present{{"Ann", now + 900}, {"Hans", now}}, h.looked(t).Users); diff != "" {
			t.Error(diff)
		}
	})
}

// TestSameNames: people who left and came back between two looks are no change;
// names are compared and sorted byte by byte.
func TestSameNames(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.report(t, "b", "a", "B", "ä", "Ä", "z", "日")
		h.pass(600)
		a := h.looked(t)
		var names []string
		for _, p := range a.Users {
			names = append(names, p.Name)
		}
		if got := strings.Join(names, " "); got != "B a b z Ä ä 日" {
			t.Errorf("order: %s", got)
		}
		h.pass(1000)
		h.report(t, "b", "a", "B", "ä", "Ä", "z", "日")
		if a := h.looked(t); a != nil {
			t.Errorf("the same people again: %+v", a)
		}
	})
}
