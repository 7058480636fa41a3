package fair

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDocument is the largest document that can be checked, in bytes. A whole chain of Length draws has six
// million.
const MaxDocument = 16 << 20

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

// DrawError is the first draw that does not hold; all draws with a smaller nonce do.
type DrawError struct {
	Nonce int
	Err   error
}

func (e *DrawError) Error() string { return fmt.Sprintf("draw %d does not hold: %v", e.Nonce, e.Err) }
func (e *DrawError) Unwrap() error { return e.Err }

// Verify checks a JSON document: that every seed was fixed by the commitment, and that every draw, repeated,
// gives what the document says. The document is nil if text is none: malformed or longer than MaxDocument, with
// a member twice or one that is not known. Else the error is a *DrawError or says what is wrong with the whole.
func Verify(text []byte) (*Document, error) {
	if len(text) > MaxDocument {
		return nil, fmt.Errorf("not a document of draws: more than %d MiB", MaxDocument>>20)
	}
	var doc Document
	if err := json.Unmarshal(text, &doc, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("not a document of draws: %w", malformed(err))
	}
	return &doc, doc.Verify()
}

var kinds = map[jsontext.Kind]string{
	'n': "null", 'f': "false", 't': "true", '"': "a string", '0': "a number", '{': "an object", '[': "a list",
}

// malformed says where a text stops being a document.
func malformed(err error) error {
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		switch {
		case errors.Is(e, json.ErrUnknownName):
			return fmt.Errorf("after byte %d: member %q is not known", e.ByteOffset, e.JSONPointer)
		case e.JSONValue != nil:
			return fmt.Errorf("after byte %d: %q can't be %.40q", e.ByteOffset, e.JSONPointer, e.JSONValue)
		}
		return fmt.Errorf("after byte %d: %q can't be %s", e.ByteOffset, e.JSONPointer, kinds[e.JSONKind])
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return fmt.Errorf("after byte %d: %w", e.ByteOffset, e.Err)
	}
	return err
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
	slices.SortStableFunc(draws, func(a, b Draw) int { return cmp.Compare(a.Nonce, b.Nonce) })
	at := 0
	for i := range draws {
		d := &draws[i]
		if d.Nonce <= at || d.Nonce > doc.Length {
			return &DrawError{d.Nonce, errors.New("its nonce is repeated or out of range")}
		}
		seed, err := d.verify(doc.Session, known, d.Nonce-at)
		if err != nil {
			return &DrawError{d.Nonce, err}
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

// verify checks a draw whose seed is steps links after known, and returns the seed.
func (d *Draw) verify(session int64, known Seed, steps int) (Seed, error) {
	seed, err := ParseSeed(d.Seed)
	if err != nil {
		return seed, err
	}
	if seed.Before(steps) != known {
		return seed, errors.New("its seed does not lead to the commitment")
	}
	if err := CheckClientSeed(d.ClientSeed); err != nil {
		return seed, err
	}
	again := d.settings()
	if err := again.Roll(session, seed); err != nil {
		return seed, err
	}
	return seed, d.compare(again)
}

// settings is the draw before it was rolled, with nothing but what its game needs.
func (d *Draw) settings() Draw {
	s := Draw{Nonce: d.Nonce, Game: d.Game, ClientSeed: d.ClientSeed}
	switch d.Game {
	case MaxEnd:
		s.From, s.To = d.From, d.To
		return s
	case Dice:
		s.Dices, s.Unit = d.Dices, d.Unit
	case Luck:
		s.Add, s.Sub = d.Add, d.Sub
	case Link:
		s.Choice, s.Add, s.Sub = d.Choice, d.Add, d.Sub
	}
	s.MinMulti, s.MaxMulti = d.MinMulti, d.MaxMulti
	return s
}

// compare says what differs between a draw and the same draw repeated.
func (d *Draw) compare(again Draw) error {
	switch {
	case again.Prev != d.Prev:
		return errors.New("prev is not the hash of seed")
	case !slices.Equal(again.Values, d.Values):
		return fmt.Errorf("the dice are %v, not %v", again.Values, d.Values)
	case !slices.Equal(again.Signs, d.Signs):
		return fmt.Errorf("the signs are %q, not %q", again.Signs, d.Signs)
	case again.Operation != d.Operation:
		return fmt.Errorf("the operation is %q, not %q", again.Operation, d.Operation)
	case again.Multi != d.Multi:
		return fmt.Errorf("the multiplier is %d hundredths, not %d", again.Multi, d.Multi)
	case again.Seconds != d.Seconds:
		return fmt.Errorf("the seconds are %d, not %d", again.Seconds, d.Seconds)
	case again.End != d.End:
		return fmt.Errorf("the end is %d, not %d", again.End, d.End)
	}
	again.Values, again.Signs = d.Values, d.Signs // none and an empty list are the same
	if !reflect.DeepEqual(again, *d) {
		return fmt.Errorf("it has a member that is not part of %s", d.Game)
	}
	return nil
}
