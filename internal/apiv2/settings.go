package apiv2

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"stint/internal/tracker"
	"stint/internal/web"
)

// In a change of settings the domain's fields stand behind this prefix: the wire has other words for them than in a
// start (readings, "Settings' names").
const changed tracker.Field = "changed."

// patchGames answers PATCH games.php?session=ID: a keyholder changes the settings of games, or the owner asks for a new
// vote link.
func (a *API) patchGames(c *call) error {
	if err := c.onlyParams("session"); err != nil {
		return err
	}
	id, err := c.query.whole("session")
	if err != nil {
		return err
	}
	b, err := c.object()
	if err != nil {
		return err
	}
	renew := b.flag(fieldNewLink)
	c.scope = changed
	edits := b.edits()
	if renew && len(edits) > 0 {
		b.fail("newlink", "a new link is asked for alone: only the owner renews it, and only a keyholder changes games")
	}
	if err := b.end(); err != nil {
		return err
	}
	switch {
	case renew:
		return a.renewLink(c, id)
	case len(edits) == 0:
		return &tracker.Error{Code: tracker.NoFields, Message: "there is nothing to change"}
	}
	s, err := a.Tracker.SetGames(c.Context(), c.owner(), id, func(s tracker.Settings) (tracker.Settings, error) {
		for _, edit := range edits {
			edit(&s)
		}
		return s, nil
	}, nil)
	return a.gamesChanged(c, s, err, "Games updated successfully")
}

func (a *API) renewLink(c *call, id int64) error {
	s, err := a.Tracker.RenewLink(c.Context(), c.owner(), id)
	if err != nil {
		if _, err = a.held(c, id, err); err == nil {
			err = &web.Error{Status: http.StatusForbidden, Code: "forbidden", Detail: "Only the owner renews the vote link."}
		}
	}
	return a.gamesChanged(c, s, err, "Vote link renewed successfully")
}

func (a *API) gamesChanged(c *call, s *tracker.Session, err error, status string) error {
	if err != nil {
		return err
	}
	t := append(appendStatus(begin(c.text), status, s.ID), `,"session":`...)
	c.text = append(appendSession(t, s, a.Tracker.Now()), '}')
	return c.succeed(http.StatusOK)
}

// edit is one change of settings. It may be made more than once.
type edit func(*tracker.Settings)

// edits reads a change of games: null turns a game off, an object changes its members, and turns it on if it was off.
func (b *body) edits() (all []edit) {
	for _, g := range tracker.Games {
		switch v := b.members[string(g)]; v.Kind() {
		case 0:
			continue
		case 'n':
			all = append(all, turnOff(g))
		case '{':
			b.unfold(string(g))
			all = append(all, turnOn(g))
			p := patch{game: b.game(changedGame(g)), edits: &all}
			switch g {
			case tracker.DiceGame:
				p.dice()
			case tracker.LinkGame:
				p.link()
			case tracker.LuckGame:
				p.luck()
			}
		default:
			b.fail(string(g), "an object of settings, or null, is expected")
		}
		delete(b.members, string(g))
	}
	return all
}

// changedGame is a game whose fields are those of a change.
func changedGame(g tracker.Game) tracker.Game { return tracker.Game(changed) + g }

// unfold puts the members of an object beside it, under its name and a dot.
func (b *body) unfold(name string) {
	inner, err := web.ParseObject(b.members[name])
	if err != nil {
		b.fail(name, "a member is nested too deeply")
		return
	}
	for _, member := range slices.Sorted(maps.Keys(inner)) {
		full := name + "." + member
		b.members[full] = inner[member]
		if member == "penalties" && inner[member].Kind() == '{' && !strings.Contains(name, ".") {
			b.unfold(full)
			b.read[full] = true
		}
	}
}

func turnOff(g tracker.Game) edit {
	return func(s *tracker.Settings) {
		switch g {
		case tracker.DiceGame:
			s.Dice = nil
		case tracker.LinkGame:
			s.Link = nil
		case tracker.LuckGame:
			s.Luck = nil
		}
	}
}

// turnOn gives a game that is off the settings that a start gives it.
func turnOn(g tracker.Game) edit {
	day, hour := tracker.Span{Unit: tracker.Day}, tracker.Span{Unit: tracker.Hour}
	multi := tracker.Multis{Min: tracker.One, Max: tracker.One}
	return func(s *tracker.Settings) {
		switch {
		case g == tracker.DiceGame && s.Dice == nil:
			s.Dice = &tracker.Dice{Number: 1, Unit: tracker.Day, Wait: hour, Multi: multi}
		case g == tracker.LinkGame && s.Link == nil:
			s.Link = &tracker.Link{Add: day, Sub: day, Multi: multi}
		case g == tracker.LuckGame && s.Luck == nil:
			s.Luck = &tracker.Luck{Add: day, Sub: day, Wait: hour, Multi: multi}
		}
	}
}

// patch reads the members of one game in a change.
type patch struct {
	game
	edits *[]edit
}

func (p patch) add(e edit) { *p.edits = append(*p.edits, e) }

// given says whether a field stands there, and not as null.
func (p patch) given(f tracker.Field) bool {
	_, given := p.take(wireName(tracker.FieldOf(p.Game, f)))
	return given
}

func (p patch) number(f tracker.Field, into func(*tracker.Settings) *int) {
	if p.given(f) {
		n := p.game.number(f, 0)
		p.add(func(s *tracker.Settings) { *into(s) = n })
	}
}

func (p patch) multi(f tracker.Field, into func(*tracker.Settings) *tracker.Multi) {
	if p.given(f) {
		m := p.game.multi(tracker.FieldOf(p.Game, f))
		p.add(func(s *tracker.Settings) { *into(s) = m })
	}
}

func (p patch) flag(f tracker.Field, into func(*tracker.Settings) *bool) {
	if p.given(f) {
		on := p.game.flag(f)
		p.add(func(s *tracker.Settings) { *into(s) = on })
	}
}

// unit reads a unit. In a change an invalid one is refused: nothing is there to fall back to.
func (p patch) unit(f tracker.Field, into func(*tracker.Settings) *tracker.Unit) {
	name := wireName(tracker.FieldOf(p.Game, f))
	v, given := p.take(name)
	if !given {
		return
	}
	text, isNumber := scalar(v)
	u, ok := tracker.ParseUnit(text)
	switch {
	case f == tracker.FieldWaitUnit && (!ok || isNumber || u == tracker.Month):
		p.fail(name, "MINUTE, HOUR or DAY is expected")
	case !ok || isNumber:
		p.fail(name, "MINUTE, HOUR, DAY or MONTH is expected")
	}
	p.add(func(s *tracker.Settings) { *into(s) = u })
}

func (p patch) span(f tracker.Field, into func(*tracker.Settings) *tracker.Span) {
	p.number(f, func(s *tracker.Settings) *int { return &into(s).Amount })
	p.unit(f+".unit", func(s *tracker.Settings) *tracker.Unit { return &into(s).Unit })
}

func (p patch) multis(into func(*tracker.Settings) *tracker.Multis) {
	p.multi(tracker.FieldMin, func(s *tracker.Settings) *tracker.Multi { return &into(s).Min })
	p.multi(tracker.FieldMax, func(s *tracker.Settings) *tracker.Multi { return &into(s).Max })
}

func (p patch) dice() {
	p.number(tracker.FieldNumber, func(s *tracker.Settings) *int { return &s.Dice.Number })
	p.unit(tracker.FieldUnit, func(s *tracker.Settings) *tracker.Unit { return &s.Dice.Unit })
	p.span(tracker.FieldWait, func(s *tracker.Settings) *tracker.Span { return &s.Dice.Wait })
	p.multis(func(s *tracker.Settings) *tracker.Multis { return &s.Dice.Multi })
	p.penalties(func(s *tracker.Settings) **tracker.Penalty { return &s.Dice.Penalty })
}

func (p patch) link() {
	p.span(tracker.FieldAdd, func(s *tracker.Settings) *tracker.Span { return &s.Link.Add })
	p.span(tracker.FieldSub, func(s *tracker.Settings) *tracker.Span { return &s.Link.Sub })
	p.number(tracker.FieldVotes, func(s *tracker.Settings) *int { return &s.Link.Votes })
	p.flag(fieldReset, func(s *tracker.Settings) *bool { return &s.Link.ResetVotes })
	p.multis(func(s *tracker.Settings) *tracker.Multis { return &s.Link.Multi })
}

func (p patch) luck() {
	p.span(tracker.FieldAdd, func(s *tracker.Settings) *tracker.Span { return &s.Luck.Add })
	p.span(tracker.FieldSub, func(s *tracker.Settings) *tracker.Span { return &s.Luck.Sub })
	p.span(tracker.FieldWait, func(s *tracker.Settings) *tracker.Span { return &s.Luck.Wait })
	p.multis(func(s *tracker.Settings) *tracker.Multis { return &s.Luck.Multi })
	p.penalties(func(s *tracker.Settings) **tracker.Penalty { return &s.Luck.Penalty })
}

// penalties reads null, which takes the penalty away, or an object.
func (p patch) penalties(into func(*tracker.Settings) **tracker.Penalty) {
	name := wireName(tracker.FieldOf(p.Game, fieldPenalty))
	v, there := p.members[name]
	p.read[name] = true
	switch {
	case !there:
		return
	case v.Kind() == 'n':
		p.add(func(s *tracker.Settings) { *into(s) = nil })
		return
	case v.Kind() != '{':
		p.fail(name, "an object of settings, or null, is expected")
	}
	p.add(func(s *tracker.Settings) {
		if *into(s) == nil {
			*into(s) = &tracker.Penalty{Time: tracker.Span{Unit: tracker.Day}, Always: true}
		}
	})
	p.number(tracker.FieldPenaltyMin, func(s *tracker.Settings) *int { return &(*into(s)).Min })
	p.number(tracker.FieldPenaltyAmount, func(s *tracker.Settings) *int { return &(*into(s)).Time.Amount })
	p.unit(tracker.FieldPenaltyUnit, func(s *tracker.Settings) *tracker.Unit { return &(*into(s)).Time.Unit })
	p.flag(fieldAlways, func(s *tracker.Settings) *bool { return &(*into(s)).Always })
}
