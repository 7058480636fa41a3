package club

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"stint/internal/db"
)

// page is how many actions are held in memory at once.
const page = 1000

// Span is an inclusive range whose ends may be given in either order. A nil end
// is open.
type Span struct {
	A, B *Point
}

func (s Span) resolve(mark int64) (low, high int64) {
	low, high = math.MinInt64, math.MaxInt64
	if s.A != nil {
		low = s.A.At(mark)
	}
	if s.B != nil {
		high = s.B.At(mark)
	}
	if low > high {
		low, high = high, low
	}
	return low, high
}

// Query selects actions (document, "Action select queries"). Its filters are
// combined.
type Query struct {
	Type   Type // "" for all types
	Public bool // only what the public view shows
	IDs    Span // relative points count from the highest id of the type
	Times  Span // Unix seconds; relative points count from now
	Count  int64
	First  bool // take the first Count actions instead of the last
}

// After returns the actions with an id greater than id, in id order, at most
// 1,000 of them.
func (c *Club) After(ctx context.Context, id int64, t Type, public bool) (list []Action, err error) {
	q := Query{Type: t, Public: public}
	err = c.db.Glance(ctx, func(tx *db.Tx) error {
		list, err = q.bounds(id+1, math.MaxInt64, math.MinInt64, math.MaxInt64).list(tx, page, false)
		return err
	})
	return list, err
}

// Head returns the id of the newest action.
func (c *Club) Head(ctx context.Context) (id int64, err error) {
	err = c.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select coalesce(max(id), 0) from action").Scan(&id)
	})
	return id, err
}

// Selection is the result of a query: what the log held when it was made.
type Selection struct {
	club  *Club
	at    selection
	first []Action // up to 1,000
	left  int64    // how many may follow the first
	last  Action   // the newest within the bounds, where some may follow
}

// Select runs a query.
func (c *Club) Select(ctx context.Context, q Query) (*Selection, error) {
	s := &Selection{club: c}
	return s, c.db.View(ctx, func(tx *db.Tx) (err error) {
		if s.at, err = c.resolve(tx, q); err != nil {
			return err
		}
		last := !q.First
		if last && q.Count > page {
			last = false
			if err := s.at.skipTo(tx, q.Count); err != nil {
				return err
			}
		}
		s.first, err = s.at.list(tx, min(q.Count, page), last)
		if err != nil || len(s.first) < page {
			return err
		}
		s.left = q.Count - page
		newest, err := s.at.list(tx, 1, true)
		if err == nil {
			s.last = newest[0]
		}
		return err
	})
}

// Key names the result: because the log only grows, two selections with the same
// key hold the same actions. A log that went on otherwise, from a backup, has
// another newest action, and so another key.
func (s *Selection) Key() string {
	low := s.at.low
	if len(s.first) > 0 {
		low = s.first[0].ID
	}
	return fmt.Sprint(s.at.where, s.at.args, low, s.at.high, len(s.first), s.left, s.last)
}

// Each calls fn with the actions in ascending order of id, whatever the query
// took (readings, "Select queries"), up to 1,000 at a time.
func (s *Selection) Each(ctx context.Context, fn func([]Action) error) error {
	list, left, at := s.first, s.left, s.at
	for len(list) > 0 {
		if err := fn(list); err != nil {
			return err
		}
		if left <= 0 || len(list) < page {
			return nil
		}
		at.low = list[len(list)-1].ID + 1
		err := s.club.db.View(ctx, func(tx *db.Tx) (err error) {
			list, err = at.list(tx, min(left, page), false)
			return err
		})
		if err != nil {
			return err
		}
		left -= int64(len(list))
	}
	return nil
}

// resolve turns the query's points into numbers. The log's present head bounds
// the result.
func (c *Club) resolve(tx *db.Tx, q Query) (selection, error) {
	var head int64
	of := ""
	var args []any
	if q.Type != "" {
		of, args = " where type = $1", []any{string(q.Type)}
	}
	if err := tx.QueryRow("select coalesce(max(id), 0) from action"+of, args...).Scan(&head); err != nil {
		return selection{}, err
	}
	low, high := q.IDs.resolve(head)
	from, to := q.Times.resolve(tx.Now.Unix())
	return q.bounds(low, min(high, head), from, to), nil
}

// selection is a query whose bounds are numbers, all inclusive.
type selection struct {
	where     string // after id between $1 and $2
	args      []any
	low, high int64
}

func (q Query) bounds(low, high, from, to int64) selection {
	s := selection{low: low, high: high}
	var w strings.Builder
	and := func(condition string, args ...any) {
		for _, a := range args {
			s.args = append(s.args, a)
			condition = strings.Replace(condition, "?", fmt.Sprintf("$%d", len(s.args)+2), 1)
		}
		w.WriteString(" and " + condition)
	}
	if q.Type != "" {
		and("type = ?", string(q.Type))
	}
	if q.Public {
		and("visible = 1")
	}
	if from != math.MinInt64 || to != math.MaxInt64 {
		and("time between ? and ?", from, to)
	}
	s.where = w.String()
	return s
}

func (s selection) values() []any { return append([]any{s.low, s.high}, s.args...) }

// list returns the first actions of the selection, or with last its last ones,
// in ascending order.
func (s selection) list(tx *db.Tx, count int64, last bool) ([]Action, error) {
	order := "asc"
	if last {
		order = "desc"
	}
	values := s.values()
	list, err := actions(tx, fmt.Sprintf("id between $1 and $2%s order by id %s limit %s", s.where, order, number(len(values)+1)), append(values, count)...)
	if last {
		slices.Reverse(list)
	}
	return list, err
}

// number is the nth parameter in a limit or an offset. SQLite would prepare the
// statement anew for each value of a bare parameter there.
func number(n int) string { return fmt.Sprintf("cast($%d as bigint)", n) }

// skipTo raises the lower bound so that the last count actions are left.
func (s *selection) skipTo(tx *db.Tx, count int64) error {
	values := s.values()
	rows, err := tx.Query(fmt.Sprintf("select id from action where id between $1 and $2%s order by id desc limit 1 offset %s", s.where, number(len(values)+1)), append(values, count-1)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		return rows.Scan(&s.low)
	}
	return rows.Err()
}

// Load returns the state at the log's head.
func (c *Club) Load(ctx context.Context) (State, error) {
	var s State
	return s, c.db.View(ctx, func(tx *db.Tx) error {
		s = State{current: map[int64]Action{}}
		for _, place := range []struct {
			action *Action
			where  string
		}{
			{&s.LastStatus, "type = 'status' order by id desc limit 1"},
			{&s.ChangedStatus, `type = 'status' and id > coalesce((select max(b.id) from action b where b.type = 'status'
				and b.status <> (select c.status from action c where c.type = 'status' order by c.id desc limit 1)), 0) order by id limit 1`},
			{&s.PublicStatus, "type = 'status' and visible = 1 order by id desc limit 1"},
			{&s.LastAnnouncement, "type = 'announcement' order by id desc limit 1"},
			{&s.LastPresence, "type = 'presence' order by id desc limit 1"},
		} {
			list, err := actions(tx, place.where)
			if err != nil {
				return err
			}
			if len(list) > 0 {
				*place.action = list[0]
			}
		}
		s.Head = max(s.LastStatus.ID, s.LastAnnouncement.ID, s.LastPresence.ID)
		current, err := actions(tx, `type = 'announcement' and to_time >= $1 and method <> 'del' and id =
			(select max(b.id) from action b where b.type = 'announcement' and b.aid = action.aid)`, tx.Now.Unix())
		for _, a := range current {
			s.current[a.AID] = a
		}
		return err
	})
}
