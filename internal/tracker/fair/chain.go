// Package fair is the scheme fair1: draws that anyone can check afterwards with nothing but SHA-256 and
// HMAC-SHA256 (readings, "Every draw can be checked by anyone, at once").
//
// A chain is Length seeds with s_(i-1) = SHA256(s_i). The commitment s_0 is published before the client's own
// seed is accepted; draw i uses and reveals s_i. Whoever holds s_0 can check that a revealed seed was fixed
// beforehand, and can repeat the draw from the seed.
package fair

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
)

// Scheme is the name that every proof carries.
const Scheme = "fair1"

// Length is the number of draws in a chain.
const Length = 10_000

// stride is the distance of the seeds a Chain keeps: a seed costs at most stride-1 hashes.
const stride = 100

// Seed is one link of a chain.
type Seed [sha256.Size]byte

// String is the seed in lower-case hexadecimal, as proofs show it.
func (s Seed) String() string { return hex.EncodeToString(s[:]) }

// Prev is the link before s: SHA256(s).
func (s Seed) Prev() Seed { return sha256.Sum256(s[:]) }

// Before is the link steps before s.
func (s Seed) Before(steps int) Seed {
	for range steps {
		s = s.Prev()
	}
	return s
}

// NewSeed is a random seed, to be the tip of a chain.
func NewSeed() Seed {
	var s Seed
	rand.Read(s[:])
	return s
}

// ParseSeed reads 64 hexadecimal digits in lower case.
func ParseSeed(text string) (Seed, error) {
	var s Seed
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(s) || strings.ToLower(text) != text {
		return s, errors.New("a seed is 64 hexadecimal digits in lower case")
	}
	return Seed(b), nil
}

// Chain holds every hundredth seed, counted from the tip.
type Chain struct {
	length int
	marks  []Seed
}

// NewChain makes the chain of length draws that ends in tip, and its commitment s_0. It costs length hashes.
func NewChain(tip Seed, length int) (*Chain, Seed) {
	c := &Chain{length: length}
	s := tip
	for i := length; i > 0; i-- {
		if (length-i)%stride == 0 {
			c.marks = append(c.marks, s)
		}
		s = s.Prev()
	}
	return c, s
}

// Len is the number of draws in the chain.
func (c *Chain) Len() int { return c.length }

// Tip is the last seed; all others follow from it.
func (c *Chain) Tip() Seed { return c.marks[0] }

// Seed is s_i for i from 1 to Len.
func (c *Chain) Seed(i int) Seed {
	if i < 1 || i > c.length {
		panic("fair: no such seed")
	}
	back := c.length - i
	return c.marks[back/stride].Before(back % stride)
}

// Bytes is the chain for storage: the kept seeds one after the other. It is as secret as the tip.
func (c *Chain) Bytes() []byte {
	b := make([]byte, 0, len(c.marks)*len(Seed{}))
	for _, m := range c.marks {
		b = append(b, m[:]...)
	}
	return b
}

// ParseChain reads what Bytes wrote for a chain of length draws.
func ParseChain(b []byte, length int) (*Chain, error) {
	size := len(Seed{})
	if length < 1 || len(b) != (length+stride-1)/stride*size {
		return nil, errors.New("stored chain has the wrong size")
	}
	c := &Chain{length: length, marks: make([]Seed, len(b)/size)}
	for i := range c.marks {
		copy(c.marks[i][:], b[i*size:])
	}
	return c, nil
}
