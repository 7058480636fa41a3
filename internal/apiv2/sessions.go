package apiv2

import (
	"net/http"
	"strings"

	"stint/internal/tracker"
)

func (c *call) owner() tracker.Owner { return tracker.Owner{User: c.who.UserID, Zone: c.who.Zone} }

// getSessions answers document, "GET /api/v2/sessions.php (list)" and "(details)".
func (a *API) getSessions(c *call) error {
	if err := c.onlyParams("id", "from", "to", "active", "public", "limit", "offset"); err != nil {
		return err
	}
	if c.query["id"] == nil {
		return a.listSessions(c)
	}
	id, err := c.query.id()
	if err != nil {
		return err
	}
	s, err := a.Tracker.Get(c.Context(), c.owner(), id)
	if err != nil {
		s, err = a.held(c, id, err)
	}
	if err != nil {
		return err
	}
	c.text = appendSession(begin(c.text), s, a.Tracker.Now())
	return c.succeed(http.StatusOK)
}

func (a *API) listSessions(c *call) error {
	f, err := c.query.filter()
	if err != nil {
		return err
	}
	p, err := a.Tracker.List(c.Context(), c.owner(), f)
	if err != nil {
		return err
	}
	c.text = appendPage(begin(c.text), p, a.Tracker.Now())
	return c.succeed(http.StatusOK)
}

// posted reads a POST that may be repeated: its body, also as it came, and its Idempotency-Key, "" for none.
func (c *call) posted() (b *body, text []byte, key string, err error) {
	if err = c.onlyParams(); err != nil {
		return nil, nil, "", err
	}
	if text, err = c.readBody(); err != nil {
		return nil, nil, "", err
	}
	if b, err = c.parseBody(text); err != nil {
		return nil, nil, "", err
	}
	key, err = c.idempotencyKey()
	return b, text, key, err
}

// postSession answers document, "POST /api/v2/sessions.php (insert/start)".
func (a *API) postSession(c *call) error {
	b, text, key, err := c.posted()
	if err != nil {
		return err
	}
	switch kind := b.text(fieldType); kind {
	case "", "manual":
		return a.insertSession(c, b, text, key)
	case "live":
		return a.startSession(c, b, text, key)
	}
	b.fail("type", "manual or live is expected")
	return b.err
}

func (a *API) insertSession(c *call, b *body, text []byte, key string) error {
	r := tracker.InsertRequest{
		StartDate: b.text(tracker.FieldStartDate),
		StartTime: b.text(tracker.FieldStartTime),
		EndDate:   b.text(tracker.FieldEndDate),
		EndTime:   b.text(tracker.FieldEndTime),
		Public:    b.flag(fieldPublic),
		LockedBy:  b.nullable(tracker.FieldLockedBy).To,
		Notes:     b.nullable(tracker.FieldNotes).To,
	}
	for _, g := range tracker.Games {
		if b.game(g).on() {
			b.fail(wireName(tracker.FieldOf(g, fieldOn)), "games belong to live sessions; this one is manual")
		}
	}
	if err := b.end(); err != nil {
		return err
	}
	const status = "Session inserted successfully"
	once := c.once("sessions", key, text, http.StatusCreated, encodeCreated(status))
	s, err := a.Tracker.Insert(c.Context(), c.owner(), r, once)
	return c.created(s, err, status)
}

func (a *API) startSession(c *call, b *body, text []byte, key string) error {
	r := b.start()
	if err := b.end(); err != nil {
		return err
	}
	const status = "Session started successfully"
	once := c.once("sessions", key, text, http.StatusCreated, encodeCreated(status))
	s, err := a.Tracker.Start(c.Context(), c.owner(), r, once)
	return c.created(s, err, status)
}

// start reads a live session (document, "Live Session Fields").
func (b *body) start() tracker.StartRequest {
	return tracker.StartRequest{
		Date:          b.text(tracker.FieldStartDate),
		Time:          b.text(tracker.FieldStartTime),
		ScheduledDate: b.text(tracker.FieldScheduledDate),
		ScheduledTime: b.text(tracker.FieldScheduledTime),
		MaxEnd:        b.flag(tracker.FieldMaxEnd),
		LimitDate:     b.text(tracker.FieldLimitDate),
		LimitTime:     b.text(tracker.FieldLimitTime),
		Public:        b.flag(fieldPublic),
		LockedBy:      b.nullable(tracker.FieldLockedBy).To,
		Notes:         b.nullable(tracker.FieldNotes).To,
		Settings:      b.settings(),
	}
}

// idempotencyKey reads the header; "" if it is absent.
func (c *call) idempotencyKey() (string, error) {
	name := wireName(tracker.FieldIdempotencyKey)
	values := c.Header[name]
	if len(values) == 0 {
		return "", nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", invalid(name, "one key of 1 to 255 printable ASCII characters is expected")
	}
	return key, nil
}

func encodeCreated(status string) func(result any) ([]byte, error) {
	return func(result any) ([]byte, error) {
		return appendCreated(begin(nil), result.(*tracker.Session), status), nil
	}
}

// created answers a POST, or gives the first answer again.
func (c *call) created(s *tracker.Session, err error, status string) error {
	if done, err := c.replayed(err); done || err != nil {
		return err
	}
	c.text = appendCreated(begin(c.text), s, status)
	return c.succeed(http.StatusCreated)
}

// patchSession answers document, "PATCH /api/v2/sessions.php?id=ID (update/stop)".
func (a *API) patchSession(c *call) error {
	if err := c.onlyParams("id"); err != nil {
		return err
	}
	id, err := c.query.id()
	if err != nil {
		return err
	}
	text, err := c.readBody()
	if err != nil {
		return err
	}
	if len(text) == 0 {
		text = []byte("{}")
	}
	b, err := c.parseBody(text)
	if err != nil {
		return err
	}
	r := tracker.EditRequest{
		Public:        b.optionalFlag(fieldPublic),
		LockedBy:      b.nullable(tracker.FieldLockedBy),
		Notes:         b.nullable(tracker.FieldNotes),
		Scheduled:     b.nullable(tracker.FieldScheduledDate),
		ScheduledTime: b.text(tracker.FieldScheduledTime),
		EndNow:        b.flag(tracker.FieldEndNow),
		EndDate:       b.text(tracker.FieldEndDate),
		EndTime:       b.text(tracker.FieldEndTime),
	}
	if err := b.end(); err != nil {
		return err
	}
	s, err := a.Tracker.Edit(c.Context(), c.owner(), id, r)
	if err != nil {
		s, err = a.editHeld(c, id, r, err)
	}
	if err != nil {
		return err
	}
	status := "Session updated successfully"
	if r.EndNow || r.EndDate != "" {
		status = "Session stopped successfully"
	}
	t := append(appendStatus(begin(c.text), status, id), `,"session":`...)
	c.text = append(appendSession(t, s, a.Tracker.Now()), '}')
	return c.succeed(http.StatusOK)
}

// deleteSession answers document, "DELETE /api/v2/sessions.php?id=ID (delete)", and readings, "A mistaken live start".
func (a *API) deleteSession(c *call) error {
	if err := c.onlyParams("id", "discard"); err != nil {
		return err
	}
	id, err := c.query.id()
	if err != nil {
		return err
	}
	discard, err := c.query.flag("discard")
	if err != nil {
		return err
	}
	remove := a.Tracker.Delete
	if discard != nil && *discard {
		remove = a.Tracker.Discard
	}
	if err := remove(c.Context(), c.owner(), id); err != nil {
		return err
	}
	c.text = append(appendStatus(begin(c.text), "Session deleted successfully", id), '}')
	return c.succeed(http.StatusOK)
}
