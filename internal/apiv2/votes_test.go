package apiv2_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestVotes(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(link)
		token, before := s.voteToken(id), s.scheduled(id)
		s.vote(token, "add").must(200).want("data.session", id, "data.operation", `"ADD"`, "data.seconds", "3600", "data.source", `"LINK"`,
			"data.dom", "0", "data.multiplier", "1.00", "data.next_play_utc", `"2026-02-06 00:00:00"`, "data.proof.nonce", "1")
		s.vote(token, "add").waits("already_voted", time.Date(2026, 2, 6, 0, 0, 0, 0, time.UTC))
		// A bearer token names another voter, and needs the scope write.
		s.as(s.bob, "POST", games, fmt.Sprintf(`{"game":"link","token":%q,"type":"SUB"}`, token)).must(200).
			want("data.operation", `"SUB"`, "data.seconds", "1800")
		s.as(s.bob, "POST", games, fmt.Sprintf(`{"game":"link","token":%q,"type":"rand"}`, token)).refused(429, "already_voted", "")
		// Owners are penalised, whatever they ask for.
		s.as(s.token, "POST", games, fmt.Sprintf(`{"game":"link","token":%q,"type":"sub"}`, token)).must(200).
			want("data.operation", `"ADD"`, "data.source", `"PENALTY"`, "data.seconds", "3600")
		if got := s.scheduled(id); !got.Equal(before.Add(90 * time.Minute)) {
			t.Errorf("the end is %s, was %s", got, before)
		}
		s.get("?id="+id).want("data.games.link.plays", "3")
		// Votes over plain HTTP carry no bearer token.
		s.vote(token, "add", "X-Forwarded-For", "192.0.2.7", "X-Forwarded-Proto", "http").must(200)
		s.as(s.bob, "POST", games, fmt.Sprintf(`{"game":"link","token":%q,"type":"add"}`, token), "X-Forwarded-For", "192.0.2.7",
			"X-Forwarded-Proto", "http").refused(403, "https_required", "")
	}, behindProxy)
}

func TestRevokedVoteLink(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(link, luck)
		old := s.voteToken(id)
		s.as(s.bob, "PATCH", games+"?session="+id, `{"newlink":1}`).refused(404, "not_found", "")
		s.link()
		s.as(s.bob, "PATCH", games+"?session="+id, `{"newlink":1}`).refused(403, "forbidden", "")
		s.do("PATCH", games+"?session="+id, `{"newlink":true,"dice":{}}`).refused(400, "validation", "newlink")
		s.do("PATCH", games+"?session="+id, `{"newlink":0}`).refused(400, "no_fields", "")
		token, _ := s.do("PATCH", games+"?session="+id, `{"newlink":1}`).must(200).
			want("data.status", `"Vote link renewed successfully"`).body.at("data.session.games.link.token").(string)
		if token == old || s.voteToken(id) != token {
			t.Errorf("the token was %s, is %s, and is shown as %s", old, token, s.voteToken(id))
		}
		revoked, unknown := s.vote(old, "add").refused(404, "not_found", ""), s.vote(strings.Repeat("B", 26), "add").refused(404, "not_found", "")
		malformed := s.vote("%", "add").refused(404, "not_found", "")
		if revoked.text != unknown.text || malformed.text != unknown.text {
			t.Errorf("%s\n%s\n%s", revoked.text, unknown.text, malformed.text)
		}
		s.vote(token, "add").must(200)
		s.get("?id="+id).want("data.games.link.plays", "1")
	})
}

// A flood of votes from many addresses is held to a number an hour; people with an account still vote.
func TestVoteFlood(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		id := s.begin(link)
		token := s.voteToken(id)
		flood := func(round int) map[string]int {
			return tally(atOnce(200, func(i int) result {
				return s.vote(token, "add", "X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", round, i), "X-Forwarded-Proto", "https")
			}))
		}
		if counts := flood(100); counts["200"] != 30 || counts["429 rate_limited"] != 170 {
			t.Errorf("%v", counts)
		}
		s.vote(token, "add", "X-Forwarded-For", "2001:db8::1").waits("rate_limited", noon.Add(time.Hour))
		s.as(s.bob, "POST", games, fmt.Sprintf(`{"game":"link","token":%q,"type":"add"}`, token)).must(200)
		s.get("?id="+id).want("data.games.link.plays", "31")
		s.pass(time.Hour)
		if counts := flood(101); counts["200"] != 30 {
			t.Errorf("in the next hour: %v", counts)
		}
		if log := s.log.String(); strings.Contains(log, "198.51") || strings.Contains(log, token) {
			t.Error("an address or a token is in the log")
		}
	}, behindProxy)
}

// One voter who votes many times at once votes once, and so do all the addresses of one network.
func TestVotesAtOnce(t *testing.T) {
	eachStory(t, func(t *testing.T, s *story) {
		token := s.voteToken(s.begin(link))
		counts := tally(atOnce(64, func(i int) result {
			return s.vote(token, "sub", "X-Forwarded-For", fmt.Sprintf("2001:db8:1:2::%x", i), "X-Forwarded-Proto", "https")
		}))
		if counts["200"] != 1 || counts["429 already_voted"] != 63 {
			t.Errorf("%v", counts)
		}
	}, behindProxy)
}
