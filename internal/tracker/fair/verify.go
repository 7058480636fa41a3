package fair

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// Document is the draws of one chain, for anyone to check. Tip stands there once nothing can be drawn any more
// (the session has ended); before that a document holds what has been revealed so far.
type Document struct {
	Scheme     string `json:"scheme"`
	Session    int64  `json:"session"` // 0: the account's chain
	Commitment string `json:"commitment"`
	Length     int    `json:"length"`
	Tip        string `json:"tip,omitempty"`
	Draws      []Draw `json:"draws"`
}

// Verify checks a JSON document: that every seed was fixed by the commitment, and that every draw, repeated,
// gives what the document says. It returns the document, or an error that names the first draw that fails.
func Verify(text []byte) (*Document, error) {
	var doc Document
	if err := json.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("not a document of draws: %w", err)
	}
	return &doc, doc.Verify()
}

// Verify is the function Verify on a document that was read already.
func (doc *Document) Verify() error {
	if doc.Scheme != Scheme {
		return fmt.Errorf("unknown scheme %q", doc.Scheme)
	}
	if doc.Length < 1 || doc.Length > 1_000_000 {
		return errors.New("length out of range")
	}
	known, err := ParseSeed(doc.Commitment)
	if err != nil {
		return fmt.Errorf("commitment: %w", err)
	}
	draws := slices.Clone(doc.Draws)
	slices.SortStableFunc(draws, func(a, b Draw) int { return a.Nonce - b.Nonce })
	at := 0
	for i := range draws {
		d := &draws[i]
		if d.Nonce <= at || d.Nonce > doc.Length {
			return fmt.Errorf("draw %d: nonce repeated or out of range", d.Nonce)
		}
		seed, err := ParseSeed(d.Seed)
		if err != nil {
			return fmt.Errorf("draw %d: %w", d.Nonce, err)
		}
		if seed.Before(d.Nonce-at) != known {
			return fmt.Errorf("draw %d: its seed does not lead to the commitment", d.Nonce)
		}
		if err := d.check(doc.Session, seed); err != nil {
			return fmt.Errorf("draw %d: %w", d.Nonce, err)
		}
		at, known = d.Nonce, seed
	}
	return doc.checkTip(known, at)
}

func (doc *Document) checkTip(known Seed, at int) error {
	if doc.Tip == "" {
		return nil
	}
	tip, err := ParseSeed(doc.Tip)
	if err != nil {
		return fmt.Errorf("tip: %w", err)
	}
	if tip.Before(doc.Length-at) != known {
		return errors.New("the tip does not lead to the commitment")
	}
	return nil
}

func (d *Draw) check(session int64, seed Seed) error {
	if err := CheckClientSeed(d.ClientSeed); err != nil {
		return err
	}
	again := *d
	if err := again.Roll(session, seed); err != nil {
		return err
	}
	switch {
	case again.Prev != d.Prev:
		return errors.New("prev is not the hash of seed")
	case !slices.Equal(again.Values, d.Values):
		return fmt.Errorf("the dice are %v, not %v", again.Values, d.Values)
	case !slices.Equal(again.Signs, d.Signs):
		return fmt.Errorf("the signs are %v, not %v", again.Signs, d.Signs)
	case again.Operation != d.Operation:
		return fmt.Errorf("the operation is %s, not %s", again.Operation, d.Operation)
	case again.Multi != d.Multi:
		return fmt.Errorf("the multiplier is %d hundredths, not %d", again.Multi, d.Multi)
	case again.Seconds != d.Seconds:
		return fmt.Errorf("the seconds are %d, not %d", again.Seconds, d.Seconds)
	case again.End != d.End:
		return fmt.Errorf("the end is %d, not %d", again.End, d.End)
	}
	return nil
}
