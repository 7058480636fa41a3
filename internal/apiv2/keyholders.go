package apiv2

import (
	"errors"
	"net/http"

	"stint/internal/account"
	"stint/internal/tracker"
	"stint/internal/web"
)

// getKeyholders answers GET keyholders.php: the links and open invitations of the caller, in both directions.
func (a *API) getKeyholders(c *call) error {
	if err := c.onlyParams(); err != nil {
		return err
	}
	list, err := a.Tracker.Keyholders(c.Context(), c.who.UserID)
	if err != nil {
		return err
	}
	people := a.people(c)
	b := appendInt(begin(c.text), `{"count":`, int64(len(list)))
	b = append(b, `,"items":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendKeyholder(b, &list[i], people, c.who.UserID); err != nil {
			return err
		}
	}
	c.text = append(b, "]}"...)
	return c.succeed(http.StatusOK)
}

// appendKeyholder appends a link as the user sees it.
func appendKeyholder(b []byte, k *tracker.Keyholder, people *people, user int64) ([]byte, error) {
	owner, err := people.name(k.Owner)
	if err != nil {
		return b, err
	}
	keyholder, err := people.name(k.Keyholder)
	if err != nil {
		return b, err
	}
	role, status := "keyholder", "invited"
	if k.Owner == user {
		role = "owner"
	}
	if !k.Accepted.IsZero() {
		status = "accepted"
	}
	b = appendInt(b, `{"id":`, k.ID)
	b = appendText(b, `,"role":`, role)
	b = appendText(b, `,"status":`, status)
	b = appendNullable(b, `,"owner":`, owner)
	b = appendNullable(b, `,"keyholder":`, keyholder)
	b = appendInstant(b, `,"invited":`, k.Invited.Unix(), true)
	b = appendInstant(b, `,"accepted":`, k.Accepted.Unix(), !k.Accepted.IsZero())
	b = appendInstant(b, `,"expires":`, k.Expires.Unix(), !k.Expires.IsZero())
	if k.Session == 0 {
		return append(appendNull(b, `,"session":`), '}'), nil
	}
	return append(appendInt(b, `,"session":`, k.Session), '}'), nil
}

// postKeyholder answers POST keyholders.php: an owner invites, or who was invited accepts.
func (a *API) postKeyholder(c *call) error {
	b, text, key, err := c.posted()
	if err != nil {
		return err
	}
	// Everybody who can stand in the answer is made known before: it is encoded inside the write.
	people := a.people(c)
	encode := func(result any) ([]byte, error) { return encodeLink(result, people, c.who.UserID) }
	once := c.once("keyholders", key, text, http.StatusCreated, encode)
	switch action := b.text(fieldAsked); action {
	case "invite":
		err = a.invite(c, b, people, once)
	case "accept":
		err = a.accept(c, b, people, once)
	default:
		b.fail("action", "invite or accept is expected")
		err = b.err
	}
	_, err = c.replayed(err)
	return err
}

func (a *API) invite(c *call, b *body, people *people, once *tracker.Once) error {
	name := b.text(tracker.FieldKeyholder)
	if err := b.end(); err != nil {
		return err
	}
	keyholder := int64(0)
	if name != "" {
		u, err := a.Accounts.User(c.Context(), name)
		if errors.Is(err, account.ErrNotFound) {
			return invalid("keyholder", "there is no user of this name; an invitation without a name can be accepted by whoever has its code")
		}
		if err != nil {
			return err
		}
		keyholder = u.ID
		people.known[u.ID] = u.Name
	}
	i, err := a.Tracker.Invite(c.Context(), c.who.UserID, keyholder, once)
	return linked(c, i, err, people)
}

func (a *API) accept(c *call, b *body, people *people, once *tracker.Once) error {
	code, owner := b.text(fieldCode), b.text(fieldOwner)
	if (code == "") == (owner == "") {
		b.fail("code", "the code of the invitation is expected, or else in owner the name of who invited you")
	}
	if err := b.end(); err != nil {
		return err
	}
	id, err := a.inviter(c, code, owner)
	if err != nil {
		return err
	}
	if _, err := people.name(id); err != nil {
		return err
	}
	k, err := a.Tracker.Accept(c.Context(), c.who.UserID, code, id, once)
	return linked(c, k, err, people)
}

// inviter is who made the code, or has the name; 0 for nobody.
func (a *API) inviter(c *call, code, name string) (int64, error) {
	if code != "" {
		return a.Tracker.Inviter(c.Context(), code)
	}
	u, err := a.Accounts.User(c.Context(), name)
	if errors.Is(err, account.ErrNotFound) {
		return 0, nil
	}
	return u.ID, err
}

// linked answers with a *tracker.Invitation or a *tracker.Keyholder.
func linked(c *call, result any, err error, people *people) error {
	if err != nil {
		return err
	}
	if c.text, err = encodeLink(result, people, c.who.UserID); err != nil {
		return err
	}
	return c.succeed(http.StatusCreated)
}

func encodeLink(result any, people *people, user int64) ([]byte, error) {
	b := begin(nil)
	var k *tracker.Keyholder
	switch r := result.(type) {
	case *tracker.Invitation:
		k = &r.Link
		b = appendText(append(b, `{"status":"Invitation created successfully"`...), `,"code":`, r.Code)
	case *tracker.Keyholder:
		k = r
		b = append(b, `{"status":"Invitation accepted successfully"`...)
	}
	b, err := appendKeyholder(append(b, `,"keyholder":`...), k, people, user)
	return append(b, '}'), err
}

// deleteKeyholder answers DELETE keyholders.php?id=ID: either side ends a link, withdraws or declines an invitation.
func (a *API) deleteKeyholder(c *call) error {
	if err := c.onlyParams("id"); err != nil {
		return err
	}
	id, err := c.query.whole("id")
	if err != nil {
		return err
	}
	if err := a.Tracker.RemoveKeyholder(c.Context(), c.who.UserID, id); err != nil {
		return err
	}
	c.text = append(appendStatus(begin(c.text), "Keyholder link removed successfully", id), '}')
	return c.succeed(http.StatusOK)
}

// held looks whether a session that is not the caller's is one that the caller holds. What it is not stays the refusal
// that it was: nobody learns of the sessions of others.
func (a *API) held(c *call, id int64, refused error) (*tracker.Session, error) {
	var rule *tracker.Error
	if !errors.As(refused, &rule) || rule.Code != tracker.NotFound {
		return nil, refused
	}
	s, err := a.Tracker.Held(c.Context(), c.owner(), id)
	if errors.As(err, &rule) {
		return nil, refused
	}
	return s, err
}

// editHeld changes the scheduled end of a session that the caller holds, which is all that a keyholder changes there.
func (a *API) editHeld(c *call, id int64, r tracker.EditRequest, refused error) (*tracker.Session, error) {
	if _, err := a.held(c, id, refused); err != nil {
		return nil, err
	}
	if r.Public != nil || r.LockedBy.Set || r.Notes.Set || r.EndNow || r.EndDate != "" || r.EndTime != "" {
		return nil, &web.Error{Status: http.StatusForbidden, Code: "forbidden",
			Detail: "A keyholder changes the scheduled end of a session, nothing else of it."}
	}
	return a.Tracker.Reschedule(c.Context(), c.owner(), id, r.Scheduled, r.ScheduledTime, nil)
}
