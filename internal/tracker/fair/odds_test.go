package fair

import (
	"crypto/sha256"
	"testing"
)

// chi2 is Pearson's statistic of the counts against the expected shares.
func chi2(counts []int, shares []float64) float64 {
	total, sum := 0, 0.0
	for _, c := range counts {
		total += c
	}
	for i, c := range counts {
		want := shares[i] * float64(total)
		sum += (float64(c) - want) * (float64(c) - want) / want
	}
	return sum
}

func even(n int) []float64 {
	shares := make([]float64, n)
	for i := range shares {
		shares[i] = 1 / float64(n)
	}
	return shares
}

// TestOdds draws each game 20,000 times from fixed chains and compares every part of the draw with its odds.
// The bounds are the 99.9 % quantiles of chi-square.
func TestOdds(t *testing.T) {
	const rounds = 20_000
	die, sign, final, multi := make([]int, 6), make([]int, 2), make([]int, 2), make([]int, 11)
	coins, minutes := make([]int, 2), make([]int, 10)
	totals := make([]int, 13)
	for i := range rounds {
		seed := Seed(sha256.Sum256([]byte{byte(i), byte(i >> 8), 7}))
		dice := Draw{Nonce: i + 1, Game: Dice, Dices: 2, Unit: 60, MinMulti: 100, MaxMulti: 110}
		link := Draw{Nonce: i + 1, Game: Link, Choice: Rand, Add: 60, Sub: 60, MinMulti: 100, MaxMulti: 100}
		end := Draw{Nonce: i + 1, Game: MaxEnd, From: 1000, To: 1009}
		for _, d := range []*Draw{&dice, &link, &end} {
			if err := d.Roll(5, seed); err != nil {
				t.Fatal(err)
			}
		}
		for j, v := range dice.Values {
			die[v-1]++
			sign[b2i(dice.Signs[j] == "-")]++
		}
		final[b2i(dice.Operation == Sub)]++
		multi[dice.Multi-100]++
		totals[dice.Total()]++
		coins[b2i(link.Operation == Sub)]++
		minutes[end.End-1000]++
	}
	for _, tc := range []struct {
		name   string
		counts []int
		shares []float64
		bound  float64
	}{
		{"die", die, even(6), 20.52},
		{"sign of a die", sign, even(2), 10.83},
		{"final sign", final, even(2), 10.83},
		{"multiplier", multi, even(11), 29.59},
		{"coin", coins, even(2), 10.83},
		{"maxend", minutes, even(10), 27.88},
		{"total of two dice", totals, twoDice(), 32.91},
	} {
		if got := chi2(tc.counts, tc.shares); got > tc.bound {
			t.Errorf("%s: chi-square %.2f above %.2f: %v", tc.name, got, tc.bound, tc.counts)
		}
	}
}

// twoDice is the exact distribution of |±a ± b| over 0 … 12.
func twoDice() []float64 {
	shares := make([]float64, 13)
	for a := 1; a <= 6; a++ {
		for b := 1; b <= 6; b++ {
			shares[a+b] += 1.0 / 72
			shares[max(a-b, b-a)] += 1.0 / 72
		}
	}
	return shares
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func BenchmarkRoll(b *testing.B) {
	chain, _ := NewChain(NewSeed(), Length)
	stored := chain.Bytes()
	for i := range b.N {
		c, err := ParseChain(stored, Length)
		if err != nil {
			b.Fatal(err)
		}
		d := Draw{Nonce: i%Length + 1, Game: Dice, Dices: 2, Unit: 86_400, MinMulti: 100, MaxMulti: 200}
		if err := d.Roll(1, c.Seed(d.Nonce)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewChain(b *testing.B) {
	for range b.N {
		NewChain(NewSeed(), Length)
	}
}
