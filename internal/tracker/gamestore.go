package tracker

import (
	"crypto/rand"
	"database/sql"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/wall"
)

// gameRow is the settings of any game as a row of tracker_game holds them. A link's wait is its wished votes.
type gameRow struct {
	game           Game
	dice           int
	unit           Unit
	add, sub, wait Span
	multi          Multis
	reset          bool
	penalty        *Penalty
	token          string
}

func rowsOf(s Settings) []gameRow {
	var rows []gameRow
	if d := s.Dice; d != nil {
		rows = append(rows, gameRow{game: DiceGame, dice: d.Number, unit: d.Unit, wait: d.Wait, multi: d.Multi, penalty: d.Penalty})
	}
	if l := s.Link; l != nil {
		rows = append(rows, gameRow{game: LinkGame, add: l.Add, sub: l.Sub, wait: Span{Amount: l.Votes}, multi: l.Multi, reset: l.ResetVotes})
	}
	if l := s.Luck; l != nil {
		rows = append(rows, gameRow{game: LuckGame, add: l.Add, sub: l.Sub, wait: l.Wait, multi: l.Multi, penalty: l.Penalty})
	}
	return rows
}

func (r gameRow) settings(into *Settings) {
	switch r.game {
	case DiceGame:
		into.Dice = &Dice{Number: r.dice, Unit: r.unit, Wait: r.wait, Multi: r.multi, Penalty: r.penalty}
	case LinkGame:
		into.Link = &Link{Add: r.add, Sub: r.sub, Votes: r.wait.Amount, Multi: r.multi, ResetVotes: r.reset}
	case LuckGame:
		into.Luck = &Luck{Add: r.add, Sub: r.sub, Wait: r.wait, Multi: r.multi, Penalty: r.penalty}
	}
}

// only is the settings of one game.
func (r gameRow) only() *Settings {
	s := &Settings{}
	r.settings(s)
	return s
}

// settingColumns is what values fills, and standingColumns what scan reads after it.
const (
	settingColumns = `dice, unit_s, add_n, add_unit_s, sub_n, sub_unit_s, wait_n, wait_unit_s, min_multi, max_multi,
		reset_votes, penalty, penalty_min, penalty_n, penalty_unit_s, penalty_always, token`
	standingColumns = "plays, day, day_plays, last_ms"
)

func (r gameRow) values() []any {
	p := r.penalty
	if p == nil {
		p = &Penalty{}
	}
	return []any{r.dice, int64(r.unit), r.add.Amount, int64(r.add.Unit), r.sub.Amount, int64(r.sub.Unit), r.wait.Amount,
		int64(r.wait.Unit), int(r.multi.Min), int(r.multi.Max), flag(r.reset), flag(r.penalty != nil), p.Min, p.Time.Amount,
		int64(p.Time.Unit), flag(p.Always), word(r.token)}
}

// insert stores a game that begins at since, with what was played before an import.
func (r gameRow) insert(tx *db.Tx, session, since int64, s standing) error {
	_, err := tx.Exec(`insert into tracker_game (session_id, game, since_s, plays, day, day_plays, last_ms, hour, hour_votes, `+
		settingColumns+`) values ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
		$21, $22, $23, $24)`,
		append([]any{session, string(r.game), since, s.plays, int64(s.day), s.dayPlays, millis(s.last)}, r.values()...)...)
	return err
}

// update stores changed settings; the standing stays, and with since 0 also from when the penalty holds.
func (r gameRow) update(tx *db.Tx, session, since int64) error {
	_, err := tx.Exec(`update tracker_game set since_s = case when $3 = 0 then since_s else $3 end, dice = $4, unit_s = $5, add_n = $6, add_unit_s = $7, sub_n = $8,
		sub_unit_s = $9, wait_n = $10, wait_unit_s = $11, min_multi = $12, max_multi = $13, reset_votes = $14, penalty = $15,
		penalty_min = $16, penalty_n = $17, penalty_unit_s = $18, penalty_always = $19, token = $20
		where session_id = $1 and game = $2`,
		append([]any{session, string(r.game), since}, r.values()...)...)
	return err
}

// gameScan reads settingColumns and standingColumns.
type gameScan struct {
	gameRow
	standing
	pen    Penalty
	flags  struct{ reset, penalty, always int }
	token  sql.NullString
	lastMS int64
}

func (g *gameScan) into() []any {
	r := &g.gameRow
	return []any{&r.dice, &r.unit, &r.add.Amount, &r.add.Unit, &r.sub.Amount, &r.sub.Unit, &r.wait.Amount, &r.wait.Unit,
		&r.multi.Min, &r.multi.Max, &g.flags.reset, &g.flags.penalty, &g.pen.Min, &g.pen.Time.Amount, &g.pen.Time.Unit,
		&g.flags.always, &g.token, &g.plays, &g.day, &g.dayPlays, &g.lastMS}
}

// done finishes what into has read.
func (g *gameScan) done() {
	g.reset, g.pen.Always, g.gameRow.token = g.flags.reset == 1, g.flags.always == 1, g.token.String
	if g.flags.penalty == 1 {
		pen := g.pen
		g.penalty = &pen
	}
	g.last = instant(g.lastMS)
}

// instant is a stored time of a play, zero for none.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func millis(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}

// addGames stores the games of a new session. The link game gets the token that the public votes with.
func addGames(tx *db.Tx, session int64, s Settings) (*Play, error) {
	p := &Play{Settings: s, State: map[Game]State{}}
	for _, r := range rowsOf(s) {
		if r.game == LinkGame {
			if err := addSalt(tx, session); err != nil {
				return nil, err
			}
			r.token = rand.Text()
			p.Token = r.token
		}
		if err := r.insert(tx, session, tx.Now.Unix(), standing{}); err != nil {
			return nil, err
		}
		p.State[r.game] = State{}
	}
	return p, nil
}

// addSalt makes the key of the voters' identities, unless the session has one.
func addSalt(tx *db.Tx, session int64) error {
	salt := make([]byte, 32)
	rand.Read(salt)
	_, err := tx.Exec("update tracker_session set salt = $2 where id = $1 and salt is null", session, salt)
	return err
}

// readGames is the games of a session as they are stored.
func readGames(tx *db.Tx, session int64) ([]gameScan, error) {
	rows, err := tx.Query("select game, "+settingColumns+", "+standingColumns+" from tracker_game where session_id = $1 order by game", session)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []gameScan
	for rows.Next() {
		var g gameScan
		if err := rows.Scan(append([]any{&g.game}, g.into()...)...); err != nil {
			return nil, err
		}
		g.done()
		all = append(all, g)
	}
	return all, rows.Err()
}

// games is the games of an active session, nil if it has none.
func games(tx *db.Tx, zone *time.Location, session int64) (*Play, error) {
	all, err := readGames(tx, session)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	p := &Play{State: map[Game]State{}}
	penalties := false
	for _, g := range all {
		g.settings(&p.Settings)
		if g.game == LinkGame {
			p.Token = g.token.String
		}
		s := State{Plays: g.plays, Today: g.playsOn(g.today(tx.Now, zone)), Last: g.last}
		if g.game != LinkGame {
			s.Next, _ = g.free(g.gameRow, tx.Now, zone)
		}
		p.State[g.game] = s
		penalties = penalties || g.penalty != nil
	}
	if !penalties {
		return p, nil
	}
	return p, addDays(tx, p, session, wall.DayOf(tx.Now.Unix(), zone))
}
