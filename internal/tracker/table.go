package tracker

import (
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"

	"stint/internal/db"
)

// table is everything a play looks at: the session, the game and the chain.
type table struct {
	live
	storedGame
	chain chainRow
	ballot
}

// ballot is what only votes look at.
type ballot struct {
	hour  int64 // the last hour of UTC with votes without an account, and how many
	votes int
	salt  []byte
}

// setting is the part of a table that plays don't change. It is kept in memory; the session's column setting names the
// state it was read in, so that whoever changes a part of it elsewhere, or undoes a change, is noticed.
type setting struct {
	state       int64
	user, limit int64
	storedGame
	chain chainRow
}

type settingKey struct {
	session int64
	game    Game
}

// maxSettings is how many settings stay in memory.
const maxSettings = 4_096

// settings are those that were read.
type settings struct {
	mu    sync.Mutex
	known map[settingKey]*setting
}

func (s *settings) get(key settingKey, state int64) *setting {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.known[key]; g != nil && g.state == state {
		return g
	}
	return nil
}

func (s *settings) put(key settingKey, g *setting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[settingKey]*setting{}
	}
	for other := range s.known {
		if len(s.known) < maxSettings {
			break
		}
		delete(s.known, other)
	}
	s.known[key] = g
}

// newState is a name for the state of a session's settings that no other has had.
func newState() int64 { return rand.Int64() }

// renewSettings says that something of a session's settings has changed.
func renewSettings(tx *db.Tx, session int64) error {
	_, err := tx.Exec("update tracker_session set setting = $2 where id = $1", session, newState())
	return err
}

// readTable is the table of a game; nil if the session has no such game.
func (t *Tracker) readTable(tx *db.Tx, session int64, game Game) (*table, error) {
	g := &table{}
	g.id = session
	var state, last int64
	err := tx.QueryRow(`select s.active, s.scheduled_s, coalesce(s.reached_s, 0), s.next_day, s.due_s, s.draws, s.setting, g.plays,
		g.day, g.day_plays, g.last_ms from tracker_game g join tracker_session s on s.id = g.session_id
		where g.session_id = $1 and g.game = $2`, session, string(game)).
		Scan(&g.active, &g.scheduled, &g.reached, &g.nextDay, &g.due, &g.draws, &state, &g.plays, &g.day, &g.dayPlays, &last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	g.last = instant(last)
	s := t.settings.get(settingKey{session, game}, state)
	if s == nil {
		if s, err = readSetting(tx, session, game, state); err != nil {
			return nil, err
		}
		t.settings.put(settingKey{session, game}, s)
	}
	g.user, g.limit, g.gameRow, g.since, g.chain = s.user, s.limit, s.gameRow, s.since, s.chain
	g.chain.used = g.draws
	if game == LinkGame {
		err = tx.QueryRow("select vote_hour, hour_votes, salt from tracker_session where id = $1", session).Scan(&g.hour, &g.votes, &g.salt)
	}
	return g, err
}

func readSetting(tx *db.Tx, session int64, game Game, state int64) (*setting, error) {
	s := &setting{state: state, chain: chainRow{session: session}}
	err := scanGame(tx.QueryRow("select s.user_id, coalesce(s.limit_s, 0), "+gameColumns+", "+chainColumns+` from tracker_game g
		join tracker_session s on s.id = g.session_id join tracker_chain c on c.session_id = s.id and c.user_id = s.user_id
		where g.session_id = $1 and g.game = $2`, session, string(game)), []any{&s.user, &s.limit}, &s.storedGame,
		&s.chain.commitment, &s.chain.number, &s.chain.clientSeed)
	s.chain.user = s.user
	return s, err
}
