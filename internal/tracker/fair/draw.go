package fair

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Games that draw, as they stand in the generator's text.
const (
	Dice   = "DICE"
	Luck   = "LUCK"
	Link   = "LINK"
	MaxEnd = "MAXEND"
)

// What a draw does to the scheduled end, and what a voter may choose.
const (
	Add  = "ADD"
	Sub  = "SUB"
	Rand = "RAND"
)

// Limits of what a draw is made from: the document's, and the readings' ("Games, exactly").
const (
	maxDices  = 20
	maxMulti  = 100_00
	maxUnit   = 30 * 86_400
	maxAmount = 10_000 * maxUnit
	maxTime   = 1 << 52 // a whole number in every language
)

// MaxSpan is the largest number of whole seconds a MaxEnd draw can choose from.
const MaxSpan = 1 << 32

// MaxClientSeed is the longest client seed, in characters.
const MaxClientSeed = 64

// Draw is one draw with everything that is needed to repeat it. Multipliers are in hundredths, Unit, Add, Sub
// and Seconds in seconds, From, To and End in Unix seconds.
type Draw struct {
	Nonce      int    `json:"nonce"`
	Game       string `json:"game"`
	ClientSeed string `json:"clientseed"`
	Prev       string `json:"prev"`
	Seed       string `json:"seed"`

	Dices    int    `json:"dices,omitempty"`    // DICE
	Unit     int64  `json:"unit,omitempty"`     // DICE: one pip
	Choice   string `json:"choice,omitempty"`   // LINK: ADD, SUB or RAND
	Add      int64  `json:"add,omitempty"`      // LUCK, LINK: at multiplier 1.00
	Sub      int64  `json:"sub,omitempty"`      // LUCK, LINK: at multiplier 1.00
	MinMulti int    `json:"minmulti,omitempty"` // all but MAXEND
	MaxMulti int    `json:"maxmulti,omitempty"`
	From     int64  `json:"from,omitempty"` // MAXEND: first second that can be drawn
	To       int64  `json:"to,omitempty"`   // MAXEND: last second that can be drawn

	Values    []int    `json:"values,omitempty"` // DICE
	Signs     []string `json:"signs,omitempty"`  // DICE with more than one die: "+" or "-" per die
	Operation string   `json:"operation,omitempty"`
	Multi     int      `json:"multi,omitempty"`
	Seconds   int64    `json:"seconds,omitempty"` // as drawn, before any ceiling or floor
	End       int64    `json:"end,omitempty"`     // MAXEND
}

// Proof is what every play's answer carries.
type Proof struct {
	Scheme     string `json:"scheme"`
	Nonce      int    `json:"nonce"`
	Prev       string `json:"prev"`
	Seed       string `json:"seed"`
	ClientSeed string `json:"clientseed"`
}

// Proof is the part of d that proves the seed.
func (d *Draw) Proof() Proof {
	return Proof{Scheme: Scheme, Nonce: d.Nonce, Prev: d.Prev, Seed: d.Seed, ClientSeed: d.ClientSeed}
}

// Roll draws d from seed s_Nonce: it fills Prev, Seed and what came out. session is 0 for an account's chain.
func (d *Draw) Roll(session int64, seed Seed) error {
	if err := d.valid(); err != nil {
		return err
	}
	d.Seed, d.Prev = seed.String(), seed.Prev().String()
	n := NewNumbers(seed, session, d.Nonce, d.Game, d.ClientSeed)
	switch d.Game {
	case Dice:
		d.rollDice(n)
	case Luck:
		d.rollCoin(n, Rand)
	case Link:
		d.rollCoin(n, d.Choice)
	case MaxEnd:
		d.End = d.From + n.Below(d.To-d.From+1)
	}
	return nil
}

func (d *Draw) valid() error {
	if d.Nonce < 1 {
		return errors.New("nonce below 1")
	}
	switch d.Game {
	case MaxEnd:
		if d.From < 0 || d.To > maxTime || d.To < d.From || d.To-d.From >= MaxSpan {
			return errors.New("from and to out of range")
		}
		return nil
	case Dice:
		if d.Dices < 1 || d.Dices > maxDices {
			return errors.New("number of dice out of range")
		}
	case Link:
		if d.Choice != Add && d.Choice != Sub && d.Choice != Rand {
			return errors.New("choice is none of ADD, SUB, RAND")
		}
	case Luck:
	default:
		return fmt.Errorf("unknown game %q", d.Game)
	}
	if min(d.Unit, d.Add, d.Sub) < 0 || d.Unit > maxUnit || max(d.Add, d.Sub) > maxAmount {
		return errors.New("amounts out of range")
	}
	if d.MinMulti < 1 || d.MaxMulti < d.MinMulti || d.MaxMulti > maxMulti {
		return errors.New("multipliers out of range")
	}
	return nil
}

func (d *Draw) rollDice(n *Numbers) {
	d.Values = make([]int, d.Dices)
	for i := range d.Values {
		d.Values[i] = 1 + int(n.Below(6))
	}
	d.Signs = nil
	if d.Dices > 1 {
		d.Signs = make([]string, d.Dices)
		for i := range d.Signs {
			d.Signs[i] = [...]string{"+", "-"}[n.Below(2)]
		}
	}
	d.Operation = coin(n)
	d.multiply(n)
	d.Seconds = Seconds(int64(d.Total()), d.Unit, d.Multi)
}

// Total is the absolute value of the signed sum of the dice.
func (d *Draw) Total() int {
	t := 0
	for i, v := range d.Values {
		if i < len(d.Signs) && d.Signs[i] == "-" {
			v = -v
		}
		t += v
	}
	return max(t, -t)
}

func (d *Draw) rollCoin(n *Numbers, choice string) {
	d.Operation = choice
	if choice == Rand {
		d.Operation = coin(n)
	}
	d.multiply(n)
	amount := d.Add
	if d.Operation == Sub {
		amount = d.Sub
	}
	d.Seconds = Seconds(1, amount, d.Multi)
}

func (d *Draw) multiply(n *Numbers) {
	d.Multi = d.MinMulti + int(n.Below(int64(d.MaxMulti-d.MinMulti+1)))
}

func coin(n *Numbers) string { return [...]string{Add, Sub}[n.Below(2)] }

// Seconds is (units × unit × multi + 50) div 100: unit in seconds, multi in hundredths, rounded half up.
func Seconds(units, unit int64, multi int) int64 {
	return (units*unit*int64(multi) + 50) / 100
}

// CheckClientSeed says whether s can be a client seed: at most 64 characters of valid UTF-8, none of them a
// control character (a line break would make the generator's text ambiguous). The empty seed is the default.
func CheckClientSeed(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("a client seed is valid UTF-8")
	}
	if n := utf8.RuneCountInString(s); n > MaxClientSeed {
		return fmt.Errorf("a client seed has at most %d characters, not %d", MaxClientSeed, n)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return errors.New("a client seed has no control characters")
	}
	return nil
}
