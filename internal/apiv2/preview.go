package apiv2

import (
	"net/http"

	"stint/internal/tracker"
	"stint/internal/tracker/wall"
)

// maxHeavy is how many previews and exports are made at once; others wait.
const maxHeavy = 2

// alone waits for a place among the requests that take long. leave must be called.
func (a *API) alone(c *call) (leave func(), err error) {
	select {
	case a.heavy <- struct{}{}:
		return func() { <-a.heavy }, nil
	case <-c.Context().Done():
		return nil, c.Context().Err()
	}
}

// postPreview answers POST preview.php: what the same body would mean as a start. Nothing is stored.
func (a *API) postPreview(c *call) error {
	if err := c.onlyParams(); err != nil {
		return err
	}
	b, err := c.object()
	if err != nil {
		return err
	}
	if kind := b.text(fieldType); kind != "" && kind != "live" {
		b.fail("type", "only a live session can be previewed")
	}
	r := b.start()
	if err := b.end(); err != nil {
		return err
	}
	leave, err := a.alone(c)
	if err != nil {
		return err
	}
	defer leave()
	p, err := a.Tracker.Preview(c.owner(), r)
	if err != nil {
		return err
	}
	t := append(begin(c.text), `{"odds":{`...)
	t = appendDiceOdds(append(t, `"dice":`...), p.Odds.Dice)
	t = appendCoinOdds(append(t, `,"link":`...), p.Odds.Link)
	t = appendCoinOdds(append(t, `,"luck":`...), p.Odds.Luck)
	c.text = append(appendSimulation(append(t, `},"simulation":`...), p.Simulation), '}')
	return c.succeed(http.StatusOK)
}

func appendDiceOdds(b []byte, o *tracker.DiceOdds) []byte {
	if o == nil {
		return append(b, "null"...)
	}
	for i, chance := range o.Totals {
		b = appendFloat(b, oneBefore(i, `{"totals":[`), chance)
	}
	b = appendInt(b, `],"most_seconds":`, o.Most)
	b = appendFloat(b, `,"mean_seconds":`, o.Mean)
	return append(appendFloat(b, `,"deviation_seconds":`, o.Deviation), '}')
}

func appendCoinOdds(b []byte, o *tracker.CoinOdds) []byte {
	if o == nil {
		return append(b, "null"...)
	}
	b = appendInt(b, `{"add_least_seconds":`, o.AddLeast)
	b = appendInt(b, `,"add_most_seconds":`, o.AddMost)
	b = appendFloat(b, `,"add_mean_seconds":`, o.AddMean)
	b = appendInt(b, `,"sub_least_seconds":`, o.SubLeast)
	b = appendInt(b, `,"sub_most_seconds":`, o.SubMost)
	b = appendFloat(b, `,"sub_mean_seconds":`, o.SubMean)
	return append(appendFloat(b, `,"drift_seconds":`, o.Drift), '}')
}

func appendSimulation(b []byte, s *tracker.Simulation) []byte {
	if s == nil {
		return append(b, "null"...)
	}
	b = appendInt(b, `{"runs":`, int64(s.Runs))
	for _, end := range []struct {
		name string
		at   wall.Moment
	}{{"median", s.Median}, {"p10", s.P10}, {"p90", s.P90}, {"worst", s.Worst}, {"horizon", s.Horizon}} {
		b = appendLocal(b, `,"`+end.name+`":`, &end.at)
		b = appendUTC(b, `,"`+end.name+`_utc":`, &end.at)
	}
	return append(appendInt(b, `,"open":`, int64(s.Open)), '}')
}
