package tracker

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestOddsSumToOne(t *testing.T) {
	for _, n := range []int{1, 2, 3, 20} {
		sum := 0.0
		for _, p := range totals(n) {
			sum += p
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("%d dice: %v", n, sum)
		}
	}
}

// TestOddsOfTwoDice compares with the 36 × 4 equally likely throws.
func TestOddsOfTwoDice(t *testing.T) {
	want := make([]float64, 13)
	for a := 1; a <= 6; a++ {
		for b := 1; b <= 6; b++ {
			want[a+b] += 1.0 / 72
			want[max(a-b, b-a)] += 1.0 / 72
		}
	}
	for i, p := range totals(2) {
		if math.Abs(p-want[i]) > 1e-12 {
			t.Errorf("total %d: %v, want %v", i, p, want[i])
		}
	}
}

func TestCoinOdds(t *testing.T) {
	o := Settings{Luck: &Luck{Add: Span{1, Day}, Sub: Span{12, Hour}, Multi: Multis{100, 150}}}.Odds().Luck
	if o.AddLeast != 86_400 || o.AddMost != 129_600 || o.SubLeast != 43_200 || o.SubMost != 64_800 || o.AddMean != 108_000 || o.Drift != 27_000 {
		t.Errorf("%+v", o)
	}
}

// TestDeviationAgainstDraws compares the exact moments with the simulation's own plays.
func TestDeviationAgainstDraws(t *testing.T) {
	d := &draft{Settings: Settings{
		Dice: &Dice{Number: 3, Unit: Hour, Multi: Multis{50, 250}},
		Luck: &Luck{Add: Span{5, Hour}, Sub: Span{1, Day}, Multi: Multis{100, 300}},
	}}
	r := newTestRand()
	for i, p := range d.players() {
		var sum, square float64
		const n = 200_000
		for range n {
			x := float64(p.draw(r))
			sum += x
			square += x * x
		}
		mean, dev := sum/n, math.Sqrt(square/n-sum/n*sum/n)
		if math.Abs(mean-p.mean) > 5*p.dev/math.Sqrt(n) || math.Abs(dev/p.dev-1) > 0.02 {
			t.Errorf("game %d: mean %.0f, deviation %.0f; the odds say %.0f, %.0f", i, mean, dev, p.mean, p.dev)
		}
	}
}

func TestPreview(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		p, err := h.Preview(o, StartRequest{ScheduledDate: "2026-02-20", Settings: Settings{Luck: &Luck{Add: Span{1, Hour}, Sub: Span{0, Hour}, Wait: Span{1, Day}, Multi: Multis{One, One}}}})
		if err != nil {
			t.Fatal(err)
		}
		s := p.Simulation
		begin := time.Date(2026, 2, 19, 23, 0, 0, 0, time.UTC)
		if s.Open != 0 || s.Runs != 10_000 || s.P10.Unix <= begin.Unix() || s.P10.Unix > s.Median.Unix || s.Median.Unix > s.P90.Unix || s.P90.Unix > s.Worst.Unix {
			t.Errorf("%+v", s)
		}
		// About 18 plays, each adding one hour with a chance of one half.
		if hours := s.Median.UTC().Sub(begin).Hours(); hours < 8 || hours > 10 {
			t.Errorf("the median is %v hours later", hours)
		}
		limited, err := h.Preview(o, StartRequest{ScheduledDate: "2026-02-20", LimitDate: "2026-02-21", Settings: allGames()})
		if err != nil {
			t.Fatal(err)
		}
		if got := limited.Simulation.Worst.Local().Format(time.DateOnly); got > "2026-02-21" {
			t.Errorf("the worst end, %s, lies beyond the limit", got)
		}
		plain, err := h.Preview(o, StartRequest{ScheduledDate: "2026-02-20"})
		if err != nil || plain.Simulation.Worst != plain.Simulation.P10 {
			t.Errorf("without games: %+v, %v", plain, err)
		}
		_, err = h.Preview(o, StartRequest{Settings: allGames()})
		wantError(t, err, Validation, FieldScheduledDate)
	})
}

// worstPreview asks for what takes longest: two games that go on for ever.
func worstPreview() StartRequest {
	return StartRequest{ScheduledDate: "2027-02-20", Settings: Settings{
		Dice: &Dice{Number: 20, Unit: Day, Wait: Span{0, Hour}, Multi: Multis{1, 10_000}, Penalty: &Penalty{Min: 2, Always: true, Time: Span{1, Day}}},
		Luck: &Luck{Add: Span{10, Month}, Sub: Span{1, Minute}, Wait: Span{0, Hour}, Multi: Multis{100, 200}, Penalty: &Penalty{Min: 2, Always: true, Time: Span{1, Day}}},
	}}
}

func BenchmarkPreview(b *testing.B) {
	h := openBench(b)
	for b.Loop() {
		if _, err := h.Preview(h.rome(1), worstPreview()); err != nil {
			b.Fatal(err)
		}
	}
}

func newTestRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
