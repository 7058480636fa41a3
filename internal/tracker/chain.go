package tracker

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"stint/internal/db"
	"stint/internal/tracker/fair"
)

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
	return fmt.Sprintf("tracker_seeds/%d/%d/marks", user, session)
}

// addChain stores a new chain, unless there is one already. Its number is the session's.
func (t *Tracker) addChain(tx *db.Tx, user, session int64, c *newChain) error {
	n, err := tx.Exec(`insert into tracker_chain (user_id, session_id, commitment, client_seed, used, number)
		values ($1, $2, $3, '', 0, $4) on conflict (user_id, session_id) do nothing`, user, session, c.commitment[:], session)
	if err != nil || n == 0 {
		return err
	}
	return t.addSeeds(tx, user, session, c.chain)
}

func (t *Tracker) addSeeds(tx *db.Tx, user, session int64, c *fair.Chain) error {
	_, err := tx.Exec("insert into tracker_seeds (user_id, session_id, marks) values ($1, $2, $3)",
		user, session, t.keys.Seal(c.Bytes(), whereChain(user, session)))
	return err
}

// ensureAccountChain makes the chain that drawn ends come from, in a commit of its own, unless there is one.
func (t *Tracker) ensureAccountChain(ctx context.Context, user int64) error {
	var one int
	err := t.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select 1 from tracker_chain where user_id = $1 and session_id = 0", user).Scan(&one)
	})
	if !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	c := makeChain()
	return t.db.Do(ctx, func(tx *db.Tx) error { return t.addChain(tx, user, 0, c) })
}

// chainRow is a stored chain without its seeds.
type chainRow struct {
	user, session int64
	commitment    []byte
	number        int64
	used          int
	clientSeed    string
}

const chainColumns = "c.commitment, c.number, c.client_seed"

// errNoChain is returned by readChain.
var errNoChain = errors.New("there is no chain")

func readChain(tx *db.Tx, user, session int64) (*chainRow, error) {
	c := &chainRow{user: user, session: session}
	err := tx.QueryRow("select "+chainColumns+`, coalesce(s.draws, c.used) from tracker_chain c
		left join tracker_session s on s.id = c.session_id where c.session_id = $1 and c.user_id = $2`, session, user).
		Scan(&c.commitment, &c.number, &c.clientSeed, &c.used)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoChain
	}
	return c, err
}

// draw draws d from the next seed of a chain and counts it. d.ClientSeed becomes the chain's. The caller stores the count
// and the draw.
func (t *Tracker) draw(tx *db.Tx, c *chainRow, d *fair.Draw) error {
	if c.used >= fair.Length {
		return refuse(DrawsUsedUp, "all %d draws are used up", fair.Length)
	}
	chain, err := t.seeds(tx, c)
	if err != nil {
		return err
	}
	c.used++
	d.Nonce, d.ClientSeed = c.used, c.clientSeed
	return d.Roll(c.number, chain.seed(d.Nonce))
}

// maxOpened is how many chains stay opened in memory.
const maxOpened = 1_024

// opened is chains whose seeds were decrypted, by their commitment.
type opened struct {
	mu     sync.Mutex
	chains map[fair.Seed]*openChain
}

// openChain is a chain with the seeds that come next.
type openChain struct {
	*fair.Chain
	mu    sync.Mutex
	ahead []fair.Seed // s_first, s_first+1, …
	first int
}

// seed is s_i. Seeds are asked for in order, so a stretch of them is made at once, from its end.
func (c *openChain) seed(i int) fair.Seed {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i < c.first || i >= c.first+len(c.ahead) {
		n := min(aheadSeeds, c.Len()-i+1)
		c.first, c.ahead = i, make([]fair.Seed, n)
		s := c.Seed(i + n - 1)
		for j := n - 1; j >= 0; j-- {
			c.ahead[j] = s
			s = s.Prev()
		}
	}
	return c.ahead[i-c.first]
}

const aheadSeeds = 64

// seeds is the seeds of a chain, from memory if they were needed before.
func (t *Tracker) seeds(tx *db.Tx, c *chainRow) (*openChain, error) {
	key := fair.Seed(c.commitment)
	t.chains.mu.Lock()
	chain := t.chains.chains[key]
	t.chains.mu.Unlock()
	if chain != nil {
		return chain, nil
	}
	var marks []byte
	err := tx.QueryRow("select marks from tracker_seeds where session_id = $1 and user_id = $2", c.session, c.user).Scan(&marks)
	if err != nil {
		return nil, err
	}
	if marks, err = t.keys.Open(marks, whereChain(c.user, c.session)); err != nil {
		return nil, err
	}
	stored, err := fair.ParseChain(marks, fair.Length)
	if err != nil {
		return nil, err
	}
	return t.chains.keep(key, stored), nil
}

func (o *opened) keep(key fair.Seed, stored *fair.Chain) *openChain {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.chains == nil {
		o.chains = map[fair.Seed]*openChain{}
	}
	for other := range o.chains {
		if len(o.chains) < maxOpened {
			break
		}
		delete(o.chains, other)
	}
	chain := &openChain{Chain: stored}
	o.chains[key] = chain
	return chain
}

// drawMaxEnd draws a scheduled end from the account's chain.
func (t *Tracker) drawMaxEnd(tx *db.Tx, o Owner, d *draft) (*fair.Draw, error) {
	c, err := readChain(tx, o.User, 0)
	if err != nil {
		return nil, err
	}
	draw := &fair.Draw{Game: fair.MaxEnd, From: d.drawFrom, To: d.scheduled.Unix}
	if err := t.draw(tx, c, draw); err != nil {
		return nil, err
	}
	if _, err := tx.Exec("update tracker_chain set used = $2 where session_id = 0 and user_id = $1", o.User, c.used); err != nil {
		return nil, err
	}
	return draw, keepDraw(tx, o.User, draw)
}

// keepDraw stores a draw of an account's chain.
func keepDraw(tx *db.Tx, user int64, d *fair.Draw) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = tx.Exec("insert into tracker_draw (user_id, nonce, draw) values ($1, $2, $3)", user, d.Nonce, string(text))
	return err
}
