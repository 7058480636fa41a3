package tracker

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/fair"
)

// openVotes is how many votes without an account a session takes in one hour of UTC. It bounds what a flood from many
// addresses, or with invented cookies, can do; votes with an account are not counted.
const openVotes = 30

const tokenLength = 26 // of rand.Text

// Voter is who votes, by the first of these that is set. Only a hash of it is kept, keyed by a salt that dies with the
// session.
type Voter struct {
	Account int64
	Cookie  string     // the first-party cookie's random id
	Address netip.Addr // an IPv6 address counts as its /64
}

// id is the voter's identity in a session.
func (v Voter) id(salt []byte) []byte {
	mac := hmac.New(sha256.New, salt)
	switch {
	case v.Account != 0:
		fmt.Fprintf(mac, "account\n%d", v.Account)
	case v.Cookie != "":
		fmt.Fprintf(mac, "cookie\n%s", v.Cookie)
	default:
		a := v.Address.Unmap().WithZone("")
		if a.Is6() {
			p, _ := a.Prefix(64)
			a = p.Addr()
		}
		fmt.Fprintf(mac, "address\n%s", a)
	}
	return mac.Sum(nil)[:16]
}

// VoteRequest is a vote of the public.
type VoteRequest struct {
	Token   string // of the vote link
	Session int64  // 0, or the session that the token must belong to
	Choice  Choice
}

// Vote votes by a vote link: one voter once per session, or with ResetVotes once until the owner's next midnight. An
// owner who votes on their own link is penalised: the choice is ADD, the multiplier the largest, the source PENALTY.
// Errors: NotFound (unknown, malformed or revoked tokens), NotActive, ScheduleReached, AlreadyVoted, RateLimited,
// DrawsUsedUp, Validation, IdempotencyConflict, and *Replayed.
func (t *Tracker) Vote(ctx context.Context, v Voter, r VoteRequest, once *Once) (*Move, error) {
	if once != nil && once.Key != "" && v.Account == 0 {
		var err error
		if once, err = t.onceOf(ctx, v, r.Token, *once); err != nil {
			return nil, err
		}
	}
	return do(ctx, t, v.Account, once, func(tx *db.Tx) (*Move, error) {
		g, err := t.readBallotTable(tx, r.Token)
		if err != nil {
			return nil, err
		}
		if r.Session != 0 && r.Session != g.id {
			return nil, errNoLink()
		}
		zone, err := t.zone(tx, g.user)
		if err != nil {
			return nil, err
		}
		if err := t.openFor(tx, &g.live, g, zone); err != nil {
			return nil, err
		}
		return t.vote(tx, g, v, r.Choice, false, zone)
	})
}

// onceOf makes a key the voter's own: voters without an account have no bearer token to tell their keys apart.
func (t *Tracker) onceOf(ctx context.Context, v Voter, token string, once Once) (*Once, error) {
	if err := once.check(); err != nil {
		return nil, err
	}
	err := t.db.View(ctx, func(tx *db.Tx) error {
		g, err := t.readBallotTable(tx, token)
		if err == nil {
			mac := hmac.New(sha256.New, v.id(g.salt))
			mac.Write([]byte(once.Key))
			once.Key = hex.EncodeToString(mac.Sum(nil))
		}
		return err
	})
	return &once, err
}

func errNoLink() *Error { return refuse(NotFound, "there is no such vote link") }

// isToken says whether a text looks like a vote token.
func isToken(s string) bool {
	return len(s) == tokenLength && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

func (t *Tracker) readBallotTable(tx *db.Tx, token string) (*table, error) {
	if !isToken(token) {
		return nil, errNoLink()
	}
	var session int64
	err := tx.QueryRow("select session_id from tracker_game where token = $1", token).Scan(&session)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNoLink()
	}
	if err != nil {
		return nil, err
	}
	g, err := t.readTable(tx, session, LinkGame)
	if err == nil && g == nil {
		err = errNoLink()
	}
	return g, err
}

// vote casts a vote at an open table.
func (t *Tracker) vote(tx *db.Tx, g *table, v Voter, c Choice, dom bool, zone *time.Location) (*Move, error) {
	m := &Move{Game: LinkGame, Dom: dom, Source: SourceLink}
	multi := g.multi
	if v.Account == g.user {
		c, m.Source, multi.Min = ChoiceAdd, SourcePenalty, multi.Max
	}
	if err := g.open(c); err != nil {
		return nil, err
	}
	voter := v.id(g.salt)
	if err := mayVote(tx, g, voter, zone); err != nil {
		return nil, err
	}
	if v.Account == 0 {
		if err := g.countOpen(tx); err != nil {
			return nil, err
		}
	}
	_, err := tx.Exec(`insert into tracker_vote (session_id, voter, at_ms) values ($1, $2, $3)
		on conflict (session_id, voter) do update set at_ms = $3`, g.id, voter, tx.Now.UnixMilli())
	if err != nil {
		return nil, err
	}
	m.Draw = &fair.Draw{Game: fair.Link, Choice: string(c), Add: g.add.Seconds(), Sub: g.sub.Seconds(), MinMulti: int(multi.Min), MaxMulti: int(multi.Max)}
	m.Next = againAt(tx.Now, g.reset, zone)
	g.standing = g.played(tx.Now, zone)
	return m, t.move(tx, g, m, kindVote, zone)
}

// lastVote is when a voter voted last; zero: not yet.
func lastVote(tx *db.Tx, session int64, voter []byte) (time.Time, error) {
	var at int64
	err := tx.QueryRow("select at_ms from tracker_vote where session_id = $1 and voter = $2", session, voter).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return instant(at), err
}

func mayVote(tx *db.Tx, g *table, voter []byte, zone *time.Location) error {
	last, err := lastVote(tx, g.id, voter)
	if err != nil || last.IsZero() {
		return err
	}
	again := againAt(last, g.reset, zone)
	if !again.IsZero() && !again.After(tx.Now) {
		return nil
	}
	return &Error{Code: AlreadyVoted, RetryAt: again, Message: "you have voted already"}
}

// countOpen counts a vote without an account against the hour's.
func (g *table) countOpen(tx *db.Tx) error {
	hour := tx.Now.Unix() / 3_600
	if g.hour != hour {
		g.hour, g.votes = hour, 0
	}
	if g.votes >= openVotes {
		return &Error{Code: RateLimited, RetryAt: time.Unix((hour+1)*3_600, 0).UTC(),
			Message: "too many votes without an account came in this hour"}
	}
	g.votes++
	_, err := tx.Exec("update tracker_session set vote_hour = $2, hour_votes = $3 where id = $1", g.id, g.hour, g.votes)
	return err
}

// Ballot is what a visitor of a vote link sees.
type Ballot struct {
	Session   int64
	Link      Link
	Scheduled time.Time // UTC
	Votes     int       // cast so far
	Closed    Code      // why nobody can vote: NotActive, ScheduleReached, or ""
	Voted     bool      // this voter has voted and may not vote now
	RetryAt   time.Time // when they may again; zero: never, or now
	Own       bool      // the voter is the owner
}

// Ballot reads a vote link. Errors: NotFound.
func (t *Tracker) Ballot(ctx context.Context, v Voter, token string) (*Ballot, error) {
	var b *Ballot
	err := t.db.View(ctx, func(tx *db.Tx) error {
		g, err := t.readBallotTable(tx, token)
		if err != nil {
			return err
		}
		b = &Ballot{Session: g.id, Link: *g.only().Link, Scheduled: time.Unix(g.scheduled.Int64, 0).UTC(), Votes: g.plays, Own: v.Account == g.user}
		switch {
		case !g.active:
			b.Closed = NotActive
			return nil
		case g.isReached(tx.Now.Unix()):
			b.Closed = ScheduleReached
		}
		zone, err := t.zone(tx, g.user)
		if err != nil {
			return err
		}
		var refused *Error
		if err := mayVote(tx, g, v.id(g.salt), zone); errors.As(err, &refused) {
			b.Voted, b.RetryAt = true, refused.RetryAt
		} else if err != nil {
			return err
		}
		return nil
	})
	return b, err
}

// RenewLink gives the owner's active session a new vote link; the old one is unknown from then on. Errors: NotFound,
// NotActive, GameDisabled.
func (t *Tracker) RenewLink(ctx context.Context, o Owner, session int64) (*Session, error) {
	token := rand.Text()
	return t.change(ctx, o, session, func(tx *db.Tx, _ *live, s *Session) error {
		switch {
		case !s.Active():
			return refuse(NotActive, "the session has ended")
		case s.Play == nil || s.Play.Link == nil:
			return refuse(GameDisabled, "the link game is not on in the session")
		}
		s.Play.Token = token
		_, err := tx.Exec("update tracker_game set token = $2 where session_id = $1 and game = 'link'", session, token)
		return err
	})
}
