package cli

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"stint/client"
)

func gameFlags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "dice", Usage: "the dice game, with so many dice"},
		&cli.StringFlag{Name: "dice-unit", Value: "DAY", Usage: "what one pip is worth"},
		&cli.StringFlag{Name: "dice-wait", Usage: "from one play to the next: \"6 hour\""},
		&cli.StringFlag{Name: "dice-multi", Usage: "the multiplier: 1-2"},
		&cli.StringFlag{Name: "luck-add", Usage: "the luck game: what is added, \"1 day\""},
		&cli.StringFlag{Name: "luck-sub", Usage: "the luck game: what is taken off"},
		&cli.StringFlag{Name: "luck-wait", Usage: "from one play to the next"},
		&cli.StringFlag{Name: "luck-multi", Usage: "the multiplier"},
		&cli.StringFlag{Name: "link-add", Usage: "the public link game: what a vote adds, \"3 hour\""},
		&cli.StringFlag{Name: "link-sub", Usage: "the public link game: what a vote takes off"},
		&cli.StringFlag{Name: "link-multi", Usage: "the multiplier"},
		&cli.BoolFlag{Name: "link-daily", Usage: "a voter may vote again the next day"},
	}
}

// games reads the flags of the games; a game is on when one of its own is given.
func (t *talk) games() (g client.Games, err error) {
	if t.anySet("dice", "dice-unit", "dice-wait", "dice-multi") {
		if !t.IsSet("dice") {
			return g, misused(t.Command, "--dice is missing")
		}
		d := &client.Dice{Number: t.Int("dice")}
		err := first(t.unit("dice-unit", &d.Unit), t.amount("dice-wait", &d.Wait, &d.WaitUnit), t.multi("dice-multi", &d.Min, &d.Max))
		if err != nil {
			return g, err
		}
		g.Dice = d
	}
	if t.anySet("luck-add", "luck-sub", "luck-wait", "luck-multi") {
		l := &client.Luck{}
		err := first(t.amount("luck-add", &l.Add, &l.AddUnit), t.amount("luck-sub", &l.Sub, &l.SubUnit),
			t.amount("luck-wait", &l.Wait, &l.WaitUnit), t.multi("luck-multi", &l.Min, &l.Max))
		if err != nil {
			return g, err
		}
		g.Luck = l
	}
	if t.anySet("link-add", "link-sub", "link-multi", "link-daily") {
		l := &client.Link{ResetVotes: client.Flag(t.Bool("link-daily"))}
		err := first(t.amount("link-add", &l.Add, &l.AddUnit), t.amount("link-sub", &l.Sub, &l.SubUnit), t.multi("link-multi", &l.Min, &l.Max))
		if err != nil {
			return g, err
		}
		g.Link = l
	}
	return g, nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *talk) anySet(names ...string) bool {
	for _, name := range names {
		if t.IsSet(name) {
			return true
		}
	}
	return false
}

var gameUnits = map[string]client.Unit{
	"M": client.Minute, "MIN": client.Minute, "MINUTE": client.Minute,
	"H": client.Hour, "HOUR": client.Hour,
	"D": client.Day, "DAY": client.Day,
	"MONTH": client.Month,
}

// unit reads a flag with the name of a unit.
func (t *talk) unit(name string, to *client.Unit) error {
	u, ok := gameUnits[strings.TrimSuffix(strings.ToUpper(t.String(name)), "S")]
	if !ok {
		return misused(t.Command, "--%s: %q is not allowed; allowed: minute, hour, day or month", name, t.String(name))
	}
	*to = u
	return nil
}

var amounts = regexp.MustCompile(`^([0-9]{1,9}) *([A-Za-z]+)$`)

// amount reads a flag such as "12 hour".
func (t *talk) amount(name string, n *int, to *client.Unit) error {
	if !t.IsSet(name) {
		return nil
	}
	if parts := amounts.FindStringSubmatch(strings.TrimSpace(t.String(name))); parts != nil {
		if u, ok := gameUnits[strings.TrimSuffix(strings.ToUpper(parts[2]), "S")]; ok {
			*n, _ = strconv.Atoi(parts[1])
			*to = u
			return nil
		}
	}
	return misused(t.Command, "--%s: %q is not allowed; allowed: a number and a unit, such as \"12 hour\"", name, t.String(name))
}

// multi reads a flag such as "1-1.5" or "2".
func (t *talk) multi(name string, least, most *float64) error {
	if !t.IsSet(name) {
		return nil
	}
	from, to, both := strings.Cut(t.String(name), "-")
	if !both {
		to = from
	}
	var err error
	if *least, err = strconv.ParseFloat(from, 64); err == nil {
		*most, err = strconv.ParseFloat(to, 64)
	}
	if err != nil || !(*least > 0 && *most > 0) {
		return misused(t.Command, "--%s: %q is not allowed; allowed: one or two numbers, such as 1-1.5", name, t.String(name))
	}
	return nil
}
