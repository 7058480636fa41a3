package fair

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"strconv"
)

// Numbers is the number generator of one draw. Block c (from 0) is
// HMAC-SHA256(s_i, "fair1\n{session}\n{i}\n{GAME}\n{clientseed}\n{c}") and gives eight numbers of four bytes,
// big-endian, in order.
type Numbers struct {
	mac    hash.Hash
	prefix []byte
	block  [sha256.Size]byte
	next   int
	count  uint64
}

// NewNumbers is the generator of draw nonce of a session's chain. Draws from an account's chain have session 0.
func NewNumbers(seed Seed, session int64, nonce int, game, clientSeed string) *Numbers {
	p := append([]byte(Scheme), '\n')
	p = append(strconv.AppendInt(p, session, 10), '\n')
	p = append(strconv.AppendInt(p, int64(nonce), 10), '\n')
	p = append(append(p, game...), '\n')
	p = append(append(p, clientSeed...), '\n')
	return &Numbers{mac: hmac.New(sha256.New, seed[:]), prefix: p, next: sha256.Size}
}

func (n *Numbers) word() uint32 {
	if n.next == len(n.block) {
		n.mac.Reset()
		n.mac.Write(n.prefix)
		n.mac.Write(strconv.AppendUint(nil, n.count, 10))
		n.mac.Sum(n.block[:0])
		n.count++
		n.next = 0
	}
	w := binary.BigEndian.Uint32(n.block[n.next:])
	n.next += 4
	return w
}

// Below is uniform over 0 … limit-1, for a limit from 1 to 2^32. Numbers at or above its largest multiple are
// thrown away, so no remainder is favoured.
func (n *Numbers) Below(limit int64) int64 {
	const all = 1 << 32
	if limit < 1 || limit > all {
		panic("fair: limit out of range")
	}
	usable := all - all%limit
	for {
		if w := int64(n.word()); w < usable {
			return w % limit
		}
	}
}
