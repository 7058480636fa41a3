package apiv2

import (
	"net/http"
	"strings"

	"stint/internal/account"
	"stint/internal/tracker"
	"stint/internal/tracker/fair"
)

// postGame answers POST games.php: a play of the owner or of a keyholder, or a vote of the public, which needs no
// bearer token (readings, "The family").
func (a *API) postGame(c *call) error {
	known := len(c.Header["Authorization"]) > 0
	if known {
		if err := a.admit(c, account.TokenWrite); err != nil {
			return err
		}
	}
	if err := c.onlyParams(); err != nil {
		return err
	}
	text, err := c.readBody()
	if err != nil {
		return err
	}
	b, err := c.parseBody(text)
	if err != nil {
		return err
	}
	game := tracker.Game(strings.ToLower(b.text(tracker.FieldGame)))
	dom := b.flag(fieldDom)
	vote := game == tracker.LinkGame && !dom
	if !known && !vote {
		return a.admit(c, account.TokenWrite)
	}
	key, err := c.idempotencyKey()
	if err != nil {
		return err
	}
	if vote {
		return a.vote(c, b, text, key)
	}
	// Clients of the family send all members; token and type mean nothing where they are not needed.
	r := tracker.PlayRequest{Session: b.session(), Game: game, Dom: dom, Choice: b.choice()}
	b.take(wireName(tracker.FieldToken))
	if err := b.end(); err != nil {
		return err
	}
	m, err := a.Tracker.Play(c.Context(), c.owner(), r, c.once("games", key, text, http.StatusOK, encodeMove))
	return c.moved(m, err)
}

// vote casts a vote by the link's token. A malformed token is as unknown as a revoked one.
func (a *API) vote(c *call, b *body, text []byte, key string) error {
	r := tracker.VoteRequest{Choice: b.choice()}
	v, given := b.take(wireName(tracker.FieldToken))
	if !given {
		b.fail(wireName(tracker.FieldToken), "a vote needs the token of the vote link")
	}
	r.Token, _ = scalar(v)
	if _, given := b.take(fieldSession); given {
		r.Session = b.session()
	}
	if err := b.end(); err != nil {
		return err
	}
	voter := tracker.Voter{Account: c.who.UserID, Address: a.Proxies.Addr(c.Request)}
	m, err := a.Tracker.Vote(c.Context(), voter, r, c.once("games", key, text, http.StatusOK, encodeMove))
	return c.moved(m, err)
}

// session reads the id of a session, which must be given.
func (b *body) session() int64 {
	n := b.number(fieldID, 0)
	if n < 1 {
		b.fail(fieldSession, "the id of a session is expected, a whole number from 1")
	}
	return int64(n)
}

// choice reads add, sub or rand; another word is left to the domain to refuse, after what is more important.
func (b *body) choice() tracker.Choice {
	c, _ := tracker.ParseChoice(b.text(tracker.FieldChoice))
	return c
}

func (c *call) moved(m *tracker.Move, err error) error {
	if done, err := c.replayed(err); done || err != nil {
		return err
	}
	c.text = appendMove(begin(c.text), m)
	return c.succeed(http.StatusOK)
}

func encodeMove(result any) ([]byte, error) {
	return appendMove(begin(nil), result.(*tracker.Move)), nil
}

// appendMove appends what a play did: the family's members, then ours, with everything that is needed to draw it again.
func appendMove(b []byte, m *tracker.Move) []byte {
	b = appendInt(b, `{"session":`, m.Session)
	b = appendFlag(b, `,"dom":`, m.Dom)
	b = appendText(b, `,"operation":`, m.Operation)
	b = appendInt(b, `,"seconds":`, m.Seconds)
	b = appendUTC(b, `,"scheduledend_utc":`, &m.Scheduled)
	b = appendMulti(append(b, `,"multiplier":`...), m.Multi)
	b = appendText(b, `,"game":`, string(m.Game))
	b = appendText(b, `,"source":`, m.Source)
	b = appendInt(b, `,"applied_seconds":`, m.Applied)
	b = appendInstant(b, `,"next_play_utc":`, secondsUp(m.Next), !m.Next.IsZero())
	for i, v := range m.Draw.Values {
		b = appendInt(b, oneBefore(i, `,"values":[`), int64(v))
	}
	for i, s := range m.Draw.Signs {
		b = appendText(b, oneBefore(i, `],"signs":[`), s)
	}
	if len(m.Draw.Values) > 0 {
		b = append(b, ']')
	}
	return append(appendProof(b, `,"proof":`, m.Draw.Proof()), '}')
}

// oneBefore is what stands before an element of a list.
func oneBefore(i int, first string) string {
	if i == 0 {
		return first
	}
	return ","
}

func appendProof(b []byte, key string, p fair.Proof) []byte {
	b = appendText(append(b, key...), `{"scheme":`, p.Scheme)
	b = appendInt(b, `,"nonce":`, int64(p.Nonce))
	b = appendText(b, `,"prev":`, p.Prev)
	b = appendText(b, `,"seed":`, p.Seed)
	return append(appendText(b, `,"clientseed":`, p.ClientSeed), '}')
}
