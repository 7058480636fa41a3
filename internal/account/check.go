package account

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stint/internal/db"
)

const (
	rememberFor = 5 * time.Minute // that a chosen password was verified
	day         = 24 * 60 * 60    // between two dates of use of a password, in seconds
)

// passwords is the club's passwords as they were at one instant. What was
// verified against them is remembered with them, and forgotten with them when
// they change.
type passwords struct {
	rows      []storedPassword
	generated map[[32]byte]*livePassword // by the SHA-256 of the secret
	chosen    []*livePassword
	revoked   map[int64]chan struct{} // by a password's id
	// verified maps the keyed SHA-256 of a chosen secret to a *verification;
	// it never holds more of them than there are chosen passwords.
	verified sync.Map
}

type livePassword struct {
	Password
	id     int64
	chosen chosen
	used   atomic.Int64 // the last use that was written down, Unix seconds
}

type verification struct {
	password *livePassword
	until    time.Time
}

// load reads the passwords again. When they are what they were, everything
// stays, also what is remembered.
func (s *Store) load(ctx context.Context) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	var rows []storedPassword
	err := s.db.View(ctx, func(tx *db.Tx) (err error) {
		rows, err = readPasswords(tx)
		return err
	})
	if err != nil {
		return err
	}
	same := func(a, b storedPassword) bool {
		return a.id == b.id && a.Password == b.Password && a.hash == b.hash
	}
	if old := s.passwords.Load(); old != nil && slices.EqualFunc(old.rows, rows, same) {
		return nil
	}
	next, err := s.newPasswords(rows)
	if err != nil {
		return err
	}
	if old := s.passwords.Swap(next); old != nil {
		for id, revoked := range old.revoked {
			if next.revoked[id] == nil {
				close(revoked)
			}
		}
	}
	return nil
}

// newPasswords takes over from the present list what tells the bearers of a password that it was revoked.
func (s *Store) newPasswords(rows []storedPassword) (*passwords, error) {
	p := &passwords{rows: rows, generated: map[[32]byte]*livePassword{}, revoked: map[int64]chan struct{}{}}
	old := s.passwords.Load()
	for _, row := range rows {
		revoked := make(chan struct{})
		if old != nil && old.revoked[row.id] != nil {
			revoked = old.revoked[row.id]
		}
		p.revoked[row.id] = revoked
		live := &livePassword{Password: row.Password, id: row.id}
		live.Revoked = revoked
		live.used.Store(row.used)
		if text, ok := strings.CutPrefix(row.hash, generatedPrefix); ok {
			var sum [32]byte
			if _, err := hex.Decode(sum[:], []byte(text)); err != nil {
				return nil, err
			}
			p.generated[sum] = live
			continue
		}
		var err error
		if live.chosen, err = parseChosen(row.hash); err != nil {
			return nil, err
		}
		p.chosen = append(p.chosen, live)
	}
	return p, nil
}

// CheckPassword says which password the secret is, or ErrUnauthorized. It
// compares digests, so that the time it takes says nothing about a secret. What
// RecallPassword does not know costs one argon2id for each chosen password, for
// which it may have to wait until ctx ends.
func (s *Store) CheckPassword(ctx context.Context, secret string) (Password, error) {
	if p, ok := s.RecallPassword(secret); ok {
		return p, nil
	}
	list := s.passwords.Load()
	if len(secret) > maxSecret || len(list.chosen) == 0 {
		return Password{}, ErrUnauthorized
	}
	live, err := s.checkChosen(ctx, list, secret)
	if err != nil {
		return Password{}, err
	}
	if live == nil {
		return Password{}, ErrUnauthorized
	}
	return s.used(live), nil
}

// RecallPassword says which password the secret is if that takes no more than
// one SHA-256 or two and a look-up in memory: for a generated one, and a chosen
// one that was verified in the last minutes. So whoever knows a password is not
// held up by somebody at the same address who guesses.
func (s *Store) RecallPassword(secret string) (Password, bool) {
	if len(secret) > maxSecret {
		return Password{}, false
	}
	list := s.passwords.Load()
	sum := sha256.Sum256([]byte(secret))
	live := list.generated[sum]
	if live == nil && len(list.chosen) > 0 {
		live = list.recall(s.keyed(sum), s.db.Now())
	}
	if live == nil {
		return Password{}, false
	}
	return s.used(live), true
}

// keyed is the digest under which a verified chosen password is remembered.
func (s *Store) keyed(sum [32]byte) [32]byte {
	return sha256.Sum256(slices.Concat(s.key[:], sum[:]))
}

// used notes the day of the password's last use.
func (s *Store) used(live *livePassword) Password {
	today := s.db.Now().Unix() / day * day
	s.noteUse(&live.used, day, use{"update club_password set used = $1 where id = $2 and used < $1", live.id, today})
	return live.Password
}

// checkChosen finds the chosen password that the secret is, or nil.
func (s *Store) checkChosen(ctx context.Context, list *passwords, secret string) (*livePassword, error) {
	keyed := s.keyed(sha256.Sum256([]byte(secret)))
	if !possible(secret) {
		return nil, nil
	}
	leave, err := s.hashingPlace(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	// While this request waited, another with the same secret may have been
	// through.
	now := s.db.Now()
	if live := list.recall(keyed, now); live != nil {
		return live, nil
	}
	for _, live := range list.chosen {
		if live.chosen.matches(secret) {
			list.verified.Store(keyed, &verification{live, now.Add(rememberFor)})
			return live, nil
		}
	}
	return nil, nil
}

func (p *passwords) recall(keyed [32]byte, now time.Time) *livePassword {
	if v, ok := p.verified.Load(keyed); ok && now.Before(v.(*verification).until) {
		return v.(*verification).password
	}
	return nil
}
