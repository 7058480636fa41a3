package tracker

import (
	"context"
	"encoding/json"
	"errors"

	"stint/internal/db"
	"stint/internal/tracker/fair"
)

// Fairness is what is known of a chain before its draws: the commitment stands before the client's seed is accepted.
type Fairness struct {
	Scheme     string
	Session    int64  // 0: the account's chain, for drawn ends
	Number     int64  // what stands for the session in the generator's text; another than Session only after an import
	Commitment string // s_0
	ClientSeed string
	Used       int // draws made
	Length     int // draws there are
}

func (c *chainRow) fairness() *Fairness {
	return &Fairness{Scheme: fair.Scheme, Session: c.session, Number: c.number, Commitment: fair.Seed(c.commitment).String(),
		ClientSeed: c.clientSeed, Used: c.used, Length: fair.Length}
}

// ownChain reads a chain of the owner's session, or with session 0 of the account; with reader also for a keyholder of
// the active session. It says whether draws may still come.
func (t *Tracker) ownChain(tx *db.Tx, o Owner, session int64, reader bool) (c *chainRow, active bool, err error) {
	if session == 0 {
		c, err = readChain(tx, o.User, 0)
		return c, true, err
	}
	l, err := readLive(tx, session)
	switch {
	case err != nil:
		return nil, false, err
	case l == nil:
		return nil, false, errNotFound()
	case l.user != o.User:
		if !reader || !l.active {
			return nil, false, errNotFound()
		}
		if linked, err := isLinked(tx, l.user, o.User); err != nil {
			return nil, false, err
		} else if !linked {
			return nil, false, errNotFound()
		}
	}
	c, err = readChain(tx, l.user, session)
	if errors.Is(err, errNoChain) {
		err = refuse(NotFound, "the session has no draws: no game was ever on")
	}
	return c, l.active, err
}

// Fair is the commitment and the state of the chain of a session, for its owner, and for a keyholder while it is active;
// with session 0 of the account's, which is made if there is none. Errors: NotFound.
func (t *Tracker) Fair(ctx context.Context, o Owner, session int64) (*Fairness, error) {
	if session == 0 {
		if err := t.ensureAccountChain(ctx, o.User); err != nil {
			return nil, err
		}
	}
	var f *Fairness
	err := t.db.View(ctx, func(tx *db.Tx) error {
		c, _, err := t.ownChain(tx, o, session, true)
		if err == nil {
			f = c.fairness()
		}
		return err
	})
	return f, err
}

// SetClientSeed sets the owner's own seed for the draws to come, at most 64 characters. Errors: NotFound, NotActive,
// Validation.
func (t *Tracker) SetClientSeed(ctx context.Context, o Owner, session int64, seed string) (*Fairness, error) {
	if err := fair.CheckClientSeed(seed); err != nil {
		return nil, Invalid(FieldClientSeed, "%v", err)
	}
	if session == 0 {
		if err := t.ensureAccountChain(ctx, o.User); err != nil {
			return nil, err
		}
	}
	var f *Fairness
	err := t.db.Do(ctx, func(tx *db.Tx) error {
		c, active, err := t.ownChain(tx, o, session, false)
		switch {
		case err != nil:
			return err
		case !active:
			return refuse(NotActive, "the session has ended; nothing is drawn any more")
		}
		c.clientSeed = seed
		f = c.fairness()
		if _, err := tx.Exec("update tracker_chain set client_seed = $3 where session_id = $1 and user_id = $2", session, c.user, seed); err != nil {
			return err
		}
		return renewSettings(tx, session)
	})
	return f, err
}

// Chain is the draws of a chain, as anyone can check them: all seeds that are revealed, and the tip, from which all
// follow, once the session has ended. Readers are those of Fair. Errors: NotFound.
func (t *Tracker) Chain(ctx context.Context, o Owner, session int64) (*fair.Document, error) {
	if session == 0 {
		if err := t.ensureAccountChain(ctx, o.User); err != nil {
			return nil, err
		}
	}
	var doc *fair.Document
	err := t.db.View(ctx, func(tx *db.Tx) error {
		c, active, err := t.ownChain(tx, o, session, true)
		if err != nil {
			return err
		}
		doc, err = t.document(tx, c, !active)
		return err
	})
	return doc, err
}

func (t *Tracker) document(tx *db.Tx, c *chainRow, ended bool) (*fair.Document, error) {
	doc := &fair.Document{Scheme: fair.Scheme, Session: c.number, Commitment: fair.Seed(c.commitment).String(), Length: fair.Length}
	if ended {
		chain, err := t.seeds(tx, c)
		if err != nil {
			return nil, err
		}
		doc.Tip = chain.Tip().String()
	}
	var err error
	doc.Draws, err = readDraws(tx, c.user, c.session)
	return doc, err
}

// readDraws is the draws of a session, or of an account, in their order.
func readDraws(tx *db.Tx, user, session int64) ([]fair.Draw, error) {
	query, args := "select draw from tracker_log where user_id = $1 and session_id = $2 and draw is not null order by nonce", []any{user, session}
	if session == 0 {
		query, args = "select draw from tracker_draw where user_id = $1 order by nonce", args[:1]
	}
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []fair.Draw{}
	for rows.Next() {
		var text []byte
		var d fair.Draw
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &d); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, rows.Err()
}
