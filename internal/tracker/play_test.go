package tracker

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
	"stint/internal/tracker/fair"
)

// luckOnly adds an hour or takes one, whenever one likes.
func luckOnly() Settings {
	return Settings{Luck: &Luck{Add: Span{1, Hour}, Sub: Span{1, Hour}, Wait: Span{0, Hour}, Multi: Multis{One, One}}}
}

func linkOnly(reset bool) Settings {
	return Settings{Link: &Link{Add: Span{2, Hour}, Sub: Span{1, Hour}, Multi: Multis{100, 300}, ResetVotes: reset}}
}

func (h *house) game(t testing.TB, user int64, s Settings) *Session {
	t.Helper()
	return h.mustStart(t, h.rome(user), StartRequest{ScheduledDate: "2026-12-01", Settings: s})
}

func (h *house) mustPlay(t testing.TB, user, session int64, g Game) *Move {
	t.Helper()
	m, err := h.Play(context.Background(), h.rome(user), PlayRequest{Session: session, Game: g}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (h *house) mustVote(t testing.TB, v Voter, token string, c Choice) *Move {
	t.Helper()
	m, err := h.Vote(context.Background(), v, VoteRequest{Token: token, Choice: c}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// link makes keyholder the keyholder of owner.
func (h *house) link(t testing.TB, owner, keyholder int64) *Keyholder {
	t.Helper()
	i, err := h.Invite(context.Background(), owner, keyholder, nil)
	if err != nil {
		t.Fatal(err)
	}
	k, err := h.Accept(context.Background(), keyholder, i.Code, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func retryAt(t *testing.T, err error, want time.Time) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || !e.RetryAt.Equal(want) {
		t.Errorf("%v: again at %v, want %v", err, e.RetryAt, want)
	}
}

func TestPlayDice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, allGames())
		m := h.mustPlay(t, 1, s.ID, DiceGame)
		want := s.Scheduled.Unix
		if m.Operation == fair.Add {
			want += m.Applied
		} else {
			want -= m.Applied
		}
		if m.Source != SourceDice || m.Draw.Nonce != 1 || m.Scheduled.Unix != want || m.Multi < 100 || m.Multi > 200 || !m.Next.Equal(noon.Add(6*time.Hour)) {
			t.Errorf("%+v", m)
		}
		got := h.mustGet(t, h.rome(1), s.ID)
		if *got.Scheduled != m.Scheduled || got.Play.State[DiceGame].Plays != 1 || got.Play.State[DiceGame].Today != 1 || !got.Play.State[DiceGame].Next.Equal(m.Next) {
			t.Errorf("after the play: %+v", got.Play.State)
		}
		h.pass(6*time.Hour - time.Millisecond)
		_, err := h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: DiceGame}, nil)
		wantError(t, err, Cooldown, "")
		retryAt(t, err, noon.Add(6*time.Hour))
		h.pass(time.Millisecond)
		if m := h.mustPlay(t, 1, s.ID, DiceGame); m.Draw.Nonce != 2 {
			t.Errorf("the second draw is %d", m.Draw.Nonce)
		}
	})
}

func TestDailyLimit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, Settings{Luck: &Luck{Add: Span{1, Hour}, Sub: Span{1, Hour}, Wait: Span{1, Hour}, Multi: Multis{One, One},
			Penalty: &Penalty{Min: 2, Time: Span{1, Hour}}}})
		play := func() (*Move, error) {
			return h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: LuckGame}, nil)
		}
		h.mustPlay(t, 1, s.ID, LuckGame)
		h.pass(time.Hour)
		midnight := time.Date(2026, 2, 2, 23, 0, 0, 0, time.UTC)
		if m := h.mustPlay(t, 1, s.ID, LuckGame); !m.Next.Equal(midnight) {
			t.Errorf("the next play is at %v", m.Next)
		}
		_, err := play()
		wantError(t, err, DailyLimit, "")
		retryAt(t, err, midnight)
		h.set(midnight.Add(-time.Millisecond))
		_, err = play()
		wantError(t, err, DailyLimit, "")
		h.set(midnight)
		h.mustPlay(t, 1, s.ID, LuckGame)
	})
}

func TestRefusedPlays(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		o := h.rome(1)
		s := h.game(t, 1, luckOnly())
		other := h.mustStart(t, h.rome(2), StartRequest{})
		ended := h.mustInsert(t, o, manual("2026-01-10", "2026-01-12"))
		token := h.game(t, 3, linkOnly(false)).Play.Token
		for _, tc := range []struct {
			name  string
			user  int64
			r     PlayRequest
			code  Code
			field Field
		}{
			{"unknown session", 1, PlayRequest{Session: 99, Game: LuckGame}, NotFound, ""},
			{"another's session", 2, PlayRequest{Session: s.ID, Game: LuckGame}, NotFound, ""},
			{"ended", 1, PlayRequest{Session: ended.ID, Game: LuckGame}, NotActive, ""},
			{"no games", 2, PlayRequest{Session: other.ID, Game: DiceGame}, GameDisabled, ""},
			{"game off", 1, PlayRequest{Session: s.ID, Game: DiceGame}, GameDisabled, ""},
			{"unknown game", 1, PlayRequest{Session: s.ID, Game: "cards"}, Validation, FieldGame},
			{"link without token", 1, PlayRequest{Session: s.ID, Game: LinkGame}, Validation, FieldToken},
			{"keyholder of nobody", 2, PlayRequest{Session: s.ID, Game: LuckGame, Dom: true}, NotLinked, ""},
			{"keyholder, unknown session", 2, PlayRequest{Session: 99, Game: LuckGame, Dom: true}, NotLinked, ""},
			{"own keyholder", 1, PlayRequest{Session: s.ID, Game: LuckGame, Dom: true}, NotLinked, ""},
		} {
			t.Run(tc.name, func(t *testing.T) {
				_, err := h.Play(t.Context(), h.rome(tc.user), tc.r, nil)
				wantError(t, err, tc.code, tc.field)
			})
		}
		for _, bad := range []string{"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAA\x00", "AAAAAAAAAAAAAAAAAAAAAAAAA\xff"} {
			_, err := h.Vote(t.Context(), Voter{Cookie: "a"}, VoteRequest{Token: bad, Choice: ChoiceAdd}, nil)
			wantError(t, err, NotFound, "")
			_, err = h.Ballot(t.Context(), Voter{}, bad)
			wantError(t, err, NotFound, "")
		}
		_, err := h.Vote(t.Context(), Voter{Cookie: "a"}, VoteRequest{Token: token, Session: s.ID, Choice: ChoiceAdd}, nil)
		wantError(t, err, NotFound, "")
		_, err = h.Vote(t.Context(), Voter{Cookie: "a"}, VoteRequest{Token: token}, nil)
		wantError(t, err, Validation, FieldChoice)
		if n := h.count("tracker_log where type <> 'START'") + h.count("tracker_log where draw is not null") + h.count("tracker_vote"); n != 0 {
			t.Errorf("refusals left %d rows", n)
		}
	})
}

func TestScheduleReached(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.mustStart(t, h.rome(1), StartRequest{ScheduledDate: "2026-02-02", ScheduledTime: "13:00", Settings: Settings{Luck: luckOnly().Luck, Link: linkOnly(false).Link}})
		h.pass(time.Hour - time.Millisecond)
		if _, err := h.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := h.count("tracker_log where kind = 'reached'"); n != 0 {
			t.Error("reached too early")
		}
		h.pass(time.Millisecond)
		_, err := h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: LuckGame}, nil)
		wantError(t, err, ScheduleReached, "")
		_, err = h.Vote(t.Context(), Voter{Cookie: "a"}, VoteRequest{Token: s.Play.Token, Choice: ChoiceAdd}, nil)
		wantError(t, err, ScheduleReached, "")
		b, err := h.Ballot(t.Context(), Voter{Cookie: "a"}, s.Play.Token)
		if err != nil || b.Closed != ScheduleReached {
			t.Errorf("%+v, %v", b, err)
		}
		for range 3 {
			if _, err := h.tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := h.count("tracker_log where kind = 'reached'"); n != 1 {
			t.Errorf("reached %d times", n)
		}
		got := h.mustGet(t, h.rome(1), s.ID)
		if at, ok := got.Reached(h.time()); !ok || !at.Equal(noon.Add(time.Hour)) || !got.Active() {
			t.Errorf("reached %v %t", at, ok)
		}
		h.pass(time.Minute)
		if _, err := h.Edit(t.Context(), h.rome(1), s.ID, EditRequest{Scheduled: Text{true, ptr("2026-02-02")}, ScheduledTime: "14:00"}); err != nil {
			t.Fatal(err)
		}
		h.mustPlay(t, 1, s.ID, LuckGame)
		h.pass(24 * time.Hour)
		if _, err := h.tick(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := h.count("tracker_log where kind = 'reached'"); n != 2 {
			t.Errorf("reached %d times after a new schedule", n)
		}
	})
}

// TestEndStaysBetweenNowAndLimit plays until both borders were met.
func TestEndStaysBetweenNowAndLimit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		r := StartRequest{ScheduledDate: "2026-02-03", LimitDate: "2026-02-03", LimitTime: "00:30", Settings: luckOnly()}
		r.Luck.Add, r.Luck.Sub = Span{5, Hour}, Span{10_000, Month}
		floor, ceiling := 0, 0
		for user := int64(1); floor == 0 || ceiling == 0; user++ {
			s := h.mustStart(t, h.rome(user), r)
			m := h.mustPlay(t, user, s.ID, LuckGame)
			switch m.Operation {
			case fair.Add:
				ceiling++
				if m.Scheduled.Unix != s.Limit.Unix || m.Seconds != 5*3600 || m.Applied != 1800 {
					t.Errorf("%+v", m)
				}
			case fair.Sub:
				floor++
				if m.Scheduled.Unix != noon.Unix() || m.Seconds != 10_000*2_592_000 || m.Applied != 12*3600 {
					t.Errorf("%+v", m)
				}
				if n := h.count(fmt.Sprintf("tracker_log where kind = 'reached' and session_id = %d", s.ID)); n != 1 {
					t.Error("the schedule is reached, and nobody was told")
				}
				_, err := h.Play(t.Context(), h.rome(user), PlayRequest{Session: s.ID, Game: LuckGame}, nil)
				wantError(t, err, ScheduleReached, "")
			}
		}
		if n := h.count("tracker_log where unit_s = 1800 and rolled_s = 18000"); n != int64(ceiling) {
			t.Errorf("%d rows with both lengths, want %d", n, ceiling)
		}
	})
}

func TestEndStaysWithinTheCalendar(t *testing.T) {
	if got := moved(lastInstant-5, 0, 0, fair.Add, 1<<45); got != lastInstant {
		t.Errorf("the end went to %d", got)
	}
	if got := moved(lastInstant+5, 0, 0, fair.Add, 10); got != lastInstant+5 {
		t.Errorf("the end went to %d", got)
	}
}

func TestOneOfManyRolls(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, allGames())
		codes := at(200, func(int) error {
			_, err := h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: DiceGame}, nil)
			return err
		})
		if codes[""] != 1 || codes[Cooldown] != 199 {
			t.Errorf("200 rolls: %v", codes)
		}
	})
}

// TestOneOfManyRollsAcrossProcesses rolls from two open databases on the same target.
func TestOneOfManyRollsAcrossProcesses(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		one := openHouse(t, dbtest.Open(t, target))
		d := dbtest.Open(t, target)
		d.SetClock(one.time)
		two, err := Open(t.Context(), d, one.keys, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for user := int64(1); user <= 5; user++ {
			s := one.game(t, user, allGames())
			codes := at(200, func(i int) error {
				_, err := []*Tracker{one.Tracker, two}[i%2].Play(t.Context(), one.rome(user), PlayRequest{Session: s.ID, Game: DiceGame}, nil)
				return err
			})
			if codes[""] != 1 || codes[Cooldown] != 199 {
				t.Errorf("200 rolls: %v", codes)
			}
		}
		if n, m := one.count("tracker_log where draw is not null"), one.count("tracker_log where kind = 'play'"); n != 5 || m != 5 {
			t.Errorf("%d draws, %d plays", n, m)
		}
	})
}

func TestLongWaits(t *testing.T) {
	played := standing{last: noon}
	for _, months := range []int{1, 3_000, 3_600, 8_000, 10_000} {
		at, _ := played.free(gameRow{wait: Span{months, Month}}, noon.Add(time.Hour), time.UTC)
		if want := noon.AddDate(0, 0, 30*months); !at.Equal(want) {
			t.Errorf("a wait of %d months ends %v, want %v", months, at, want)
		}
	}
}

func TestARetriedRollNeverRollsTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, luckOnly())
		once := &Once{Token: 1, Key: "k", Body: sha256.Sum256([]byte("b")), Encode: func(r any) (int, []byte, error) {
			return 200, fmt.Appendf(nil, "%d", r.(*Move).Draw.Nonce), nil
		}}
		codes := at(20, func(int) error {
			_, err := h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: LuckGame}, once)
			var again *Replayed
			if errors.As(err, &again) && string(again.Body) == "1" {
				return refuse("replayed", "")
			}
			return err
		})
		if codes[""] != 1 || codes["replayed"] != 19 || h.count("tracker_log where draw is not null") != 1 {
			t.Errorf("%v, %d draws", codes, h.count("tracker_log where draw is not null"))
		}
	})
}

func TestDrawsUsedUp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.game(t, 1, luckOnly())
		if err := h.db.Do(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec("update tracker_session set draws = 9999")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if m := h.mustPlay(t, 1, s.ID, LuckGame); m.Draw.Nonce != fair.Length {
			t.Errorf("draw %d", m.Draw.Nonce)
		}
		_, err := h.Play(t.Context(), h.rome(1), PlayRequest{Session: s.ID, Game: LuckGame}, nil)
		wantError(t, err, DrawsUsedUp, "")
	})
}
