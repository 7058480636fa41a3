package wall

import "testing"

func TestText(t *testing.T) {
	for _, m := range []Moment{{0, 0}, {1770030000, 3600}, {1770030000, -34200}, {-3_000_000_000, 2996}, {-3_000_000_000, -2996}, {-60_000_000_000, 0}} {
		text, err := m.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var got Moment
		if err := got.UnmarshalText(text); err != nil || got != m {
			t.Errorf("%s is %+v, want %+v: %v", text, got, m, err)
		}
	}
	for _, bad := range []string{"", "2026-02-02", "2026-02-02T12:00:00", "2026-02-02T12:00:00 01:00", "2026-02-30T12:00:00Z", "2026-02-02T12:00:00+1:00",
		"2026-02-02T12:00:00+01", "2026-02-02T12:00:00+27:00", "2026-02-02T12:00:00+01:60", "2026-02-02T12:00:00+01:00:00:00", "2026-02-02T12:00:00+0a:00"} {
		if err := new(Moment).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}
