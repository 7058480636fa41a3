package tracker

import (
	"crypto/sha256"
	"testing"

	"stint/internal/tracker/fair"
)

// chiSquare is Pearson's statistic of the counts against the expected shares.
func chiSquare(counts map[int]int, shares []float64) float64 {
	total, sum := 0, 0.0
	for _, c := range counts {
		total += c
	}
	for i, share := range shares {
		if want := share * float64(total); want > 0 {
			d := float64(counts[i]) - want
			sum += d * d / want
		}
	}
	return sum
}

// TestDrawsFollowTheOdds draws every game to the end of one fixed chain and compares with the odds that a preview
// states. The bounds are the 99.9 % quantiles of chi-square.
func TestDrawsFollowTheOdds(t *testing.T) {
	chain, _ := fair.NewChain(sha256.Sum256([]byte("a fixed tip")), fair.Length)
	settings := Settings{
		Dice: &Dice{Number: 3, Unit: Hour, Multi: Multis{100, 104}},
		Luck: &Luck{Add: Span{1, Day}, Sub: Span{12, Hour}, Multi: Multis{100, 104}},
	}
	odds := settings.Odds()
	totals, multis, luck, link := map[int]int{}, map[int]int{}, map[int]int{}, map[int]int{}
	added, luckMoved := int64(0), int64(0)
	for i := 1; i <= fair.Length; i++ {
		dice := fair.Draw{Nonce: i, Game: fair.Dice, Dices: 3, Unit: 3_600, MinMulti: 100, MaxMulti: 104}
		coin := fair.Draw{Nonce: i, Game: fair.Luck, Add: 86_400, Sub: 43_200, MinMulti: 100, MaxMulti: 104}
		vote := fair.Draw{Nonce: i, Game: fair.Link, Choice: fair.Rand, Add: 60, Sub: 60, MinMulti: 100, MaxMulti: 100}
		for _, d := range []*fair.Draw{&dice, &coin, &vote} {
			if err := d.Roll(7, chain.Seed(i)); err != nil {
				t.Fatal(err)
			}
		}
		if dice.Seconds > odds.Dice.Most || coin.Operation == fair.Add && (coin.Seconds < odds.Luck.AddLeast || coin.Seconds > odds.Luck.AddMost) ||
			coin.Operation == fair.Sub && (coin.Seconds < odds.Luck.SubLeast || coin.Seconds > odds.Luck.SubMost) {
			t.Fatalf("a draw lies outside of its odds: %+v, %+v", dice, coin)
		}
		totals[dice.Total()]++
		multis[dice.Multi-100]++
		luck[flag(coin.Operation == fair.Sub)]++
		link[flag(vote.Operation == fair.Sub)]++
		added += dice.Seconds
		luckMoved += coin.Seconds * int64(1-2*flag(coin.Operation == fair.Sub))
	}
	for _, tc := range []struct {
		name   string
		counts map[int]int
		shares []float64
		bound  float64
	}{
		{"totals of three dice", totals, odds.Dice.Totals, 42.31},
		{"multipliers", multis, []float64{0.2, 0.2, 0.2, 0.2, 0.2}, 18.47},
		{"luck", luck, []float64{0.5, 0.5}, 10.83},
		{"link", link, []float64{0.5, 0.5}, 10.83},
	} {
		if got := chiSquare(tc.counts, tc.shares); got > tc.bound {
			t.Errorf("%s: chi-square %.2f above %.2f: %v", tc.name, got, tc.bound, tc.counts)
		}
	}
	if mean := float64(added) / fair.Length; mean < 0.97*odds.Dice.Mean || mean > 1.03*odds.Dice.Mean {
		t.Errorf("dice move %.0f s on average, the odds say %.0f", mean, odds.Dice.Mean)
	}
	if mean := float64(luckMoved) / fair.Length; mean < odds.Luck.Drift-3_000 || mean > odds.Luck.Drift+3_000 {
		t.Errorf("luck moves %.0f s on average, the odds say %.0f", mean, odds.Luck.Drift)
	}
}
