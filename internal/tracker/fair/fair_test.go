package fair

import (
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// exampleChain is the chain of the readings' test vectors.
func exampleChain() (*Chain, Seed) {
	return NewChain(sha256.Sum256([]byte("example tip - 32 random bytes in production")), 8)
}

func exampleDocument(t testing.TB) Document {
	t.Helper()
	chain, s0 := exampleChain()
	dice := Draw{Game: Dice, Dices: 2, Unit: 86_400, MinMulti: 100, MaxMulti: 200}
	luck := Draw{Game: Luck, Add: 86_400, Sub: 12 * 3_600, MinMulti: 100, MaxMulti: 150}
	doc := Document{Scheme: Scheme, Session: 999, Commitment: s0.String(), Length: 8, Draws: []Draw{dice, dice, luck, luck}}
	for i := range doc.Draws {
		d := &doc.Draws[i]
		d.Nonce, d.ClientSeed = i+1, "my-client-seed"
		if err := d.Roll(999, chain.Seed(d.Nonce)); err != nil {
			t.Fatal(err)
		}
	}
	return doc
}

func TestVectorsOfTheReadings(t *testing.T) {
	doc := exampleDocument(t)
	if want := "13bb2dfaf2d7ce2c625d29980d90142200d04b40e095f20d66147fb9fc797183"; doc.Commitment != want {
		t.Errorf("s_0 = %s, want %s", doc.Commitment, want)
	}
	want := []Draw{
		{Seed: "f3c5983c730ebc3b73e6deb9351c9ebc2efeb99e0779ed76c755d33da90bb462",
			Values: []int{3, 6}, Signs: []string{"+", "+"}, Multi: 188, Operation: Sub, Seconds: 1_461_888},
		{Seed: "e7e8bdb269af5693b9dd983ae7080f2554687e493eae35cc994ae629f7315af8",
			Values: []int{6, 4}, Signs: []string{"-", "+"}, Multi: 185, Operation: Sub, Seconds: 319_680},
		{Multi: 118, Operation: Sub, Seconds: 50_976},
		{Multi: 124, Operation: Sub, Seconds: 53_568},
	}
	for i, got := range doc.Draws {
		w := want[i]
		if w.Seed != "" && got.Seed != w.Seed {
			t.Errorf("draw %d: seed %s, want %s", i+1, got.Seed, w.Seed)
		}
		got = Draw{Values: got.Values, Signs: got.Signs, Multi: got.Multi, Operation: got.Operation, Seconds: got.Seconds}
		w.Seed = ""
		if diff := cmp.Diff(w, got); diff != "" {
			t.Errorf("draw %d: %s", i+1, diff)
		}
	}
}

func TestProofIsTheRevealedLink(t *testing.T) {
	doc := exampleDocument(t)
	p := doc.Draws[0].Proof()
	if p.Scheme != "fair1" || p.Nonce != 1 || p.Prev != doc.Commitment || p.ClientSeed != "my-client-seed" || p.Seed != doc.Draws[0].Seed {
		t.Errorf("proof %+v", p)
	}
}

func TestChainSeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(1, 450).Draw(t, "length")
		tip := Seed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "tip"))
		chain, s0 := NewChain(tip, length)
		stored, err := ParseChain(chain.Bytes(), length)
		if err != nil {
			t.Fatal(err)
		}
		if stored.Tip() != tip || stored.Len() != length {
			t.Fatal("the stored chain has another tip")
		}
		prev := s0
		for i := 1; i <= length; i++ {
			s := stored.Seed(i)
			if s.Prev() != prev {
				t.Fatalf("s_%d does not hash to s_%d", i, i-1)
			}
			prev = s
		}
		if prev != tip {
			t.Fatal("the last seed is not the tip")
		}
	})
}

func TestParseChainRefusesOtherSizes(t *testing.T) {
	chain, _ := exampleChain()
	for name, tc := range map[string]struct {
		b      []byte
		length int
	}{
		"empty":     {nil, 8},
		"cut":       {chain.Bytes()[1:], 8},
		"too short": {chain.Bytes(), 101},
		"none":      {nil, 0},
	} {
		if _, err := ParseChain(tc.b, tc.length); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestVerifyRefusesOneChange(t *testing.T) {
	flip := func(s string) string { return map[bool]string{true: "1", false: "0"}[s[0] == '0'] + s[1:] }
	for name, change := range map[string]func(d *Document){
		"scheme":              func(d *Document) { d.Scheme = "fair2" },
		"session":             func(d *Document) { d.Session++ },
		"commitment":          func(d *Document) { d.Commitment = flip(d.Commitment) },
		"length":              func(d *Document) { d.Length = 9 },
		"length zero":         func(d *Document) { d.Length = 0 },
		"tip":                 func(d *Document) { d.Tip = flip(d.Tip) },
		"tip is no seed":      func(d *Document) { d.Tip = "xyz" },
		"commitment no seed":  func(d *Document) { d.Commitment = "" },
		"upper case seed":     func(d *Document) { d.Draws[0].Seed = strings.ToUpper(d.Draws[0].Seed) },
		"seed of first":       func(d *Document) { d.Draws[0].Seed = flip(d.Draws[0].Seed) },
		"seed of last":        func(d *Document) { d.Draws[3].Seed = flip(d.Draws[3].Seed) },
		"prev":                func(d *Document) { d.Draws[2].Prev = flip(d.Draws[2].Prev) },
		"client seed":         func(d *Document) { d.Draws[1].ClientSeed = "my-client-seeds" },
		"client seed newline": func(d *Document) { d.Draws[1].ClientSeed = "my\nseed" },
		"nonce":               func(d *Document) { d.Draws[3].Nonce = 5 },
		"nonce repeated":      func(d *Document) { d.Draws[3].Nonce = 3 },
		"nonce zero":          func(d *Document) { d.Draws[0].Nonce = 0 },
		"game":                func(d *Document) { d.Draws[3].Game = "POKER" },
		"die":                 func(d *Document) { d.Draws[0].Values[0] = 4 },
		"sign":                func(d *Document) { d.Draws[0].Signs[1] = "-" },
		"operation":           func(d *Document) { d.Draws[0].Operation = Add },
		"multiplier":          func(d *Document) { d.Draws[0].Multi = 187 },
		"seconds":             func(d *Document) { d.Draws[3].Seconds++ },
		"unit":                func(d *Document) { d.Draws[0].Unit = 3_600 },
		"dice out of range":   func(d *Document) { d.Draws[0].Dices = 0 },
		"min above max":       func(d *Document) { d.Draws[3].MinMulti = 151 },
	} {
		t.Run(name, func(t *testing.T) {
			doc := exampleDocument(t)
			chain, _ := exampleChain()
			doc.Tip = chain.Tip().String()
			if err := doc.Verify(); err != nil {
				t.Fatalf("before the change: %v", err)
			}
			change(&doc)
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Verify(text); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := Verify([]byte("{")); err == nil {
		t.Error("half a document was accepted")
	}
}

func TestVerifyAcceptsPartsAndOtherOrders(t *testing.T) {
	doc := exampleDocument(t)
	slices.Reverse(doc.Draws)
	doc.Draws = slices.Delete(doc.Draws, 1, 2)
	if err := doc.Verify(); err != nil {
		t.Error(err)
	}
}

func TestRollAndVerifyAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(1, 30).Draw(t, "length")
		chain, s0 := NewChain(Seed(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "tip")), length)
		session := rapid.Int64Range(0, 1<<40).Draw(t, "session")
		doc := Document{Scheme: Scheme, Session: session, Commitment: s0.String(), Length: length, Tip: chain.Tip().String()}
		for i := 1; i <= length; i++ {
			d := drawDraw(t)
			d.Nonce = i
			if err := d.Roll(session, chain.Seed(i)); err != nil {
				t.Fatal(err)
			}
			doc.Draws = append(doc.Draws, d)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(text); err != nil {
			t.Fatal(err)
		}
	})
}

func drawDraw(t *rapid.T) Draw {
	low := rapid.IntRange(1, 10_000).Draw(t, "min")
	d := Draw{
		Game:       rapid.SampledFrom([]string{Dice, Luck, Link, MaxEnd}).Draw(t, "game"),
		ClientSeed: rapid.StringMatching(`[a-zé€ -]{0,64}`).Draw(t, "client seed"),
	}
	switch d.Game {
	case MaxEnd:
		d.From = rapid.Int64Range(0, 1<<33).Draw(t, "from")
		d.To = d.From + rapid.Int64Range(0, MaxSpan-1).Draw(t, "span")
		return d
	case Dice:
		d.Dices, d.Unit = rapid.IntRange(1, 20).Draw(t, "dices"), 60
	case Link:
		d.Choice = rapid.SampledFrom([]string{Add, Sub, Rand}).Draw(t, "choice")
		fallthrough
	default:
		d.Add, d.Sub = rapid.Int64Range(0, 1<<30).Draw(t, "add"), rapid.Int64Range(0, 1<<30).Draw(t, "sub")
	}
	d.MinMulti, d.MaxMulti = low, rapid.IntRange(low, 10_000).Draw(t, "max")
	return d
}

func TestBelow(t *testing.T) {
	n := NewNumbers(Seed{}, 1, 1, Dice, "")
	for range 20 {
		if got := n.Below(1); got != 0 {
			t.Fatalf("Below(1) = %d", got)
		}
		if got := n.Below(1 << 32); got < 0 || got >= 1<<32 {
			t.Fatalf("Below(2^32) = %d", got)
		}
	}
	for _, limit := range []int64{0, -1, 1<<32 + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Below(%d) did not panic", limit)
				}
			}()
			n.Below(limit)
		}()
	}
}

func TestSeconds(t *testing.T) {
	for _, tc := range []struct {
		units, unit int64
		multi       int
		want        int64
	}{
		{9, 86_400, 188, 1_461_888}, {0, 86_400, 188, 0}, {1, 60, 1, 1}, {1, 49, 1, 0}, {1, 50, 1, 1},
		{10_000, 2_592_000, 10_000, 2_592_000_000_000},
	} {
		if got := Seconds(tc.units, tc.unit, tc.multi); got != tc.want {
			t.Errorf("Seconds(%d, %d, %d) = %d, want %d", tc.units, tc.unit, tc.multi, got, tc.want)
		}
	}
}

func TestCheckClientSeed(t *testing.T) {
	for name, tc := range map[string]struct {
		seed string
		ok   bool
	}{
		"empty":                   {"", true},
		"64 characters":           {strings.Repeat("é", 64), true},
		"65 characters":           {strings.Repeat("a", 65), false},
		"line break":              {"a\nb", false},
		"NUL":                     {"a\x00", false},
		"not UTF-8":               {"\xff", false},
		"spaces and punctuation!": {"to be, or not to be?", true},
	} {
		if err := CheckClientSeed(tc.seed); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
