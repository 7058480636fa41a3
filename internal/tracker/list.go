package tracker

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"stint/internal/db"
	"stint/internal/tracker/wall"
)

// deepOffset is how far the list is walked, from its nearer end, to a page. Farther pages are found by the kept counts.
const deepOffset = 300

// List is a page of the owner's sessions, start descending (document, "sessions.php (list)"). Errors: Validation.
func (t *Tracker) List(ctx context.Context, o Owner, f Filter) (*Page, error) {
	w, err := f.window(o)
	if err != nil {
		return nil, err
	}
	p := &Page{Items: []*Session{}, Limit: min(f.Limit, MaxLimit), Offset: f.Offset}
	err = t.db.View(ctx, func(tx *db.Tx) error {
		if f.Active != nil {
			if err := w.narrow(tx, *f.Active); err != nil {
				return err
			}
		}
		if p.Total, err = w.total(tx); err != nil || p.Offset >= p.Total {
			return err
		}
		n := min(p.Limit, p.Total-p.Offset)
		if rest := p.Total - p.Offset - n; rest < min(p.Offset, deepOffset) {
			p.Items, err = t.page(tx, o, w, "asc", n, rest)
			slices.Reverse(p.Items)
			return err
		}
		offset := p.Offset
		if offset > deepOffset {
			if offset, err = w.skip(tx, offset); err != nil {
				return err
			}
		}
		p.Items, err = t.page(tx, o, w, "desc", n, offset)
		return err
	})
	return p, err
}

// window is what a filter selects: sessions of the user that start in [from, to), with the given public flag if any.
type window struct {
	user     int64
	from, to int64
	public   *bool
}

func (f Filter) window(o Owner) (*window, error) {
	w := &window{user: o.User, from: -forever, to: forever, public: f.Public}
	if f.Limit < 1 {
		return nil, Invalid(FieldLimit, "the limit is at least 1")
	}
	if f.Offset < 0 {
		return nil, Invalid(FieldOffset, "the offset is at least 0")
	}
	if f.From != "" {
		d, err := wall.ParseDate(f.From)
		if err != nil {
			return nil, Invalid(FieldFrom, "%v", err)
		}
		w.from = wall.Start(d, o.Zone)
	}
	if f.To != "" {
		d, err := wall.ParseDate(f.To)
		if err != nil {
			return nil, Invalid(FieldTo, "%v", err)
		}
		w.to = wall.Start(d+1, o.Zone)
		if f.From > f.To {
			return nil, Invalid(FieldFrom, "from, %s, lies after to, %s", f.From, f.To)
		}
	}
	return w, nil
}

// narrow keeps only the active session, or only the others. An active session is always the last one of its user,
// because it has no end that another could begin after.
func (w *window) narrow(tx *db.Tx, active bool) error {
	var start int64
	err := tx.QueryRow("select start_s from tracker_session where user_id = $1 and active = 1", w.user).Scan(&start)
	if errors.Is(err, sql.ErrNoRows) {
		if active {
			w.to = w.from
		}
		return nil
	}
	if active {
		w.from = max(w.from, start)
	} else {
		w.to = min(w.to, start)
	}
	return err
}

// total counts the window: whole quarters by the kept counts, what sticks out or is missing at either end in the index.
func (w *window) total(tx *db.Tx) (int, error) {
	switch {
	case w.from >= w.to:
		return 0, nil
	case w.to-w.from <= 2*quarterLength:
		return w.count(tx, w.from, w.to)
	}
	first, end := nearest(w.from), nearest(w.to)
	var all, public int
	err := tx.QueryRow(`select cast(coalesce(sum(n), 0) as bigint), cast(coalesce(sum(public), 0) as bigint) from tracker_tally
		where user_id = $1 and quarter >= $2 and quarter < $3`, w.user, first, end).Scan(&all, &public)
	if err != nil {
		return 0, err
	}
	total := w.matching(all, public)
	for _, edge := range []struct {
		sign     int
		from, to int64
	}{
		{+1, w.from, first * quarterLength}, {-1, first * quarterLength, w.from},
		{+1, end * quarterLength, w.to}, {-1, w.to, end * quarterLength},
	} {
		n, err := w.count(tx, edge.from, edge.to)
		if err != nil {
			return 0, err
		}
		total += edge.sign * n
	}
	return total, nil
}

// nearest is the quarter whose border is nearest to an instant.
func nearest(unix int64) int64 { return quarterOf(unix + quarterLength/2) }

// matching is how many of all, of which public are public, have the window's flag.
func (w *window) matching(all, public int) int {
	switch {
	case w.public == nil:
		return all
	case *w.public:
		return public
	}
	return all - public
}

// count counts the sessions that start in [from, to), a part of the window.
func (w *window) count(tx *db.Tx, from, to int64) (n int, err error) {
	switch {
	case from >= to || to <= -forever+2*quarterLength || from >= forever-2*quarterLength:
		return 0, nil
	case w.public == nil:
		err = tx.QueryRow("select count(*) from tracker_session where user_id = $1 and start_s >= $2 and start_s < $3",
			w.user, from, to).Scan(&n)
	default:
		err = tx.QueryRow("select count(*) from tracker_session where user_id = $1 and public = $4 and start_s >= $2 and start_s < $3",
			w.user, from, to, flag(*w.public)).Scan(&n)
	}
	return n, err
}

// skip moves the window's end down by whole quarters, past sessions that lie before the offset in the list, and returns
// what is left of the offset.
func (w *window) skip(tx *db.Tx, offset int) (int, error) {
	quarters, err := w.quarters(tx)
	if err != nil {
		return 0, err
	}
	for _, q := range quarters {
		n := w.matching(q.n, q.public)
		if top := (q.quarter + 1) * quarterLength; top > w.to {
			if n, err = w.count(tx, max(w.from, q.quarter*quarterLength), w.to); err != nil {
				return 0, err
			}
		}
		if offset < n {
			break
		}
		offset -= n
		w.to = min(w.to, q.quarter*quarterLength)
	}
	return offset, nil
}

// tally is a row of tracker_tally.
type tally struct {
	quarter   int64
	n, public int
}

// quarters are the kept counts of the window, the newest first.
func (w *window) quarters(tx *db.Tx) ([]tally, error) {
	rows, err := tx.Query(`select quarter, n, public from tracker_tally where user_id = $1 and quarter >= $2 and quarter <= $3
		order by quarter desc`, w.user, quarterOf(w.from), quarterOf(w.to))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []tally
	for rows.Next() {
		var q tally
		if err := rows.Scan(&q.quarter, &q.n, &q.public); err != nil {
			return nil, err
		}
		all = append(all, q)
	}
	return all, rows.Err()
}

// page reads the sessions of a window by their start, asc or desc, with the games of the active one.
func (t *Tracker) page(tx *db.Tx, o Owner, w *window, order string, limit, offset int) ([]*Session, error) {
	const query = "select " + sessionColumns + " from tracker_session where user_id = $1 and start_s >= $2 and start_s < $3"
	tail := " order by start_s " + order + " limit cast($4 as bigint) offset cast($5 as bigint)"
	var rows *sql.Rows
	var err error
	if w.public == nil {
		rows, err = tx.Query(query+tail, w.user, w.from, w.to, limit, offset)
	} else {
		rows, err = tx.Query(query+" and public = $6"+tail, w.user, w.from, w.to, limit, offset, flag(*w.public))
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	items := make([]*Session, 0, limit)
	var active *Session
	for rows.Next() {
		s, err := t.scanSession(rows)
		if err != nil {
			return nil, err
		}
		if s.Active() {
			active = s
		}
		items = append(items, s)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || active == nil {
		return items, err
	}
	active.Play, err = games(tx, o.Zone, active.ID)
	return items, err
}
