package tracker

import "math"

// Odds is the exact chances of the games that are on.
type Odds struct {
	Dice       *DiceOdds
	Link, Luck *CoinOdds
}

// DiceOdds is the chances of one play of dice. Adding and subtracting are equally likely, so the mean move is 0.
type DiceOdds struct {
	Totals    []float64 // the chance of each absolute total, 0 to six times the number of dice
	Most      int64     // seconds of the largest total at the largest multiplier
	Mean      float64   // of the seconds of a play, whatever its direction
	Deviation float64   // standard deviation of a play's move, in seconds, ADD counted as plus and SUB as minus
}

// CoinOdds is the chances of one play of luck, or of a vote with a coin: ADD or SUB, each one half. Seconds.
type CoinOdds struct {
	AddLeast, AddMost int64
	SubLeast, SubMost int64
	AddMean, SubMean  float64
	Drift             float64 // mean move, ADD counted as plus and SUB as minus
}

// Odds computes the chances from the settings, which must pass Check.
func (s Settings) Odds() Odds {
	var o Odds
	if d := s.Dice; d != nil {
		o.Dice = d.odds()
	}
	if l := s.Link; l != nil {
		o.Link = coinOdds(l.Add, l.Sub, l.Multi)
	}
	if l := s.Luck; l != nil {
		o.Luck = coinOdds(l.Add, l.Sub, l.Multi)
	}
	return o
}

// totals is the chance of each |sum of signed dice|: every die is one of ±1 … ±6, or with a single die 1 … 6.
func totals(dice int) []float64 {
	if dice == 1 {
		return []float64{0, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6, 1.0 / 6}
	}
	top := 6 * dice
	sums := make([]float64, 2*top+1) // index: sum + top
	sums[top] = 1
	for range dice {
		next := make([]float64, len(sums))
		for i, p := range sums {
			for v := 1; p > 0 && v <= 6; v++ {
				next[i+v] += p / 12
				next[i-v] += p / 12
			}
		}
		sums = next
	}
	all := make([]float64, top+1)
	all[0] = sums[top]
	for t := 1; t <= top; t++ {
		all[t] = sums[top+t] + sums[top-t]
	}
	return all
}

// moments is the mean and the mean square of a multiplier, as factors.
func (m Multis) moments() (mean, square float64) {
	a, b := m.Min.Float(), m.Max.Float()
	n := float64(m.Max - m.Min + 1)
	mean = (a + b) / 2
	return mean, mean*mean + (n*n-1)/12/10_000
}

func (d *Dice) odds() *DiceOdds {
	o := &DiceOdds{Totals: totals(d.Number)}
	o.Most = secondsOf(int64(6*d.Number), d.Unit, d.Multi.Max)
	mean, square := d.Multi.moments()
	var t1, t2 float64
	for t, p := range o.Totals {
		t1 += p * float64(t)
		t2 += p * float64(t*t)
	}
	o.Mean = t1 * mean * float64(d.Unit)
	o.Deviation = math.Sqrt(t2*square) * float64(d.Unit)
	return o
}

func coinOdds(add, sub Span, m Multis) *CoinOdds {
	mean, _ := m.moments()
	o := &CoinOdds{
		AddLeast: secondsOf(int64(add.Amount), add.Unit, m.Min), AddMost: secondsOf(int64(add.Amount), add.Unit, m.Max),
		SubLeast: secondsOf(int64(sub.Amount), sub.Unit, m.Min), SubMost: secondsOf(int64(sub.Amount), sub.Unit, m.Max),
		AddMean: mean * float64(add.Seconds()), SubMean: mean * float64(sub.Seconds()),
	}
	o.Drift = (o.AddMean - o.SubMean) / 2
	return o
}
