package account

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"stint/internal/db"
)

const (
	tokenPrefix = "stint_"
	tokenLength = len(tokenPrefix) + 52
	maxCached   = 10_000 // verified tokens kept in memory
	hour        = 60 * 60
)

// TokenScope is what a token allows.
type TokenScope string

// The scopes of a token: write contains read (readings, Token).
const (
	TokenRead  TokenScope = "read"
	TokenWrite TokenScope = "write"
)

// ParseTokenScope reads "read" or "write".
func ParseTokenScope(text string) (TokenScope, error) {
	switch scope := TokenScope(text); scope {
	case TokenRead, TokenWrite:
		return scope, nil
	}
	return "", refuse(ErrInvalid, "scope %q is unknown: read and write are allowed", text)
}

// Token is a token as its operator sees it.
type Token struct {
	ID      int64
	User    string
	Label   string // unique among the user's tokens
	Scope   TokenScope
	Created time.Time
	Expires time.Time // zero: never
	Used    time.Time // to the hour; zero: never
}

// Caller is who a valid token speaks for.
type Caller struct {
	UserID   int64
	UserName string
	Zone     *time.Location
	TokenID  int64
	Scope    TokenScope
}

// CreateToken makes a token for a user and returns its secret. A zero expires
// means never; else it must lie in the future.
func (s *Store) CreateToken(ctx context.Context, user, label string, scope TokenScope, expires time.Time) (secret string, err error) {
	if err := checkName("label", label); err != nil {
		return "", err
	}
	if _, err := ParseTokenScope(string(scope)); err != nil {
		return "", err
	}
	secret = tokenPrefix + newSecret()
	err = s.write(ctx, func(tx *db.Tx) error {
		if !expires.IsZero() && expires.Unix() <= tx.Now.Unix() {
			return refuse(ErrInvalid, "a token must expire in the future")
		}
		u, err := findUser(tx, user)
		if err != nil {
			return err
		}
		id, err := tx.NextID("token")
		if err != nil {
			return err
		}
		n, err := tx.Exec(`insert into token (id, person, label, scope, hash, created, expires, used)
			values ($1, $2, $3, $4, $5, $6, $7, 0) on conflict (person, label) do nothing`,
			id, u.ID, label, string(scope), digest(secret), tx.Now.Unix(), seconds(expires))
		if err == nil && n == 0 {
			err = refuse(ErrExists, "%s has a token with the label %q already", u.Name, label)
		}
		return err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Tokens lists the tokens of a user, or of everyone if user is empty, in the
// order in which they were made.
func (s *Store) Tokens(ctx context.Context, user string) ([]Token, error) {
	var list []Token
	err := s.db.View(ctx, func(tx *db.Tx) error {
		if user != "" {
			if _, err := findUser(tx, user); err != nil {
				return err
			}
		}
		rows, err := tx.Query(`select t.id, p.name, t.label, t.scope, t.created, t.expires, t.used
			from token t join person p on p.id = t.person
			where $1 = '' or p.folded = $1 order by t.id`, fold(user))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Token
			var created, expires, used int64
			if err := rows.Scan(&t.ID, &t.User, &t.Label, &t.Scope, &created, &expires, &used); err != nil {
				return err
			}
			t.Created, t.Expires, t.Used = instant(created), instant(expires), instant(used)
			list = append(list, t)
		}
		return rows.Err()
	})
	return list, err
}

// RevokeToken removes the user's token with the label.
func (s *Store) RevokeToken(ctx context.Context, user, label string) error {
	return s.write(ctx, func(tx *db.Tx) error {
		id, _, err := findToken(tx, user, label)
		if err == nil {
			_, err = tx.Exec("delete from token where id = $1", id)
		}
		return err
	})
}

// RegenerateToken gives the user's token with the label a new secret, which it
// returns; the old one ends. A token that expires lasts as long again as it was
// given at first.
func (s *Store) RegenerateToken(ctx context.Context, user, label string) (secret string, err error) {
	secret = tokenPrefix + newSecret()
	err = s.write(ctx, func(tx *db.Tx) error {
		id, lifetime, err := findToken(tx, user, label)
		if err != nil {
			return err
		}
		now, expires := tx.Now.Unix(), int64(0)
		if lifetime > 0 {
			expires = now + lifetime
		}
		_, err = tx.Exec("update token set hash = $1, created = $2, expires = $3, used = 0 where id = $4", digest(secret), now, expires, id)
		return err
	})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// findToken also returns the seconds the token was made to last, 0 for ever.
func findToken(tx *db.Tx, user, label string) (id, lifetime int64, err error) {
	u, err := findUser(tx, user)
	if err != nil {
		return 0, 0, err
	}
	err = tx.QueryRow("select id, case expires when 0 then 0 else expires - created end from token where person = $1 and label = $2",
		u.ID, label).Scan(&id, &lifetime)
	if err == sql.ErrNoRows {
		err = refuse(ErrNotFound, "%s has no token with the label %q", u.Name, label)
	}
	return id, lifetime, err
}

func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// CheckToken says for whom the secret speaks. Missing, unknown, expired and
// revoked are all ErrUnauthorized. A token that was verified lately costs one
// SHA-256 and a look-up in memory.
func (s *Store) CheckToken(ctx context.Context, secret string) (Caller, error) {
	if len(secret) != tokenLength || !strings.HasPrefix(secret, tokenPrefix) {
		return Caller{}, ErrUnauthorized
	}
	sum := sha256.Sum256([]byte(secret))
	t, generation := s.tokens.get(sum)
	if t == nil {
		var err error
		if t, err = s.readToken(ctx, sum); err != nil {
			return Caller{}, err
		}
		s.tokens.put(sum, t, generation)
	}
	now := s.db.Now().Unix()
	if t.expires != 0 && now >= t.expires {
		return Caller{}, ErrUnauthorized
	}
	s.noteUse(&t.used, hour, use{"update token set used = $1 where id = $2 and used < $1", t.TokenID, now})
	return t.Caller, nil
}

func (s *Store) readToken(ctx context.Context, sum [32]byte) (*liveToken, error) {
	t := &liveToken{}
	var zone string
	var used int64
	err := s.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`select t.id, t.scope, t.expires, t.used, p.id, p.name, p.zone
			from token t join person p on p.id = t.person where t.hash = $1`, sum[:]).
			Scan(&t.TokenID, &t.Scope, &t.expires, &used, &t.UserID, &t.UserName, &zone)
	})
	if err == sql.ErrNoRows {
		return nil, ErrUnauthorized
	}
	if err != nil {
		return nil, err
	}
	t.used.Store(used)
	t.Zone, err = loadZone(zone)
	return t, err
}

type liveToken struct {
	Caller
	expires int64        // Unix seconds, 0: never
	used    atomic.Int64 // the last use that was written down, Unix seconds
}

// tokenCache holds verified tokens by the SHA-256 of their secrets until they
// may have changed.
type tokenCache struct {
	mu         sync.RWMutex
	generation uint64 // how often forget was called
	live       map[[32]byte]*liveToken
}

// get returns nil for a token that is not in the cache, and the generation to
// give to put.
func (c *tokenCache) get(sum [32]byte) (*liveToken, uint64) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.live[sum], c.generation
}

// put keeps t, unless tokens may have changed since get returned generation: t
// may then have been read before the change.
func (c *tokenCache) put(sum [32]byte, t *liveToken, generation uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.generation != generation {
		return
	}
	if c.live == nil {
		c.live = map[[32]byte]*liveToken{}
	}
	for other := range c.live {
		if len(c.live) < maxCached {
			break
		}
		delete(c.live, other)
	}
	c.live[sum] = t
}

func (c *tokenCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.generation++
	clear(c.live)
}
