//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"stint/internal/account"
	"stint/internal/db"
)

const (
	many = 100_000   // sessions of one user
	few  = 1_000     // of another
	all  = 1_000_000 // of all users

	newest = 1_700_000_000 // 2023-11-14 22:13:20 UTC, three hours after the start of a user's last session
)

var trackerRows = []row{
	{"GET sessions?limit=50, filters, total, ", []goal{{what: "100,000 sessions of 1,000,000 ÷ 1,000", ratio: 0.90}}, listSessions},
	{"GET sessions, 100,000 sessions, ", []goal{{what: "last page ÷ first page", ratio: 0.70}}, lastPage},
	{"GET sessions?id=, ", []goal{{what: "÷ bare", ratio: 0.50}}, oneSession},
	{"POST manual session, 64 users, durable, ", []goal{{what: "÷ bare PUT", ratio: 0.40}}, postManual},
	{"overlap check, refused, ", []goal{{what: "100 sessions ÷ 100,000", ratio: 1.2, atMost: true}}, overlap},
	{"POST dice roll with proof, 64 sessions, durable, ", []goal{{what: "÷ bare PUT", ratio: 0.35}}, roll},
	{"GET histories, ", []goal{{what: "1,000 rows ÷ 100,000", ratio: 1.5, atMost: true}}, histories},
}

const sessionsPath = "/api/v2/sessions.php"

// person is somebody with a token.
type person struct {
	id    int64
	token string
}

func (p person) get(path string) request {
	return request{method: "GET", path: path, headers: []string{"Authorization: Bearer " + p.token}}
}

func (p person) post(path, body string) request {
	return request{method: "POST", path: path, headers: []string{"Authorization: Bearer " + p.token}, body: body}
}

// tracker starts Stint on a new database with a number of people, after fill
// has filled it.
func (b *bench) tracker(name string, people int, fill func(tx *db.Tx, p []person) error) (*server, []person, error) {
	file := b.database(name)
	s, err := b.serve(file, "STINT_WINGS_TRACKER=on") // makes the tables
	if err != nil {
		return nil, nil, err
	}
	s.stop()
	list, err := populate(b.ctx, file, people, fill)
	if err != nil {
		return nil, nil, err
	}
	s, err = b.serve(file, "STINT_WINGS_TRACKER=on")
	return s, list, err
}

func populate(ctx context.Context, file string, people int, fill func(tx *db.Tx, p []person) error) ([]person, error) {
	d, err := db.Open(ctx, file)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	accounts, err := account.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	defer accounts.Close()
	var list []person
	for i := range people {
		u, err := accounts.AddUser(ctx, fmt.Sprint("person ", i), "UTC")
		if err != nil {
			return nil, err
		}
		token, err := accounts.CreateToken(ctx, u.Name, "bench", account.TokenWrite, time.Time{})
		if err != nil {
			return nil, err
		}
		list = append(list, person{u.ID, token})
	}
	return list, d.Do(ctx, func(tx *db.Tx) error { return fill(tx, list) })
}

// fillSessions adds n ended sessions of two hours, three hours apart, to a user,
// every third of them public.
func fillSessions(tx *db.Tx, user int64, n int) error {
	var last int64
	if err := tx.QueryRow("select coalesce(max(id), 0) from tracker_session").Scan(&last); err != nil {
		return err
	}
	_, err := tx.Exec(`with recursive n (i) as (select 1 union all select i + 1 from n where i < $1)
		insert into tracker_session (id, user_id, start_s, start_off, end_s, end_off, active, public, inserted_s, has_history, has_changes, draws)
		select $2 + i, $3, $4 - i * 10800, 0, $4 + 7200 - i * 10800, 0, 0, i % 3 = 0, $4, 0, 0, 0 from n`, n, last, user, newest)
	return err
}

// countSessions makes the kept counts and sets the counter.
func countSessions(tx *db.Tx) error {
	if _, err := tx.Exec("delete from tracker_tally"); err != nil {
		return err
	}
	if _, err := tx.Exec(`insert into tracker_tally (user_id, quarter, n, public)
		select user_id, start_s / 7776000, count(*), sum(public) from tracker_session group by 1, 2`); err != nil {
		return err
	}
	_, err := tx.Exec(`insert into counter (name, value) select 'tracker_session', max(id) from tracker_session where true
		on conflict (name) do update set value = excluded.value`)
	return err
}

func listSessions(b *bench) ([]float64, error) {
	s, people, err := b.tracker("list", 2, func(tx *db.Tx, p []person) error {
		if err := fillSessions(tx, p[0].id, many); err != nil {
			return err
		}
		if err := fillSessions(tx, p[1].id, few); err != nil {
			return err
		}
		for other := range (all - many - few) / 10_000 {
			if err := fillSessions(tx, int64(1_000_000+other), 10_000); err != nil {
				return err
			}
		}
		return countSessions(tx)
	})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	ask := func(p person) target {
		var requests []request
		for _, filter := range []string{"", "&active=0", "&public=1", "&public=0&active=0", "&from=2023-09-01", "&to=2023-10-01", "&from=2023-08-01&to=2023-10-15&public=1"} {
			requests = append(requests, p.get(sessionsPath+"?limit=50"+filter))
		}
		return target{s.addr, requests}
	}
	ratio, err := b.compare(clients, ask(people[0]), ask(people[1]))
	return []float64{ratio}, err
}

func lastPage(b *bench) ([]float64, error) {
	s, people, err := b.tracker("last", 1, func(tx *db.Tx, p []person) error {
		if err := fillSessions(tx, p[0].id, many); err != nil {
			return err
		}
		return countSessions(tx)
	})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	page := func(offset int) target {
		return target{s.addr, []request{people[0].get(fmt.Sprintf("%s?limit=50&offset=%d", sessionsPath, offset))}}
	}
	ratio, err := b.compare(clients, page(many-50), page(0))
	return []float64{ratio}, err
}

func oneSession(b *bench) ([]float64, error) {
	s, people, err := b.tracker("one", 1, func(tx *db.Tx, p []person) error {
		if err := fillSessions(tx, p[0].id, few); err != nil {
			return err
		}
		return countSessions(tx)
	})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var asks []request
	for id := range few {
		asks = append(asks, people[0].get(fmt.Sprint(sessionsPath, "?id=", id+1)))
	}
	bare, err := b.startBare(s, asks[0])
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	ratio, err := b.compare(clients, target{s.addr, asks}, target{bare.addr, asks})
	return []float64{ratio}, err
}

func nothing(*db.Tx, []person) error { return nil }

func postManual(b *bench) ([]float64, error) {
	b.slot = 0
	s, people, err := b.tracker("manual", clients, nothing)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var posts []request
	for _, p := range people {
		posts = append(posts, p.post(sessionsPath,
			`{"type":"manual","startdate":"`+slotDate+`","starttime":"`+slotTime+`","enddate":"`+slotEndDate+`","endtime":"`+slotEndTime+`"}`))
	}
	bare, err := b.startBare(s, posts[0])
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	ratio, err := b.compare(clients, target{s.addr, posts}, target{bare.addr, posts})
	return []float64{ratio}, err
}

func overlap(b *bench) ([]float64, error) {
	s, people, err := b.tracker("overlap", 2, func(tx *db.Tx, p []person) error {
		if err := fillSessions(tx, p[0].id, 100); err != nil {
			return err
		}
		if err := fillSessions(tx, p[1].id, many); err != nil {
			return err
		}
		return countSessions(tx)
	})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	refused := func(p person) target {
		post := p.post(sessionsPath, `{"startdate":"2023-11-14","starttime":"18:00","enddate":"2023-11-14","endtime":"20:00"}`)
		post.status = http.StatusConflict
		return target{s.addr, []request{post}}
	}
	// The rate is the reciprocal of the cost.
	ratio, err := b.compare(clients, refused(people[0]), refused(people[1]))
	return []float64{ratio}, err
}

func roll(b *bench) ([]float64, error) {
	s, people, err := b.tracker("roll", clients, nothing)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	end := time.Now().AddDate(3, 0, 0).Format(time.DateOnly)
	var rolls []request
	for _, p := range people {
		var started struct{ Data struct{ ID int64 } }
		body := fmt.Sprintf(`{"type":"live","scheduledend":%q,"dices":1,"dicenumber":2,"diceunit":"MINUTE","dicetimewait":0}`, end)
		if err := send(s.addr, p.post(sessionsPath, body), &started); err != nil {
			return nil, err
		}
		rolls = append(rolls, p.post("/api/v2/games.php", fmt.Sprintf(`{"game":"dice","dom":0,"session":%d}`, started.Data.ID)))
	}
	bare, err := b.startBare(s, rolls[0])
	if err != nil {
		return nil, err
	}
	defer bare.stop()
	ratio, err := b.compare(clients, target{s.addr, rolls}, target{bare.addr, rolls})
	return []float64{ratio}, err
}

// send sends one request and reads the answer's JSON.
func send(addr string, r request, into any) error {
	q, err := http.NewRequest(r.method, "http://"+addr+r.path, strings.NewReader(r.body))
	if err != nil {
		return err
	}
	for _, h := range r.headers {
		name, value, _ := strings.Cut(h, ": ")
		q.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %s %s", r.method, r.path, answer.Status, text)
	}
	return json.Unmarshal(text, into)
}

func histories(b *bench) ([]float64, error) {
	s, people, err := b.tracker("histories", 1, func(tx *db.Tx, p []person) error {
		if err := fillSessions(tx, p[0].id, 2); err != nil {
			return err
		}
		for session, rows := range map[int64]int{1: 1_000, 2: 100_000} {
			if err := fillHistory(tx, p[0].id, session, rows); err != nil {
				return err
			}
		}
		return countSessions(tx)
	})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	page := func(session int) target {
		return target{s.addr, []request{people[0].get(fmt.Sprintf("/api/v2/histories.php?session=%d", session))}}
	}
	ratio, err := b.compare(clients, page(1), page(2))
	return []float64{ratio}, err
}

func fillHistory(tx *db.Tx, user, session int64, rows int) error {
	_, err := tx.Exec(`with recursive n (i) as (select 1 union all select i + 1 from n where i < $1)
		insert into tracker_log (id, user_id, session_id, kind, at_ms, type, source, dom, unit_s, rolled_s, schedule_s)
		select $3 * 1000000 + i, $2, $3, 'play', 999990000000 + i, 'ADD', 'DICE', 0, 60, 60, 1000000000 from n`, rows, user, session)
	return err
}
