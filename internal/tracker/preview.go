package tracker

import (
	"math"
	"math/rand/v2"
	"slices"

	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// Preview is what a start would mean.
type Preview struct {
	Odds       Odds
	Simulation *Simulation // nil without a scheduled end
}

// Simulation is where the scheduled end came to lie in a number of simulated sessions. In each of them the owner plays
// dice and luck as often as the minimum asks, else once a day, or as often as a longer wait allows; nobody votes, and no
// day is missed. It is seeded by the request: asked again at the same time it answers the same.
type Simulation struct {
	Runs             int
	Median, P10, P90 wall.Moment // so many of the ends are not later
	Worst            wall.Moment // the latest
	Horizon          wall.Moment // how far the simulation looked
	Open             int         // runs that had not ended there; their ends count as they stood
}

const (
	runs       = 10_000
	exactSteps = 60   // steps of one day
	maxSteps   = 150  // steps in all
	growth     = 1.08 // of the steps after the exact ones
)

// Preview computes odds and a simulation for a start, by the same rules as Start but without looking at stored sessions;
// nothing is stored. It takes a bounded time, whatever is asked for. Errors: Validation.
func (t *Tracker) Preview(o Owner, r StartRequest) (*Preview, error) {
	d, err := rules{now: t.db.Now(), zone: o.Zone, past: t.past}.start(r)
	if err != nil {
		return nil, err
	}
	p := &Preview{Odds: d.Odds()}
	if d.scheduled != nil {
		p.Simulation = d.simulate(t.db.Now().Unix(), o)
	}
	return p, nil
}

// step is one stretch of a simulated session: so many days, and so many plays of each game.
type step struct {
	at    int64 // seconds after the start
	plays [2]float64
}

// player is a game in the simulation.
type player struct {
	perDay    float64
	draw      func(*rand.Rand) int64
	mean, dev float64
}

// some is the sum of n plays: drawn one by one as long as they are few, else from the normal law they approach.
func (p *player) some(r *rand.Rand, n float64) int64 {
	if n > 2 {
		sum := n*p.mean + math.Sqrt(n)*p.dev*r.NormFloat64()
		return int64(max(-lastInstant, min(lastInstant, sum))) // no end lies farther off
	}
	sum := int64(0)
	for range int(n) {
		sum += p.draw(r)
	}
	return sum
}

func (d *draft) simulate(now int64, o Owner) *Simulation {
	players := d.players()
	steps := plan(players)
	limit := int64(0)
	if d.limit != nil {
		limit = d.limit.Unix
	}
	r := rand.New(rand.NewPCG(uint64(d.scheduled.Unix), uint64(len(players))))
	s := &Simulation{Runs: runs, Horizon: wall.At(now+steps[len(steps)-1].at, o.Zone)}
	ends := make([]int64, runs)
	for i := range ends {
		end := d.scheduled.Unix
		if d.maxEnd {
			end = d.drawFrom + r.Int64N(end-d.drawFrom+1)
		}
		closed := len(players) == 0
		for _, st := range steps {
			if closed = closed || end <= now+st.at; closed {
				break
			}
			by := int64(0)
			for j := range players {
				by += players[j].some(r, st.plays[j])
			}
			if by < 0 {
				end = moved(end, now+st.at, limit, fair.Sub, -by)
			} else {
				end = moved(end, now+st.at, limit, fair.Add, by)
			}
		}
		if !closed && end > s.Horizon.Unix {
			s.Open++
		}
		ends[i] = end
	}
	slices.Sort(ends)
	at := func(share float64) wall.Moment { return wall.At(ends[int(math.Ceil(share*runs))-1], o.Zone) }
	s.P10, s.Median, s.P90, s.Worst = at(0.1), at(0.5), at(0.9), at(1)
	return s
}

// plan is the steps of a session: days at first, then longer and longer stretches.
func plan(players []player) []step {
	steps := make([]step, maxSteps)
	at, days := 0.0, 1.0
	for i := range steps {
		steps[i].at = int64(at * float64(Day))
		for j, p := range players {
			steps[i].plays[j] = math.Ceil(p.perDay*(at+days)) - math.Ceil(p.perDay*at)
		}
		at += days
		if i >= exactSteps {
			days *= growth
		}
	}
	return steps
}

// players is the games that an owner plays daily.
func (d *draft) players() []player {
	var all []player
	if g := d.Dice; g != nil {
		o := g.odds()
		sums := make([]float64, len(o.Totals))
		sum := 0.0
		for i, p := range o.Totals {
			sum += p
			sums[i] = sum
		}
		all = append(all, player{perDay: daily(g.Wait, g.Penalty), dev: o.Deviation, draw: func(r *rand.Rand) int64 {
			x := r.Uint64()
			t := totalAt(sums, float64(x>>11)/(1<<53))
			seconds := secondsOf(int64(t), g.Unit, g.Multi.pick(r))
			if x&1 == 1 {
				return -seconds
			}
			return seconds
		}})
	}
	if g := d.Luck; g != nil {
		o := coinOdds(g.Add, g.Sub, g.Multi)
		_, square := g.Multi.moments()
		add, sub := float64(g.Add.Seconds()), float64(g.Sub.Seconds())
		all = append(all, player{perDay: daily(g.Wait, g.Penalty), mean: o.Drift, dev: math.Sqrt(max(0, square*(add*add+sub*sub)/2-o.Drift*o.Drift)),
			draw: func(r *rand.Rand) int64 {
				if r.Uint64()&1 == 1 {
					return -secondsOf(int64(g.Sub.Amount), g.Sub.Unit, g.Multi.pick(r))
				}
				return secondsOf(int64(g.Add.Amount), g.Add.Unit, g.Multi.pick(r))
			}})
	}
	return all
}

// totalAt is the first total whose cumulative chance exceeds x.
func totalAt(sums []float64, x float64) int {
	for t, s := range sums {
		if x < s {
			return t
		}
	}
	return len(sums) - 1
}

// daily is how many plays a day an owner makes.
func daily(wait Span, p *Penalty) float64 {
	n := 1.0
	if w := float64(wait.Seconds()); w > float64(Day) {
		n = float64(Day) / w
	}
	if p != nil {
		n = max(n, float64(p.Min))
	}
	return n
}

func (m Multis) pick(r *rand.Rand) Multi { return m.Min + Multi(r.IntN(int(m.Max-m.Min)+1)) }

// secondsOf is what units of a unit come to at a multiplier, rounded half up.
func secondsOf(units int64, unit Unit, m Multi) int64 {
	return fair.Seconds(units, int64(unit), int(m))
}
