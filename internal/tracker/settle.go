package tracker

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"stint/internal/db"
	"stint/internal/tracker/fair"
	"stint/internal/tracker/wall"
)

// topicDue rings when the clock must be looked at before Run's next beat.
const topicDue = "tracker due"

// zone is a user's zone, by the caller's look-up.
func (t *Tracker) zone(tx *db.Tx, user int64) (*time.Location, error) {
	if t.zoneOf == nil {
		return time.UTC, nil
	}
	return t.zoneOf(tx, user)
}

// readLive reads a session for settle; nil if there is none.
func readLive(tx *db.Tx, session int64) (*live, error) {
	l := &live{}
	err := tx.QueryRow("select "+liveColumns+" from tracker_session s where s.id = $1", session).Scan(l.into()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return l, err
}

// settle does what the clock owes the session by now, in the order in which it should have been done: the schedule is
// reached, and days that are over are judged. Whoever writes to a session settles it first, so that nothing is judged by
// what came later.
func (t *Tracker) settle(tx *db.Tx, l *live, zone *time.Location) error {
	if !l.active || !l.due.Valid || l.due.Int64 > tx.Now.Unix() {
		return nil
	}
	typed := false
	for {
		at, midnight, ok := l.next(zone)
		if !ok || at > tx.Now.Unix() {
			break
		}
		if !midnight {
			l.reached = at
			m := wall.At(at, zone)
			if err := (entry{user: l.user, session: l.id, kind: kindReached, schedule: &m}).write(tx); err != nil {
				return err
			}
			continue
		}
		penalised, err := t.judgeDay(tx, l, at, zone)
		if err != nil {
			return err
		}
		typed = typed || penalised
	}
	return l.store(tx, zone, typed)
}

// store writes what moved; history says that a history row was written.
func (l *live) store(tx *db.Tx, zone *time.Location, history bool) error {
	if l.plan(tx.Now.Unix(), zone) && l.due.Int64 < tx.Now.Add(beat).Unix() {
		tx.Ring(topicDue)
	}
	var scheduled, offset any
	if l.scheduled.Valid {
		scheduled, offset = columns(new(wall.At(l.scheduled.Int64, zone)))
	}
	var reached any
	if l.reached != 0 {
		reached = l.reached
	}
	_, err := tx.Exec(`update tracker_session set scheduled_s = $2, scheduled_off = $3, reached_s = $4, next_day = $5, due_s = $6,
		draws = $7, has_history = case when $8 = 1 then 1 else has_history end where id = $1`,
		l.id, scheduled, offset, reached, l.nextDay, l.due, l.draws, flag(history))
	return err
}

// judgeDay judges the next day of a session, which ends at to, game by game, and goes on to the day after it. Days that
// the zone's calendar leaves out are nobody's.
func (t *Tracker) judgeDay(tx *db.Tx, l *live, to int64, zone *time.Location) (penalised bool, err error) {
	day := wall.Date(l.nextDay.Int64)
	l.nextDay.Int64++
	from := wall.Start(day, zone)
	if from >= to {
		return false, nil
	}
	all, err := readGames(tx, l.id)
	if err != nil {
		return false, err
	}
	all = slices.DeleteFunc(all, func(g storedGame) bool { return g.penalty == nil })
	if len(all) == 0 {
		l.nextDay.Valid = false
		return false, nil
	}
	down, err := downtime(tx, from, to, t.gap())
	if err != nil {
		return false, err
	}
	for _, g := range all {
		plays := g.playsOn(day)
		reason := g.penalty.verdict(facts{from: from, to: to, plays: plays, since: g.since, scheduled: l.scheduled.Int64, reached: l.reached, down: down})
		var applied int64
		if reason == DayMissed {
			penalised = true
			if applied, err = penalise(tx, l, *g.penalty, to, zone); err != nil {
				return false, err
			}
		}
		if _, err := tx.Exec(`insert into tracker_day (session_id, game, day, plays, applied_s, reason, at_ms)
			values ($1, $2, $3, $4, $5, $6, $7)`, l.id, string(g.game), int64(day), plays, applied, string(reason), tx.Now.UnixMilli()); err != nil {
			return false, err
		}
	}
	return penalised, nil
}

// penalise moves the end as of the midnight at.
func penalise(tx *db.Tx, l *live, p Penalty, at int64, zone *time.Location) (applied int64, err error) {
	seconds := p.Time.Seconds()
	end := moved(l.scheduled.Int64, at, l.limit, fair.Add, seconds)
	applied, l.scheduled.Int64 = end-l.scheduled.Int64, end
	m := wall.At(end, zone)
	return applied, entry{user: l.user, session: l.id, kind: kindPenalty, typ: TypeAdd, source: SourcePenalty, unit: &applied,
		rolled: &seconds, schedule: &m}.write(tx)
}

// downtime is for how many seconds of [from, to) no server ran. A server that ran a moment ago is running.
func downtime(tx *db.Tx, from, to, gap int64) (int64, error) {
	rows, err := tx.Query("select since_ms, until_ms from tracker_up where until_ms >= $1 and since_ms < $2", from*1000, to*1000)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	up := int64(0)
	for rows.Next() {
		var since, until int64
		if err := rows.Scan(&since, &until); err != nil {
			return 0, err
		}
		if now := tx.Now.UnixMilli(); now-until <= gap {
			until = max(until, now)
		}
		up += max(0, min(until, to*1000)-max(since, from*1000))
	}
	return to - from - up/1000, rows.Err()
}

// addDays reads what the last midnights found.
func addDays(tx *db.Tx, p *Play, session int64, today wall.Date) error {
	rows, err := tx.Query(`select game, day, plays, applied_s, reason from tracker_day where session_id = $1 and day >= $2
		order by day desc`, session, int64(today)-shownDays)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var g Game
		var d Midnight
		var date wall.Date
		if err := rows.Scan(&g, &date, &d.Plays, &d.Penalty, &d.Reason); err != nil {
			return err
		}
		d.Date = date.String()
		if s, ok := p.State[g]; ok {
			s.Days = append(s.Days, d)
			p.State[g] = s
		}
	}
	return rows.Err()
}
