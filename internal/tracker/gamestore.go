package tracker

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/wall"
)

// gameRow is the settings of any one game. A link's wait is its wished votes.
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

// only is the settings of this one game, nil for none.
func (r *gameRow) only() *Settings {
	if r == nil {
		return nil
	}
	s := &Settings{}
	r.settings(s)
	return s
}

// text is the settings as they are stored.
func (r gameRow) text() string {
	b, err := json.Marshal(r.only())
	if err != nil {
		panic(err)
	}
	return string(b)
}

// parseRow reads what text wrote.
func parseRow(text string) (gameRow, error) {
	var s Settings
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return gameRow{}, err
	}
	rows := rowsOf(s)
	if len(rows) != 1 {
		return gameRow{}, fmt.Errorf("stored settings of %d games in one row", len(rows))
	}
	return rows[0], nil
}

// insert stores a game that begins at since, with what was played before an import.
func (r gameRow) insert(tx *db.Tx, session, since int64, s standing) error {
	_, err := tx.Exec(`insert into tracker_game (session_id, game, settings, token, since_s, plays, day, day_plays, last_ms)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		session, string(r.game), r.text(), word(r.token), since, s.plays, int64(s.day), s.dayPlays, millis(s.last))
	return err
}

// insertAgain stores a game that is turned on during a session. What was played before it was turned off counts on, by the
// log: its wait, and the plays of the day.
func (r gameRow) insertAgain(tx *db.Tx, s *Session, zone *time.Location) error {
	kind, source := kindPlay, SourceDice
	switch r.game {
	case LuckGame:
		source = SourceLuck
	case LinkGame:
		kind, source = kindVote, ""
	}
	before := standing{day: wall.DayOf(tx.Now.Unix(), zone)}
	var last int64
	err := tx.QueryRow(`select count(*), coalesce(max(at_ms), 0), count(case when at_ms >= $5 then 1 end) from tracker_log
		where user_id = $1 and session_id = $2 and kind = $3 and ($4 = '' or source = $4)`,
		s.User, s.ID, kind, source, wall.Start(before.day, zone)*1000).Scan(&before.plays, &last, &before.dayPlays)
	if err != nil {
		return err
	}
	before.last = instant(last)
	return r.insert(tx, s.ID, tx.Now.Unix(), before)
}

// update stores changed settings; the standing stays, and with since 0 also from when the penalty holds.
func (r gameRow) update(tx *db.Tx, session, since int64) error {
	_, err := tx.Exec(`update tracker_game set settings = $3, since_s = case when $4 = 0 then since_s else $4 end
		where session_id = $1 and game = $2`, session, string(r.game), r.text(), since)
	return err
}

// storedGame is a row of tracker_game.
type storedGame struct {
	gameRow
	standing
	since int64
}

const gameColumns = "g.settings, g.token, g.since_s, g.plays, g.day, g.day_plays, g.last_ms"

// scanGame reads gameColumns, and more after them.
func scanGame(r row, before []any, g *storedGame, more ...any) error {
	var text string
	var token sql.NullString
	var last int64
	into := append(before, &text, &token, &g.since, &g.plays, &g.day, &g.dayPlays, &last)
	if err := r.Scan(append(into, more...)...); err != nil {
		return err
	}
	var err error
	if g.gameRow, err = parseRow(text); err != nil {
		return err
	}
	g.token, g.last = token.String, instant(last)
	return nil
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
func readGames(tx *db.Tx, session int64) ([]storedGame, error) {
	rows, err := tx.Query("select "+gameColumns+" from tracker_game g where g.session_id = $1 order by g.game", session)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []storedGame
	for rows.Next() {
		var g storedGame
		if err := scanGame(rows, nil, &g); err != nil {
			return nil, err
		}
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
		s := State{Plays: g.plays, Today: g.playsOn(g.today(tx.Now, zone)), Last: g.last}
		if g.game == LinkGame {
			p.Token = g.token
		} else {
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
