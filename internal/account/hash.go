package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// A stored password is either generatedPrefix and the SHA-256 of a generated
// secret in hexadecimal, or the argon2id of a chosen one as a PHC string.
const (
	generatedPrefix = "sha256:"
	chosenPrefix    = "$argon2id$"

	memory     = 19 * 1024 // KiB for one argon2id
	passes     = 2
	lanes      = 1
	saltBytes  = 16
	keyBytes   = 32
	maxHashing = 2 // argon2id that run at once
)

func hashGenerated(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return generatedPrefix + hex.EncodeToString(sum[:])
}

func hashChosen(secret string) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	key := argon2.IDKey([]byte(secret), salt, passes, memory, lanes, keyBytes)
	text := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", chosenPrefix, argon2.Version, memory, passes, lanes, text(salt), text(key))
}

// chosen is what a PHC string says.
type chosen struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

func parseChosen(phc string) (c chosen, err error) {
	parts := strings.Split(strings.TrimPrefix(phc, chosenPrefix), "$")
	if len(parts) != 4 || parts[0] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, fmt.Errorf("a stored password is not an argon2id of version %d", argon2.Version)
	}
	if _, err = fmt.Sscanf(parts[1], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, fmt.Errorf("a stored password has parameters that can't be read: %w", err)
	}
	if c.salt, err = base64.RawStdEncoding.DecodeString(parts[2]); err != nil {
		return c, fmt.Errorf("a stored password has a salt that can't be read: %w", err)
	}
	if c.key, err = base64.RawStdEncoding.DecodeString(parts[3]); err != nil || len(c.key) == 0 {
		return c, fmt.Errorf("a stored password has a hash that can't be read: %w", err)
	}
	return c, nil
}

func (c chosen) matches(secret string) bool {
	key := argon2.IDKey([]byte(secret), c.salt, c.passes, c.memory, c.lanes, uint32(len(c.key)))
	return subtle.ConstantTimeCompare(key, c.key) == 1
}

// hashingPlace waits for one of the few places in which argon2id may run; the
// caller calls leave.
func (s *Store) hashingPlace(ctx context.Context) (leave func(), err error) {
	select {
	case s.hashing <- struct{}{}:
		return func() { <-s.hashing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
