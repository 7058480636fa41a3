package apiv2

import "stint/internal/tracker"

// appendGames appends the games of an active session: the settings, and how each game stands.
func appendGames(b []byte, p *tracker.Play) []byte {
	b = append(b, '{')
	for _, g := range tracker.Games {
		before := len(b)
		b = append(append(append(b, '"'), g...), `":`...)
		if b = appendSettings(b, p.Settings, g); b[len(b)-1] == ':' {
			b = b[:before]
			continue
		}
		b = appendState(b[:len(b)-1], p.State[g])
		if g == tracker.LinkGame {
			b = appendText(b, `,"token":`, p.Token)
		}
		if p.Dice != nil && p.Dice.Penalty != nil && g == tracker.DiceGame || p.Luck != nil && p.Luck.Penalty != nil && g == tracker.LuckGame {
			b = appendDays(b, p.State[g].Days)
		}
		b = append(b, "},"...)
	}
	return append(b[:len(b)-1], '}')
}

// appendSettings appends the settings of one game under the names of the family (readings, "Settings' names"); nothing
// if the game is off.
func appendSettings(b []byte, s tracker.Settings, g tracker.Game) []byte {
	switch {
	case g == tracker.DiceGame && s.Dice != nil:
		d := s.Dice
		b = appendInt(b, `{"dices":`, int64(d.Number))
		b = appendText(b, `,"addunit":`, d.Unit.String())
		b = appendSpan(b, `,"waitint":`, `,"waitunit":`, d.Wait)
		b = appendPenalty(appendMultis(b, d.Multi), d.Penalty)
	case g == tracker.LinkGame && s.Link != nil:
		l := s.Link
		b = appendSpan(b, `{"addint":`, `,"addunit":`, l.Add)
		b = appendSpan(b, `,"subint":`, `,"subunit":`, l.Sub)
		b = appendInt(b, `,"waitint":`, int64(l.Votes))
		b = appendMultis(appendFlag(b, `,"resetvotes":`, l.ResetVotes), l.Multi)
	case g == tracker.LuckGame && s.Luck != nil:
		l := s.Luck
		b = appendSpan(b, `{"addint":`, `,"addunit":`, l.Add)
		b = appendSpan(b, `,"subint":`, `,"subunit":`, l.Sub)
		b = appendSpan(b, `,"waitint":`, `,"waitunit":`, l.Wait)
		b = appendPenalty(appendMultis(b, l.Multi), l.Penalty)
	default:
		return b
	}
	return append(b, '}')
}

func appendMultis(b []byte, m tracker.Multis) []byte {
	b = appendMulti(append(b, `,"minmultiplier":`...), m.Min)
	return appendMulti(append(b, `,"maxmultiplier":`...), m.Max)
}

func appendPenalty(b []byte, p *tracker.Penalty) []byte {
	if p == nil {
		return b
	}
	b = appendInt(b, `,"penalties":{"min":`, int64(p.Min))
	b = appendSpan(b, `,"addint":`, `,"addunit":`, p.Time)
	return append(appendFlag(b, `,"always":`, p.Always), '}')
}

// appendState appends how a game stands.
func appendState(b []byte, s tracker.State) []byte {
	b = appendInt(b, `,"plays":`, int64(s.Plays))
	b = appendInt(b, `,"plays_today":`, int64(s.Today))
	b = appendInstant(b, `,"last_play_utc":`, s.Last.Unix(), !s.Last.IsZero())
	return appendInstant(b, `,"next_play_utc":`, secondsUp(s.Next), !s.Next.IsZero())
}

// appendDays appends what the last midnights found.
func appendDays(b []byte, days []tracker.Midnight) []byte {
	b = append(b, `,"days":[`...)
	for i, d := range days {
		b = appendText(b, oneBefore(i, ``)+`{"date":`, d.Date)
		b = appendInt(b, `,"plays":`, int64(d.Plays))
		b = appendInt(b, `,"penalty":`, d.Penalty)
		b = append(appendText(b, `,"reason":`, string(d.Reason)), '}')
	}
	return append(b, ']')
}
