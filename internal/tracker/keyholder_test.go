package tracker

import (
	"fmt"
	"testing"
	"time"

	"stint/internal/tracker/fair"

	"github.com/google/go-cmp/cmp"
)

func TestInvitations(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		k, err := h.Invite(ctx, 1, 0, nil)
		if err != nil || k.Link.Keyholder != 0 || !k.Link.Expires.Equal(noon.Add(7*24*time.Hour)) {
			t.Fatal(k, err)
		}
		_, err = h.Accept(ctx, 1, k.Code, 0, nil)
		wantError(t, err, Validation, FieldKeyholder)
		_, err = h.Accept(ctx, 2, k.Code+"x", 0, nil)
		wantError(t, err, NotFound, "")
		_, err = h.Accept(ctx, 2, "", 1, nil)
		wantError(t, err, NotFound, "")
		got, err := h.Accept(ctx, 2, k.Code, 0, nil)
		if err != nil || got.Owner != 1 || got.Keyholder != 2 || !got.Accepted.Equal(noon) || !got.Expires.IsZero() {
			t.Fatal(got, err)
		}
		_, err = h.Accept(ctx, 3, k.Code, 0, nil)
		wantError(t, err, NotFound, "")
		_, err = h.Invite(ctx, 1, 2, nil)
		wantError(t, err, AlreadyLinked, "")
		_, err = h.Invite(ctx, 1, 1, nil)
		wantError(t, err, Validation, FieldKeyholder)

		if _, err = h.Invite(ctx, 1, 3, nil); err != nil {
			t.Fatal(err)
		}
		_, err = h.Accept(ctx, 2, "", 1, nil)
		wantError(t, err, NotFound, "")
		if _, err = h.Accept(ctx, 3, "", 1, nil); err != nil {
			t.Fatal(err)
		}
		for user, want := range map[int64]int{1: 2, 2: 1, 3: 1, 4: 0} {
			all, err := h.Keyholders(ctx, user)
			if err != nil || len(all) != want {
				t.Errorf("user %d: %+v, %v", user, all, err)
			}
		}
		late, err := h.Invite(ctx, 1, 4, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.pass(7 * 24 * time.Hour)
		_, err = h.Accept(ctx, 4, late.Code, 0, nil)
		wantError(t, err, NotFound, "")
		wantError(t, h.RemoveKeyholder(ctx, 4, got.ID), NotFound, "")
		if err := h.RemoveKeyholder(ctx, 2, got.ID); err != nil {
			t.Fatal(err)
		}
		wantError(t, h.RemoveKeyholder(ctx, 1, got.ID), NotFound, "")
		if h.count("tracker_keyholder where code <> '' and keyholder_id = 4") != 1 {
			t.Error("the open invitation is gone before its time")
		}
	})
}

func TestAtMostTwentyKeyholders(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		codes := at(40, func(i int) error {
			_, err := h.Invite(t.Context(), 1, int64(i+2), nil)
			return err
		})
		if codes[""] != maxLinks || codes[Validation] != 40-maxLinks {
			t.Errorf("%v", codes)
		}
	})
}

func TestOneAcceptsACode(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		i, err := h.Invite(t.Context(), 1, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		codes := at(16, func(n int) error {
			_, err := h.Accept(t.Context(), int64(n+2), i.Code, 0, nil)
			return err
		})
		if codes[""] != 1 || codes[NotFound] != 15 {
			t.Errorf("%v", codes)
		}
	})
}

func TestKeyholderPlays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.zones.Store(int64(2), mustZone(t, "America/New_York"))
		h.link(t, 1, 2)
		o := h.rome(2)
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-12-01", Settings: allGames(), Notes: ptr("private"), LockedBy: ptr("Nick")})
		m, err := h.Play(t.Context(), o, PlayRequest{Session: s.ID, Game: DiceGame, Dom: true}, nil)
		if err != nil || !m.Dom || m.Source != SourceDice {
			t.Fatal(m, err)
		}
		_, err = h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: DiceGame}, nil)
		wantError(t, err, Cooldown, "")
		if m, err = h.Play(t.Context(), o, PlayRequest{Session: s.ID, Game: LinkGame, Dom: true, Choice: ChoiceAdd}, nil); err != nil || m.Operation != fair.Add {
			t.Fatal(m, err)
		}
		_, err = h.Vote(t.Context(), Voter{Account: 2}, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, AlreadyVoted, "")
		_, err = h.Play(t.Context(), o, PlayRequest{Session: s.ID, Game: LuckGame}, nil)
		wantError(t, err, NotFound, "")
		held, err := h.Held(t.Context(), o, s.ID)
		if err != nil || held.Notes != nil || *held.LockedBy != "Nick" || held.Play.State[DiceGame].Plays != 1 {
			t.Errorf("%+v, %v", held, err)
		}
		p, err := h.Histories(t.Context(), o, HistoryFilter{Session: s.ID, Dom: ptr(true), Limit: 10})
		if err != nil || len(p.Items) != 2 {
			t.Errorf("%+v, %v", p, err)
		}
		all, err := h.Keyholders(t.Context(), 2)
		if err != nil || len(all) != 1 || all[0].Session != s.ID {
			t.Errorf("%+v, %v", all, err)
		}
		h.pass(time.Hour)
		if _, err := h.Edit(t.Context(), h.rome(1), s.ID, EditRequest{EndNow: true}); err != nil {
			t.Fatal(err)
		}
		_, err = h.Held(t.Context(), o, s.ID)
		wantError(t, err, NotActive, "")
		_, err = h.Histories(t.Context(), o, HistoryFilter{Session: s.ID, Limit: 10})
		wantError(t, err, NotFound, "")
		_, err = h.Play(t.Context(), o, PlayRequest{Session: s.ID, Game: DiceGame, Dom: true}, nil)
		wantError(t, err, NotActive, "")
	})
}

// TestAGameTurnedOffAndOnGoesOn keeps the wait, the plays and the votes of the hour.
func TestAGameTurnedOffAndOnGoesOn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.link(t, 1, 2)
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-12-01", Settings: allGames()})
		set := func(to Settings) *Session {
			changed, err := h.SetGames(t.Context(), h.rome(2), s.ID, func(Settings) (Settings, error) { return to, nil }, nil)
			if err != nil {
				t.Fatal(err)
			}
			return changed
		}
		h.mustPlay(t, 1, s.ID, DiceGame)
		h.mustPlay(t, 1, s.ID, LuckGame)
		for i := range int64(3) { // people with an account don't count against the hour's votes
			h.mustVote(t, Voter{Account: 100 + i}, s.Play.Token, ChoiceAdd)
		}
		for i := range openVotes - 1 {
			h.mustVote(t, Voter{Cookie: fmt.Sprint(i)}, s.Play.Token, ChoiceAdd)
		}
		before := h.mustGet(t, h.rome(1), s.ID).Play.State
		set(Settings{})
		after := set(allGames()).Play
		if diff := cmp.Diff(before, after.State); diff != "" {
			t.Error(diff)
		}
		for _, g := range []Game{DiceGame, LuckGame} {
			if _, err := h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: g}, nil); err == nil {
				t.Errorf("%s was played without its wait", g)
			}
		}
		h.mustVote(t, Voter{Cookie: "last"}, after.Token, ChoiceAdd)
		_, err := h.Vote(t.Context(), Voter{Cookie: "new"}, VoteRequest{Token: after.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, RateLimited, "")
		_, err = h.Vote(t.Context(), Voter{Cookie: "0"}, VoteRequest{Token: after.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, AlreadyVoted, "")
	})
}

func TestRemovedKeyholderIsOutAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		k := h.link(t, 1, 2)
		s := h.game(t, 1, luckOnly())
		if err := h.RemoveKeyholder(t.Context(), 1, k.ID); err != nil {
			t.Fatal(err)
		}
		_, err := h.Play(t.Context(), h.rome(2), PlayRequest{Session: s.ID, Game: LuckGame, Dom: true}, nil)
		wantError(t, err, NotLinked, "")
		_, err = h.Held(t.Context(), h.rome(2), s.ID)
		wantError(t, err, NotLinked, "")
		_, err = h.Reschedule(t.Context(), h.rome(2), s.ID, Text{true, ptr("2026-03-01")}, "", nil)
		wantError(t, err, NotLinked, "")
	})
}

func TestKeyholderReschedules(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.link(t, 1, 2)
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-02-20", LimitDate: "2026-04-30", Settings: luckOnly()})
		york := Owner{User: 2, Zone: mustZone(t, "America/New_York")}
		got, err := h.Reschedule(t.Context(), york, s.ID, Text{true, ptr("2026-03-01")}, "12:00", nil)
		if err != nil {
			t.Fatal(err)
		}
		if got.Scheduled.Local().Format(time.DateTime) != "2026-03-01 12:00:00" || got.Scheduled.Zone() != "+01:00" {
			t.Errorf("scheduled for %v", got.Scheduled.Local())
		}
		p, err := h.Histories(t.Context(), h.rome(1), HistoryFilter{Session: s.ID, Source: SourceDom, Limit: 10})
		if err != nil || len(p.Items) != 1 || !p.Items[0].Dom || p.Items[0].Type != TypeAdd || *p.Items[0].Unit != got.Scheduled.Unix-s.Scheduled.Unix {
			t.Errorf("%+v, %v", p, err)
		}
		for name, r := range map[string]struct {
			date  Text
			code  Code
			field Field
		}{
			"beyond the limit": {Text{true, ptr("2026-05-01")}, Validation, FieldScheduledDate},
			"removed":          {Text{Set: true}, Validation, FieldScheduledDate},
			"nothing":          {Text{}, NoFields, ""},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := h.Reschedule(t.Context(), york, s.ID, r.date, "", nil)
				wantError(t, err, r.code, r.field)
			})
		}
	})
}

func TestGamesChanges(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		h.link(t, 1, 2)
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-02-20"})
		set := func(change func(*Settings)) (*Session, error) {
			return h.SetGames(ctx, h.rome(2), s.ID, func(now Settings) (Settings, error) { change(&now); return now, nil }, nil)
		}
		all := allGames()
		got, err := set(func(now *Settings) { *now = all })
		if err != nil || !got.HasChanges || len(got.Play.Token) != tokenLength {
			t.Fatal(got, err)
		}
		if diff := cmp.Diff(all, got.Play.Settings); diff != "" {
			t.Error(diff)
		}
		h.mustPlay(t, 1, s.ID, DiceGame)
		h.pass(time.Minute)
		token := got.Play.Token
		got, err = set(func(now *Settings) {
			now.Dice.Number, now.Dice.Penalty = 3, nil
			now.Link.Votes = 12
		})
		if err != nil || got.Play.Token != token || got.Play.State[DiceGame].Plays != 1 || got.Play.Link.Votes != 12 {
			t.Fatal(got, err)
		}
		h.pass(time.Minute)
		if got, err = set(func(now *Settings) { now.Luck = nil }); err != nil || got.Play.Luck != nil {
			t.Fatal(got, err)
		}
		_, err = set(func(*Settings) {})
		wantError(t, err, NoFields, "")
		_, err = set(func(now *Settings) { now.Dice.Number = 21 })
		wantError(t, err, Validation, "dice.number")
		_, err = h.SetGames(ctx, h.rome(1), s.ID, func(now Settings) (Settings, error) { return Settings{}, nil }, nil)
		wantError(t, err, NotLinked, "")

		p, err := h.Changes(ctx, h.rome(1), ChangeFilter{Session: s.ID, Limit: 10})
		if err != nil || len(p.Items) != 6 {
			t.Fatal(p, err)
		}
		removed, votes, dice := p.Items[0], p.Items[1], p.Items[2]
		if removed.Action != ActionDelete || removed.Game != LuckGame || removed.After != nil || removed.By != 2 {
			t.Errorf("%+v", removed)
		}
		if diff := cmp.Diff(all.Luck, removed.Before.Luck); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]Diff{{"votes required", "0", "12"}}, votes.Diffs); diff != "" {
			t.Error(diff)
		}
		want := []Diff{{"number of dice", "2", "3"}, {"least plays a day", "2", ""}, {"penalty for a day with fewer", "3 HOUR", ""}, {"more plays a day", "yes", ""}}
		if diff := cmp.Diff(want, dice.Diffs); diff != "" {
			t.Error(diff)
		}
		pagesOfChanges(t, h, s.ID, p.Items)
	})
}

// pagesOfChanges reads six changes filtered, and in two pages.
func pagesOfChanges(t *testing.T, h *house, session int64, all []Change) {
	ctx := t.Context()
	if p, err := h.Changes(ctx, h.rome(1), ChangeFilter{Session: session, Game: LuckGame, Action: ActionInsert, Limit: 10}); err != nil || len(p.Items) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	one, err := h.Changes(ctx, h.rome(1), ChangeFilter{Session: session, Limit: 4})
	if err != nil || len(one.Items) != 4 || one.Next == "" {
		t.Fatal(one, err)
	}
	two, err := h.Changes(ctx, h.rome(1), ChangeFilter{Session: session, Limit: 4, Cursor: one.Next})
	if err != nil || len(two.Items) != 2 || two.Next != "" {
		t.Fatal(two, err)
	}
	if diff := cmp.Diff(all, append(one.Items, two.Items...)); diff != "" {
		t.Error(diff)
	}
}

func TestGamesNeedAScheduledEnd(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.link(t, 1, 2)
		s := h.mustStart(t, h.rome(1), StartRequest{})
		_, err := h.SetGames(t.Context(), h.rome(2), s.ID, func(Settings) (Settings, error) { return luckOnly(), nil }, nil)
		wantError(t, err, Validation, FieldScheduledDate)
	})
}

// TestANewPenaltyFreesItsDay adds a penalty late in the day, and makes another one milder.
func TestANewPenaltyFreesItsDay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.beat = 100 * time.Hour
		h.link(t, 1, 2)
		games := luckOnly()
		games.Dice = &Dice{Number: 1, Unit: Hour, Wait: Span{0, Hour}, Multi: Multis{One, One}, Penalty: &Penalty{Min: 3, Time: Span{1, Hour}, Always: true}}
		s := h.game(t, 1, games)
		c := calendar{h, t}
		c.until(noon.Add(30 * time.Hour)) // the next evening
		if _, err := h.SetGames(t.Context(), h.rome(2), s.ID, func(now Settings) (Settings, error) {
			now.Luck.Penalty = &Penalty{Min: 1, Time: Span{2, Hour}, Always: true}
			now.Dice.Penalty.Min = 2
			return now, nil
		}, nil); err != nil {
			t.Fatal(err)
		}
		c.until(noon.Add(60*time.Hour + time.Minute))
		got := h.mustGet(t, h.rome(1), s.ID).Play.State
		if luck := fmt.Sprint(got[LuckGame].Days); luck != "[{2026-02-04 0 7200 missed} {2026-02-03 0 0 first_day}]" {
			t.Error(luck)
		}
		if dice := fmt.Sprint(got[DiceGame].Days); dice != "[{2026-02-04 0 3600 missed} {2026-02-03 0 3600 missed} {2026-02-02 0 0 first_day}]" {
			t.Error(dice)
		}
	})
}
