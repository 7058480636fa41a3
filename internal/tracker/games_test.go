package tracker

import "testing"

func TestSettingsCheck(t *testing.T) {
	dice := func(change func(*Dice)) Settings {
		d := exampleDice()
		d.Penalty = &Penalty{Min: 2, Time: Span{1, Day}, Always: true}
		change(d)
		return Settings{Dice: d}
	}
	link := func(change func(*Link)) Settings {
		l := &Link{Add: Span{1, Hour}, Sub: Span{0, Hour}, Multi: Multis{One, One}}
		change(l)
		return Settings{Link: l}
	}
	luck := func(change func(*Luck)) Settings {
		l := &Luck{Add: Span{1, Hour}, Sub: Span{1, Month}, Wait: Span{24, Hour}, Multi: Multis{1, 10_000}, Penalty: &Penalty{Min: 1, Time: Span{0, Day}}}
		change(l)
		return Settings{Luck: l}
	}
	for _, tc := range []struct {
		name  string
		s     Settings
		field Field
	}{
		{"none", Settings{}, ""},
		{"dice", dice(func(*Dice) {}), ""},
		{"link", link(func(*Link) {}), ""},
		{"luck", luck(func(*Luck) {}), ""},
		{"no dice", dice(func(d *Dice) { d.Number = 0 }), "dice.number"},
		{"20 dice", dice(func(d *Dice) { d.Number = 20 }), ""},
		{"21 dice", dice(func(d *Dice) { d.Number = 21 }), "dice.number"},
		{"unknown unit", dice(func(d *Dice) { d.Unit = 7 }), "dice.unit"},
		{"negative wait", dice(func(d *Dice) { d.Wait.Amount = -1 }), "dice.wait"},
		{"wait 10,000", dice(func(d *Dice) { d.Wait, d.Penalty = Span{10_000, Day}, nil }), ""},
		{"wait 10,001", dice(func(d *Dice) { d.Wait.Amount = 10_001 }), "dice.wait"},
		{"wait without unit", dice(func(d *Dice) { d.Wait.Unit = 0 }), "dice.wait.unit"},
		{"multiplier 0.00", dice(func(d *Dice) { d.Multi.Min = 0 }), "dice.min"},
		{"multiplier 100.01", dice(func(d *Dice) { d.Multi.Max = 10_001 }), "dice.max"},
		{"min above max", dice(func(d *Dice) { d.Multi = Multis{201, 200} }), "dice.min"},
		{"four plays in six hours", dice(func(d *Dice) { d.Penalty.Min = 4 }), ""},
		{"five plays in six hours", dice(func(d *Dice) { d.Penalty.Min = 5 }), "dice.penalty.min"},
		{"many plays without a wait", dice(func(d *Dice) { d.Wait.Amount, d.Penalty.Min = 0, 10_000 }), ""},
		{"too many plays", dice(func(d *Dice) { d.Wait.Amount, d.Penalty.Min = 0, 10_001 }), "dice.penalty.min"},
		{"negative plays", dice(func(d *Dice) { d.Penalty.Min = -1 }), "dice.penalty.min"},
		{"minimum zero", dice(func(d *Dice) { d.Penalty.Min = 0 }), ""},
		{"limit zero", dice(func(d *Dice) { d.Penalty.Min, d.Penalty.Always = 0, false }), "dice.penalty.min"},
		{"penalty too large", dice(func(d *Dice) { d.Penalty.Time.Amount = 10_001 }), "dice.penalty.amount"},
		{"penalty without unit", dice(func(d *Dice) { d.Penalty.Time.Unit = 0 }), "dice.penalty.unit"},
		{"link amounts zero", link(func(l *Link) { l.Add.Amount = 0 }), ""},
		{"link add", link(func(l *Link) { l.Add.Amount = 10_001 }), "link.add"},
		{"link sub unit", link(func(l *Link) { l.Sub.Unit = 1 }), "link.sub.unit"},
		{"link multipliers", link(func(l *Link) { l.Multi.Max = 0 }), "link.max"},
		{"luck sub", luck(func(l *Luck) { l.Sub.Amount = -5 }), "luck.sub"},
		{"luck wait", luck(func(l *Luck) { l.Wait.Amount = 10_001 }), "luck.wait"},
		{"luck impossible", luck(func(l *Luck) { l.Wait.Amount = 25 }), "luck.penalty.min"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code := Validation
			if tc.field == "" {
				code = ""
			}
			wantError(t, tc.s.Check(), code, tc.field)
		})
	}
}

func TestParseUnit(t *testing.T) {
	for word, want := range map[string]Unit{"MINUTE": 60, "hour": 3600, "Day": 86400, "MONTH": 2592000, "WEEK": 0, "": 0, "60 s": 0} {
		got, ok := ParseUnit(word)
		if got != want || ok != (want != 0) {
			t.Errorf("ParseUnit(%q) = %d, %t", word, got, ok)
		}
	}
}

func TestParseMulti(t *testing.T) {
	for text, want := range map[string]Multi{
		"1": 100, "1.0": 100, "0.01": 1, "100.00": 10_000, "1.29": 129, "4.35": 435, "1e0": 100, "2.50": 250, "0": 0, "1000": 100_000,
	} {
		if got, ok := ParseMulti(text); !ok || got != want {
			t.Errorf("ParseMulti(%q) = %d, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", "x", "NaN", "Inf", "1e400", "-1", "1.005", "0.001", "1,5"} {
		if got, ok := ParseMulti(text); ok {
			t.Errorf("ParseMulti(%q) = %d", text, got)
		}
	}
}

func FuzzParseMulti(f *testing.F) {
	for _, s := range []string{"1.0", "1e400", "NaN", "0.005", "99.99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if m, ok := ParseMulti(s); ok && (m < 0 || m > 100_000_000) {
			t.Errorf("%q reads as %d", s, m)
		}
	})
}
