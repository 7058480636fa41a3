package tracker

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"stint/internal/tracker/fair"
)

func TestVotesOncePerSession(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, linkOnly(false))
		addr := netip.MustParseAddr
		voters := []struct {
			first, same Voter
		}{
			{Voter{Account: 7, Cookie: "x"}, Voter{Account: 7, Address: addr("203.0.113.9")}},
			{Voter{Cookie: "x", Address: addr("203.0.113.1")}, Voter{Cookie: "x", Address: addr("203.0.113.2")}},
			{Voter{Address: addr("203.0.113.1")}, Voter{Address: addr("::ffff:203.0.113.1")}},
			{Voter{Address: addr("2001:db8::1")}, Voter{Address: addr("2001:db8::ffff:1")}},
			{Voter{Address: addr("2001:db8:0:1::1")}, Voter{Address: addr("2001:db8:0:1:8::")}},
		}
		for i, v := range voters {
			m := h.mustVote(t, v.first, s.Play.Token, ChoiceSub)
			if m.Operation != fair.Sub || m.Seconds < 3600 || m.Seconds > 3*3600 || m.Source != SourceLink || !m.Next.IsZero() {
				t.Errorf("vote %d: %+v", i, m)
			}
			_, err := h.Vote(t.Context(), v.same, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, nil)
			wantError(t, err, AlreadyVoted, "")
			retryAt(t, err, time.Time{})
		}
		h.pass(48 * time.Hour)
		_, err := h.Vote(t.Context(), voters[0].same, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, AlreadyVoted, "")
		b, err := h.Ballot(t.Context(), voters[0].same, s.Play.Token)
		if err != nil || !b.Voted || b.Votes != len(voters) || b.Session != s.ID || b.Own {
			t.Errorf("%+v, %v", b, err)
		}
	})
}

func TestVoteAgainAfterMidnight(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, linkOnly(true))
		v := Voter{Cookie: "x"}
		midnight := time.Date(2026, 2, 2, 23, 0, 0, 0, time.UTC) // of Rome
		if m := h.mustVote(t, v, s.Play.Token, ChoiceRand); !m.Next.Equal(midnight) {
			t.Errorf("again at %v", m.Next)
		}
		h.set(midnight.Add(-time.Millisecond))
		_, err := h.Vote(t.Context(), v, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, AlreadyVoted, "")
		retryAt(t, err, midnight)
		h.set(midnight)
		h.mustVote(t, v, s.Play.Token, ChoiceAdd)
	})
}

func TestOwnVoteIsAPenalty(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, linkOnly(false))
		m := h.mustVote(t, Voter{Account: 1}, s.Play.Token, ChoiceSub)
		if m.Operation != fair.Add || m.Multi != 300 || m.Seconds != 6*3600 || m.Source != SourcePenalty {
			t.Errorf("%+v", m)
		}
		if b, err := h.Ballot(t.Context(), Voter{Account: 1}, s.Play.Token); err != nil || !b.Own {
			t.Errorf("%+v, %v", b, err)
		}
		doc, err := h.Chain(t.Context(), h.rome(1), s.ID)
		if err != nil || doc.Verify() != nil || len(doc.Draws) != 1 {
			t.Errorf("%+v, %v", doc, err)
		}
	})
}

func TestClosedChoices(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		g := linkOnly(false)
		g.Link.Sub.Amount = 0
		token := h.game(t, 1, g).Play.Token
		for i, c := range []Choice{ChoiceSub, ChoiceRand} {
			_, err := h.Vote(t.Context(), Voter{Cookie: fmt.Sprint(i)}, VoteRequest{Token: token, Choice: c}, nil)
			wantError(t, err, Validation, FieldChoice)
		}
		h.mustVote(t, Voter{Cookie: "0"}, token, ChoiceAdd)
	})
}

func TestVoteFloodIsCapped(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, linkOnly(false))
		codes := at(200, func(i int) error {
			a := netip.AddrFrom4([4]byte{198, 51, byte(i / 200), byte(i)})
			_, err := h.Vote(t.Context(), Voter{Address: a}, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, nil)
			return err
		})
		if codes[""] != openVotes || codes[RateLimited] != 200-openVotes {
			t.Errorf("200 votes in an hour: %v", codes)
		}
		_, err := h.Vote(t.Context(), Voter{Cookie: "late"}, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, RateLimited, "")
		retryAt(t, err, noon.Add(time.Hour))
		h.mustVote(t, Voter{Account: 5}, s.Play.Token, ChoiceAdd)
		h.pass(time.Hour)
		h.mustVote(t, Voter{Cookie: "late"}, s.Play.Token, ChoiceAdd)
		if n := h.number("select coalesce(max(length(voter)), 0) from tracker_vote"); n != 16 {
			t.Errorf("an identity has %d bytes", n)
		}
	})
}

func TestRenewLink(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, linkOnly(false))
		n, err := h.RenewLink(t.Context(), h.rome(1), s.ID)
		if err != nil || n.Play.Token == s.Play.Token {
			t.Fatal(n, err)
		}
		_, err = h.Vote(t.Context(), Voter{Cookie: "x"}, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, NotFound, "")
		h.mustVote(t, Voter{Cookie: "x"}, n.Play.Token, ChoiceAdd)
		_, err = h.RenewLink(t.Context(), h.rome(2), s.ID)
		wantError(t, err, NotFound, "")
		h.pass(time.Hour)
		if _, err := h.Edit(t.Context(), h.rome(1), s.ID, EditRequest{EndNow: true}); err != nil {
			t.Fatal(err)
		}
		_, err = h.Vote(t.Context(), Voter{Cookie: "y"}, VoteRequest{Token: n.Play.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, NotActive, "")
	})
}

// TestAKeyIsOneVoters has two visitors repeat their votes under the same key.
func TestAKeyIsOneVoters(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, allGames())
		once := &Once{Key: "same", Body: sha256.Sum256([]byte("add")), Encode: func(r any) (int, []byte, error) {
			return 200, fmt.Appendf(nil, "draw %d", r.(*Move).Draw.Nonce), nil
		}}
		for i, cookie := range []string{"a", "b", "a", "b"} {
			m, err := h.Vote(t.Context(), Voter{Cookie: cookie}, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, once)
			var first *Replayed
			switch want := fmt.Sprint("draw ", i%2+1); {
			case i < 2 && (err != nil || fmt.Sprint("draw ", m.Draw.Nonce) != want):
				t.Errorf("vote %d: %+v, %v", i, m, err)
			case i >= 2 && (!errors.As(err, &first) || string(first.Body) != want):
				t.Errorf("repeated vote %d: %+v, %v", i, m, err)
			}
		}
	})
}
