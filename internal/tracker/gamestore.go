package tracker

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// gameRow is a row of tracker_game: the settings of any game.
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
		rows = append(rows, gameRow{game: LinkGame, add: l.Add, sub: l.Sub, multi: l.Multi, reset: l.ResetVotes})
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
		into.Link = &Link{Add: r.add, Sub: r.sub, Multi: r.multi, ResetVotes: r.reset}
	case LuckGame:
		into.Luck = &Luck{Add: r.add, Sub: r.sub, Wait: r.wait, Multi: r.multi, Penalty: r.penalty}
	}
}

func (r gameRow) insert(tx *db.Tx, session int64) error {
	p := r.penalty
	if p == nil {
		p = &Penalty{}
	}
	_, err := tx.Exec(`insert into tracker_game (session_id, game, dice, unit_s, add_n, add_unit_s, sub_n, sub_unit_s, wait_n,
		wait_unit_s, min_multi, max_multi, reset_votes, penalty, penalty_min, penalty_n, penalty_unit_s, penalty_always, token,
		plays, day, day_plays, last_ms)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0, 0, 0, 0)`,
		session, string(r.game), r.dice, int64(r.unit), r.add.Amount, int64(r.add.Unit), r.sub.Amount, int64(r.sub.Unit),
		r.wait.Amount, int64(r.wait.Unit), int(r.multi.Min), int(r.multi.Max), flag(r.reset), flag(r.penalty != nil),
		p.Min, p.Time.Amount, int64(p.Time.Unit), flag(p.Always), word(r.token))
	return err
}

// addGames stores the games of a new session. The link game gets the token that the public votes with.
func (t *Tracker) addGames(tx *db.Tx, session int64, s Settings) (*Play, error) {
	p := &Play{Settings: s, State: map[Game]State{}}
	for _, r := range rowsOf(s) {
		if r.game == LinkGame {
			r.token = rand.Text()
			p.Token = r.token
			salt := make([]byte, 32)
			rand.Read(salt)
			if _, err := tx.Exec("update tracker_session set salt = $2 where id = $1", session, salt); err != nil {
				return nil, err
			}
		}
		if err := r.insert(tx, session); err != nil {
			return nil, err
		}
		p.State[r.game] = State{}
	}
	return p, nil
}

// games is the games of an active session, nil if it has none.
func games(tx *db.Tx, zone *time.Location, session int64) (*Play, error) {
	rows, err := tx.Query(`select game, dice, unit_s, add_n, add_unit_s, sub_n, sub_unit_s, wait_n, wait_unit_s, min_multi,
		max_multi, reset_votes, penalty, penalty_min, penalty_n, penalty_unit_s, penalty_always, token, plays, day, day_plays,
		last_ms from tracker_game where session_id = $1`, session)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	p := &Play{State: map[Game]State{}}
	for rows.Next() {
		var r gameRow
		var pen Penalty
		var reset, penalty, always int
		var token sql.NullString
		var day, dayPlays, last int64
		var s State
		if err := rows.Scan(&r.game, &r.dice, &r.unit, &r.add.Amount, &r.add.Unit, &r.sub.Amount, &r.sub.Unit, &r.wait.Amount,
			&r.wait.Unit, &r.multi.Min, &r.multi.Max, &reset, &penalty, &pen.Min, &pen.Time.Amount, &pen.Time.Unit, &always,
			&token, &s.Plays, &day, &dayPlays, &last); err != nil {
			return nil, err
		}
		r.reset, pen.Always = reset == 1, always == 1
		if penalty == 1 {
			r.penalty = &pen
		}
		r.settings(&p.Settings)
		if token.Valid {
			p.Token = token.String
		}
		if wall.Date(day) == wall.DayOf(tx.Now.Unix(), zone) {
			s.Today = int(dayPlays)
		}
		if last > 0 {
			s.Last = time.UnixMilli(last).UTC()
			if next := s.Last.Add(time.Duration(r.wait.Seconds()) * time.Second); r.game != LinkGame && next.After(tx.Now) {
				s.Next = next
			}
		}
		p.State[r.game] = s
	}
	if err := rows.Err(); err != nil || !p.Any() {
		return nil, err
	}
	return p, nil
}

// newChain is a chain that is not stored yet.
type newChain struct {
	commitment fair.Seed
	chain      *fair.Chain
}

func makeChain() *newChain {
	chain, s0 := fair.NewChain(fair.NewSeed(), fair.Length)
	return &newChain{commitment: s0, chain: chain}
}

// whereChain names the place of a chain's seeds; session 0 is the account's chain.
func whereChain(user, session int64) string {
	return fmt.Sprintf("tracker_chain/%d/%d/marks", user, session)
}

func (t *Tracker) addChain(tx *db.Tx, user, session int64, c *newChain) error {
	_, err := tx.Exec(`insert into tracker_chain (user_id, session_id, commitment, marks, client_seed, used)
		values ($1, $2, $3, $4, '', 0) on conflict (user_id, session_id) do nothing`,
		user, session, c.commitment[:], t.keys.Seal(c.chain.Bytes(), whereChain(user, session)))
	return err
}

// draw draws d from the next seed of a chain and keeps it. d.ClientSeed becomes the chain's.
func (t *Tracker) draw(tx *db.Tx, user, session int64, d *fair.Draw) error {
	var marks []byte
	err := tx.QueryRow(`update tracker_chain set used = used + 1 where user_id = $1 and session_id = $2
		returning used, marks, client_seed`, user, session).Scan(&d.Nonce, &marks, &d.ClientSeed)
	if err != nil {
		return err
	}
	if d.Nonce > fair.Length {
		return refuse(DrawsUsedUp, "all %d draws are used up", fair.Length)
	}
	if marks, err = t.keys.Open(marks, whereChain(user, session)); err != nil {
		return err
	}
	chain, err := fair.ParseChain(marks, fair.Length)
	if err != nil {
		return err
	}
	if err := d.Roll(session, chain.Seed(d.Nonce)); err != nil {
		return err
	}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = tx.Exec("insert into tracker_draw (user_id, session_id, nonce, draw) values ($1, $2, $3, $4)",
		user, session, d.Nonce, string(text))
	return err
}

// drawMaxEnd draws a scheduled end from the account's chain.
func (t *Tracker) drawMaxEnd(tx *db.Tx, o Owner, d *draft) (*fair.Draw, error) {
	draw := &fair.Draw{Game: fair.MaxEnd, From: d.drawFrom, To: d.scheduled.Unix}
	err := t.draw(tx, o.User, 0, draw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errors.New("the account has no chain")
	}
	return draw, err
}
