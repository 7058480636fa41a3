package tracker

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"stint/internal/db"
)

const (
	onceKept   = 86_400 // seconds
	maxOnceKey = 255    // bytes
)

// do runs fn as one write, at most once where once asks for it.
func do[T any](ctx context.Context, t *Tracker, user int64, once *Once, fn func(tx *db.Tx) (T, error)) (T, error) {
	var result T
	err := t.db.Do(ctx, func(tx *db.Tx) error {
		if once != nil && once.Key != "" {
			if err := t.replay(tx, once); err != nil {
				return err
			}
		}
		var err error
		if result, err = fn(tx); err != nil {
			return err
		}
		if once != nil && once.Key != "" {
			if err := dropAnswers(tx); err != nil {
				return err
			}
			status, answer, err := once.Encode(result)
			if err != nil {
				return err
			}
			_, err = tx.Exec(`insert into tracker_once (token_id, key, user_id, about_id, body, status, answer, at_s)
				values ($1, $2, $3, $4, $5, $6, $7, $8)`,
				once.Token, once.Key, user, about(result), once.Body[:], status, t.keys.Seal(answer, once.where()), tx.Now.Unix())
			return err
		}
		return nil
	})
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}

// dropAnswers forgets the answers that are too old to be given again.
func dropAnswers(tx *db.Tx) error {
	_, err := tx.Exec("delete from tracker_once where at_s <= $1", tx.Now.Unix()-onceKept)
	return err
}

// about is whom a result tells of, beside who asked; 0 for nobody.
func about(result any) int64 {
	switch r := result.(type) {
	case *Session:
		return r.User
	case *Move:
		return r.owner
	case *Invitation:
		return r.Link.Keyholder
	case *Keyholder:
		return r.Owner
	}
	panic("a result of nobody's session")
}

func (o *Once) check() error {
	if len(o.Key) > maxOnceKey || !plain(o.Key) {
		return Invalid(FieldIdempotencyKey, "an idempotency key is text of at most %d bytes without control characters", maxOnceKey)
	}
	return nil
}

// where names the place of a sealed answer.
func (o *Once) where() string { return fmt.Sprintf("tracker_once/%d/%s", o.Token, o.Key) }

// replay is nil when the key is new, else a *Replayed or the refusal of another body.
func (t *Tracker) replay(tx *db.Tx, once *Once) error {
	if err := once.check(); err != nil {
		return err
	}
	var body []byte
	var first Replayed
	err := tx.QueryRow("select body, status, answer from tracker_once where token_id = $1 and key = $2 and at_s > $3",
		once.Token, once.Key, tx.Now.Unix()-onceKept).
		Scan(&body, &first.Status, &first.Body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case !bytes.Equal(body, once.Body[:]):
		return refuse(IdempotencyConflict, "the idempotency key was used for another request")
	}
	if first.Body, err = t.keys.Open(first.Body, once.where()); err != nil {
		return err
	}
	return &first
}

// plain says whether a text can stand in a column of either engine and on one line.
func plain(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }
