package tracker

import (
	"time"

	"stint/internal/db"
	"stint/internal/tracker/wall"
)

// Kinds of log rows.
const (
	kindStarted   = "started"
	kindChanged   = "changed"
	kindStopped   = "stopped"
	kindDiscarded = "discarded"
	kindDeleted   = "deleted"
	kindPlay      = "play"
	kindVote      = "vote"
	kindPenalty   = "penalty"
	kindReached   = "reached"
	kindGames     = "games" // settings changed by the keyholder
)

// Types of history rows (readings, histories.php).
const (
	TypeStart = "START"
	TypeAdd   = "ADD"
	TypeSub   = "SUB"
)

// Sources of history rows; a START row has none.
const (
	SourceDice    = "DICE"
	SourceLink    = "LINK"
	SourceLuck    = "LUCK"
	SourceManual  = "MANUAL"
	SourcePenalty = "PENALTY"
	SourceDom     = "DOM"
)

// entry is one row of the log; with a type it is also a row of the session's history.
type entry struct {
	user, session int64
	kind          string
	typ, source   string
	dom           bool
	unit, rolled  *int64 // seconds: applied, drawn
	schedule      *wall.Moment
	multi, nonce  *int
	draw          string
	at            time.Time // of an import; zero: now
}

// write appends the row and rings.
func (e entry) write(tx *db.Tx) error {
	id, err := tx.NextID("tracker_log")
	if err != nil {
		return err
	}
	schedule, _ := columns(e.schedule)
	if e.at.IsZero() {
		e.at = tx.Now
	}
	_, err = tx.Exec(`insert into tracker_log (id, user_id, session_id, kind, at_ms, type, source, dom, unit_s, rolled_s,
		schedule_s, multi, nonce, draw) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		id, e.user, e.session, e.kind, e.at.UnixMilli(), word(e.typ), word(e.source), flag(e.dom), e.unit, e.rolled,
		schedule, e.multi, e.nonce, word(e.draw))
	tx.Ring(Topic)
	return err
}

// word is a text for a column that is null when there is none.
func word(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// rescheduled is the row for a scheduled end set by hand. Without an end before or after there is no length; an end
// set again to what it was is no history.
func rescheduled(s *Session, to *wall.Moment, dom bool) entry {
	e := entry{user: s.User, session: s.ID, kind: kindChanged, schedule: to, source: SourceManual, dom: dom}
	if dom {
		e.source = SourceDom
	}
	from := s.Scheduled
	switch {
	case from == nil && to == nil, from != nil && to != nil && from.Unix == to.Unix:
		e.source = ""
	case from == nil:
		e.typ = TypeAdd
	case to == nil:
		e.typ = TypeSub
	default:
		e.typ = TypeAdd
		by := to.Unix - from.Unix
		if by < 0 {
			e.typ, by = TypeSub, -by
		}
		e.unit = &by
	}
	return e
}
