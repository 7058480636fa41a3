package tracker

import (
	"context"
	"database/sql"
	"errors"

	"stint/internal/db"
)

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
