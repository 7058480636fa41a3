package client

// Unit is a unit of time.
type Unit string

// The units. A month is 30 days; waits are not counted in months.
const (
	Minute Unit = "MINUTE"
	Hour   Unit = "HOUR"
	Day    Unit = "DAY"
	Month  Unit = "MONTH"
)

// Games are a session's games; nil is off. In an answer each game says how it
// stands.
type Games struct {
	Dice *Dice `json:"dice"`
	Link *Link `json:"link"`
	Luck *Luck `json:"luck"`
}

// Dice are the settings of the dice game.
type Dice struct {
	Number   int      `json:"dices"` // 1 to 20
	Unit     Unit     `json:"addunit"`
	Wait     int      `json:"waitint"` // from one play to the next
	WaitUnit Unit     `json:"waitunit"`
	Min      float64  `json:"minmultiplier"` // 0.01 to 100; 0 is 1
	Max      float64  `json:"maxmultiplier"`
	Penalty  *Penalty `json:"penalties"`
	State
}

// Link are the settings of the public link game. An amount of 0 closes that
// choice.
type Link struct {
	Add        int     `json:"addint"`
	AddUnit    Unit    `json:"addunit"`
	Sub        int     `json:"subint"`
	SubUnit    Unit    `json:"subunit"`
	Votes      int     `json:"waitint"`       // wished for; not set at the start
	ResetVotes Flag    `json:"resetvotes"`    // a voter may vote once a day instead of once
	Min        float64 `json:"minmultiplier"` // as in Dice
	Max        float64 `json:"maxmultiplier"`
	Token      string  `json:"token"` // what the public votes with; only in answers
	State
}

// Luck are the settings of the luck game.
type Luck struct {
	Add      int      `json:"addint"`
	AddUnit  Unit     `json:"addunit"`
	Sub      int      `json:"subint"`
	SubUnit  Unit     `json:"subunit"`
	Wait     int      `json:"waitint"`
	WaitUnit Unit     `json:"waitunit"`
	Min      float64  `json:"minmultiplier"` // as in Dice
	Max      float64  `json:"maxmultiplier"`
	Penalty  *Penalty `json:"penalties"`
	State
}

// Penalty is what a day with too few plays costs.
type Penalty struct {
	Min    int  `json:"min"` // plays a day
	Amount int  `json:"addint"`
	Unit   Unit `json:"addunit"`
	Always Flag `json:"always"` // more plays than Min are allowed; else Min is also the most
}

// State is how a game stands; only in answers.
type State struct {
	Plays int   `json:"plays"`
	Today int   `json:"plays_today"`
	Last  Stamp `json:"last_play_utc"` // zero: never
	Next  Stamp `json:"next_play_utc"` // when it may be played next; zero: now

	Days []Midnight `json:"days"` // of games with a penalty, newest first
}

// Midnight is what was found for a game when a local day was over.
type Midnight struct {
	Date    string `json:"date"`
	Plays   int    `json:"plays"`
	Penalty int64  `json:"penalty"` // seconds that the scheduled end moved by
	Reason  string `json:"reason"`  // enough, missed, first_day, schedule_reached or down
}

// Flag is a truth that the API writes as 0 or 1.
type Flag bool

// UnmarshalJSON reads 0, 1, true and false.
func (f *Flag) UnmarshalJSON(text []byte) error {
	*f = Flag(string(text) == "1" || string(text) == "true")
	return nil
}

// fill writes the games into a request.
func (g Games) fill(b body) {
	if d := g.Dice; d != nil {
		b["dices"], b["dicenumber"] = 1, d.Number
		b.amount("dicetimewait", "dicetimeunitwait", d.Wait, d.WaitUnit)
		b.unit("diceunit", d.Unit)
		b.multis("diceminmulti", "dicemaxmulti", d.Min, d.Max)
		if p := d.Penalty; p != nil {
			b["dicespen"], b["mindiceplay"] = 1, p.Min
			b.amount("pendicetime", "pendiceunit", p.Amount, p.Unit)
			b.only("diceplaylimit", p.Always)
		}
	}
	if l := g.Link; l != nil {
		b["links"] = 1
		b.amount("linkadd", "linkaddunit", l.Add, l.AddUnit)
		b.amount("linksub", "linksubunit", l.Sub, l.SubUnit)
		b.multis("linkminmulti", "linkmaxmulti", l.Min, l.Max)
		if l.ResetVotes {
			b["resetvotes"] = 1
		}
	}
	if l := g.Luck; l != nil {
		b["luck"] = 1
		b.amount("randadd", "randaddunit", l.Add, l.AddUnit)
		b.amount("randsub", "randsubunit", l.Sub, l.SubUnit)
		b.amount("randtimewait", "randtimeunitwait", l.Wait, l.WaitUnit)
		b.multis("randminmulti", "randmaxmulti", l.Min, l.Max)
		if p := l.Penalty; p != nil {
			b["luckpen"], b["minluckplay"] = 1, p.Min
			b.amount("penlucktime", "penlcukunit", p.Amount, p.Unit) // the document's spelling
			b.only("luckplaylimit", p.Always)
		}
	}
}

func (b body) amount(name, unit string, n int, u Unit) {
	b[name] = n
	b.unit(unit, u)
}

func (b body) unit(name string, u Unit) {
	if u != "" {
		b[name] = u
	}
}

func (b body) multis(least, most string, from, to float64) {
	if from != 0 {
		b[least] = from
	}
	if to != 0 {
		b[most] = to
	}
}

// only sets the member that makes the minimum of a day also its maximum.
func (b body) only(name string, always Flag) {
	if !always {
		b[name] = 1
	}
}
