package tracker

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"stint/internal/db"
)

// HistoryFilter selects rows of a session's history, newest first (readings, histories.php). "", nil and the zero time
// select everything.
type HistoryFilter struct {
	Session      int64
	Type         string // START, ADD, SUB
	Source       string // DICE, LINK, LUCK, MANUAL, PENALTY, DOM
	Dom          *bool
	From, Before time.Time // happened in [From, Before)
	Limit        int       // at least 1; above MaxLimit it is MaxLimit
	Cursor       string    // Next of the page before
}

// HistoryPage is one page of a history. Rows that arrive later never move or repeat what a cursor leads to.
type HistoryPage struct {
	Items      []HistoryItem // never nil
	Limit      int           // as served
	Next       string        // the cursor of the next page, "" at the end
	HasChanges bool          // of game settings
}

// HistoryItem is one row of a session's history.
type HistoryItem struct {
	Session  int64
	Type     string     // START, ADD, SUB
	Unit     *int64     // seconds that the scheduled end moved; nil for START, and where there was none before or after
	Rolled   *int64     // seconds that were drawn, or a penalty's
	Source   string     // "" for START
	Dom      bool       // by a keyholder
	Schedule *time.Time // UTC, the scheduled end from then on; nil: none
	Happened time.Time  // UTC, milliseconds
	Multi    *Multi
	Nonce    *int // of the draw
}

// ChangeFilter selects changes of a session's game settings, newest first.
type ChangeFilter struct {
	Session      int64
	Game         Game
	Action       string
	From, Before time.Time
	Limit        int
	Cursor       string
}

// ChangePage is one page of changes.
type ChangePage struct {
	Items []Change // never nil
	Limit int
	Next  string
}

// position is where a page ends: in a list of one kind and session, below this row.
type position struct {
	kind    byte
	session int64
	at, id  int64
}

const (
	inHistory = 'h'
	inChanges = 'c'
	cursorLen = 1 + 3*8 + 4
)

func (p position) String() string {
	b := []byte{p.kind}
	for _, n := range []int64{p.session, p.at, p.id} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b)))
}

// after reads a cursor of the same list; "" is the start.
func (p position) after(cursor string) (position, error) {
	p.at, p.id = 1<<62, 0
	if cursor == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) != cursorLen || crc32.ChecksumIEEE(b[:cursorLen-4]) != binary.BigEndian.Uint32(b[cursorLen-4:]) || b[0] != p.kind {
		return p, Invalid(FieldCursor, "this is no cursor of this list")
	}
	if int64(binary.BigEndian.Uint64(b[1:])) != p.session {
		return p, Invalid(FieldCursor, "this cursor belongs to another session")
	}
	p.at, p.id = int64(binary.BigEndian.Uint64(b[9:])), int64(binary.BigEndian.Uint64(b[17:]))
	return p, nil
}

// period is the milliseconds from and before stand for.
func period(from, before time.Time) (low, high int64, err error) {
	low, high = -1<<62, 1<<62
	if !from.IsZero() {
		low = from.UnixMilli()
	}
	if !before.IsZero() {
		high = before.UnixMilli()
		if low > high {
			return 0, 0, Invalid(FieldFrom, "from lies after to")
		}
	}
	return low, high, nil
}

func oneOf(f Field, value string, allowed ...string) *Error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return Invalid(f, "allowed: %s", strings.Join(allowed, ", "))
}

func pageLimit(limit int) *Error {
	if limit < 1 {
		return Invalid(FieldLimit, "the limit is at least 1")
	}
	return nil
}

// mayRead refuses everybody but the session's owner, and its keyholders while it is active. It returns the owner, and
// whether game settings have changed.
func mayRead(tx *db.Tx, o Owner, session int64) (user int64, changed bool, err error) {
	var active, changes int
	err = tx.QueryRow("select user_id, active, has_changes from tracker_session where id = $1", session).Scan(&user, &active, &changes)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, errNotFound()
	}
	if err != nil || user == o.User {
		return user, changes == 1, err
	}
	linked, err := isLinked(tx, user, o.User)
	if err == nil && (!linked || active == 0) {
		err = errNotFound()
	}
	return user, changes == 1, err
}

// Histories is a page of a session's history, for its owner, and for a keyholder while it is active. Errors: NotFound,
// Validation.
func (t *Tracker) Histories(ctx context.Context, o Owner, f HistoryFilter) (*HistoryPage, error) {
	from, err := position{kind: inHistory, session: f.Session}.after(f.Cursor)
	if err != nil {
		return nil, err
	}
	low, high, err := period(f.From, f.Before)
	if err != nil {
		return nil, err
	}
	if err := first(pageLimit(f.Limit), oneOf(FieldType, f.Type, TypeStart, TypeAdd, TypeSub),
		oneOf(FieldSource, f.Source, SourceDice, SourceLink, SourceLuck, SourceManual, SourcePenalty, SourceDom)); err != nil {
		return nil, err
	}
	p := &HistoryPage{Items: []HistoryItem{}, Limit: min(f.Limit, MaxLimit)}
	err = t.db.View(ctx, func(tx *db.Tx) error {
		var user int64
		if user, p.HasChanges, err = mayRead(tx, o, f.Session); err != nil {
			return err
		}
		query, args := f.query(user, from, low, high, p.Limit+1)
		p.Items, p.Next, err = readHistory(tx, from, p.Limit, query, args...)
		return err
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (f HistoryFilter) query(user int64, from position, low, high int64, limit int) (string, []any) {
	query := "select " + eventColumns + ` from tracker_log where user_id = $7 and session_id = $1 and (at_ms, id) < ($2, $3)
		and at_ms >= $4 and at_ms < $5 and type is not null`
	args := []any{f.Session, from.at, from.id, low, high, limit, user}
	equal := func(column, value string) {
		if value != "" {
			args = append(args, value)
			query += fmt.Sprintf(" and %s = $%d", column, len(args))
		}
	}
	equal("type", f.Type)
	equal("source", f.Source)
	if f.Dom != nil {
		query += " and dom = " + []string{"0", "1"}[flag(*f.Dom)]
	}
	return query + " order by at_ms desc, id desc limit cast($6 as bigint)", args
}

func readHistory(tx *db.Tx, from position, limit int, query string, args ...any) ([]HistoryItem, string, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	items := []HistoryItem{}
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return nil, "", err
		}
		if len(items) == limit {
			return items, from.String(), nil
		}
		from.at, from.id = e.At.UnixMilli(), e.ID
		items = append(items, e.history())
	}
	return items, "", rows.Err()
}

func (e *Event) history() HistoryItem {
	return HistoryItem{Session: e.Session, Type: e.Type, Unit: e.Unit, Rolled: e.Rolled, Source: e.Source, Dom: e.Dom,
		Schedule: e.Scheduled, Happened: e.At, Multi: e.Multi, Nonce: e.Nonce}
}

// Changes is a page of the changes of a session's game settings, for its owner, and for a keyholder while it is active.
// Errors: NotFound, Validation.
func (t *Tracker) Changes(ctx context.Context, o Owner, f ChangeFilter) (*ChangePage, error) {
	from, err := position{kind: inChanges, session: f.Session}.after(f.Cursor)
	if err != nil {
		return nil, err
	}
	low, high, err := period(f.From, f.Before)
	if err != nil {
		return nil, err
	}
	if err := first(pageLimit(f.Limit), oneOf(FieldGame, string(f.Game), string(DiceGame), string(LinkGame), string(LuckGame)),
		oneOf(FieldAction, f.Action, ActionInsert, ActionUpdate, ActionDelete)); err != nil {
		return nil, err
	}
	p := &ChangePage{Items: []Change{}, Limit: min(f.Limit, MaxLimit)}
	err = t.db.View(ctx, func(tx *db.Tx) error {
		if _, _, err := mayRead(tx, o, f.Session); err != nil {
			return err
		}
		rows, err := tx.Query(`select id, session_id, game, action, at_ms, by_user, before, after from tracker_change
			where session_id = $1 and (at_ms, id) < ($2, $3) and at_ms >= $4 and at_ms < $5 and ($6 = '' or game = $6)
			and ($7 = '' or action = $7) order by at_ms desc, id desc limit cast($8 as bigint)`,
			f.Session, from.at, from.id, low, high, string(f.Game), f.Action, p.Limit+1)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			c, id, err := scanChange(rows)
			if err != nil {
				return err
			}
			if len(p.Items) == p.Limit {
				p.Next = from.String()
				break
			}
			from.at, from.id = c.Happened.UnixMilli(), id
			p.Items = append(p.Items, *c)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func scanChange(r row) (*Change, int64, error) {
	c := &Change{}
	var id, at int64
	var before, after sql.NullString
	if err := r.Scan(&id, &c.Session, &c.Game, &c.Action, &at, &c.By, &before, &after); err != nil {
		return nil, 0, err
	}
	c.Happened = instant(at)
	var rows [2]*gameRow
	for i, text := range []sql.NullString{before, after} {
		if text.Valid {
			r, err := parseRow(text.String)
			if err != nil {
				return nil, 0, err
			}
			rows[i] = &r
		}
	}
	c.Before, c.After = rows[0].only(), rows[1].only()
	c.Diffs = diffs(rows[0], rows[1])
	return c, id, nil
}
