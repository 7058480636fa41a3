package tracker

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"stint/internal/tracker/fair"
)

func TestChainOfASession(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		s := h.game(t, 1, Settings{Luck: luckOnly().Luck, Link: linkOnly(false).Link,
			Dice: &Dice{Number: 3, Unit: Minute, Wait: Span{0, Hour}, Multi: Multis{50, 150}}})
		first, err := h.Fair(t.Context(), o, s.ID)
		if err != nil || len(first.Commitment) != 64 || first.Used != 0 || first.Length != fair.Length || first.Number != s.ID {
			t.Fatal(first, err)
		}
		m := h.mustPlay(t, 1, s.ID, DiceGame)
		if m.Draw.Prev != first.Commitment || m.Draw.ClientSeed != "" {
			t.Errorf("%+v", m.Draw)
		}
		f, err := h.SetClientSeed(t.Context(), o, s.ID, strings.Repeat("ü", 64))
		if err != nil || f.Used != 1 || f.Commitment != first.Commitment {
			t.Fatal(f, err)
		}
		h.mustPlay(t, 1, s.ID, LuckGame)
		if v := h.mustVote(t, Voter{Cookie: "x"}, s.Play.Token, ChoiceRand); v.Draw.Nonce != 3 || v.Draw.ClientSeed != strings.Repeat("ü", 64) {
			t.Errorf("%+v", v.Draw)
		}
		doc, err := h.Chain(t.Context(), o, s.ID)
		if err != nil || doc.Tip != "" || len(doc.Draws) != 3 || doc.Verify() != nil {
			t.Fatal(doc, err)
		}
		h.pass(time.Hour)
		if _, err := h.Edit(t.Context(), o, s.ID, EditRequest{EndNow: true}); err != nil {
			t.Fatal(err)
		}
		if doc, err = h.Chain(t.Context(), o, s.ID); err != nil || len(doc.Tip) != 64 {
			t.Fatal(doc, err)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fair.Verify(text); err != nil {
			t.Error(err)
		}
		if _, err := fair.Verify([]byte(strings.Replace(string(text), `"seed":"`+doc.Draws[1].Seed[:1], `"seed":"x`, 1))); err == nil {
			t.Error("a chain with a changed byte was accepted")
		}
		_, err = h.SetClientSeed(t.Context(), o, s.ID, "late")
		wantError(t, err, NotActive, "")
	})
}

func TestChainOfTheAccount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		first, err := h.Fair(t.Context(), o, 0)
		if err != nil || first.Used != 0 || first.Number != 0 {
			t.Fatal(first, err)
		}
		if _, err := h.SetClientSeed(t.Context(), o, 0, "mine"); err != nil {
			t.Fatal(err)
		}
		s := h.mustStart(t, o, StartRequest{ScheduledDate: "2026-03-01", MaxEnd: true})
		if s.Drawn.Prev != first.Commitment || s.Drawn.ClientSeed != "mine" {
			t.Errorf("%+v", s.Drawn)
		}
		h.pass(time.Hour)
		if _, err := h.Edit(t.Context(), o, s.ID, EditRequest{EndNow: true}); err != nil {
			t.Fatal(err)
		}
		doc, err := h.Chain(t.Context(), o, 0)
		if err != nil || doc.Tip != "" || len(doc.Draws) != 1 || doc.Verify() != nil {
			t.Errorf("%+v, %v", doc, err)
		}
	})
}

func TestFairRefuses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s, plain := h.game(t, 1, luckOnly()), h.mustStart(t, h.rome(2), StartRequest{})
		for name, seed := range map[string]string{"65 characters": strings.Repeat("x", 65), "line break": "a\nb", "not UTF-8": "\xff"} {
			t.Run(name, func(t *testing.T) {
				_, err := h.SetClientSeed(t.Context(), h.rome(1), s.ID, seed)
				wantError(t, err, Validation, FieldClientSeed)
			})
		}
		for user, session := range map[int64]int64{1: plain.ID, 2: s.ID, 3: 99} {
			_, err := h.Fair(t.Context(), h.rome(user), session)
			wantError(t, err, NotFound, "")
			_, err = h.Chain(t.Context(), h.rome(user), session)
			wantError(t, err, NotFound, "")
			_, err = h.SetClientSeed(t.Context(), h.rome(user), session, "x")
			wantError(t, err, NotFound, "")
		}
		_, err := h.Fair(t.Context(), h.rome(2), plain.ID)
		wantError(t, err, NotFound, "")
		h.link(t, 1, 3)
		if _, err := h.Fair(t.Context(), h.rome(3), s.ID); err != nil {
			t.Errorf("a keyholder may look: %v", err)
		}
		_, err = h.SetClientSeed(t.Context(), h.rome(3), s.ID, "x")
		wantError(t, err, NotFound, "")
	})
}
