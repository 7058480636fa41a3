package club

// Draft is what a client wants an announcement to be. Nil members are absent.
type Draft struct {
	User     *string
	Note     *string
	From, To *Point
	Public   *bool
	URL      *string // a pointer to "" takes the link away
}

// minute is the start of the minute that second t lies in. Clients send
// minutes, so the past is what lies before the start of the current one
// (readings, "Announcements").
func minute(t int64) int64 { return t - t%60 }

// draftNew applies the rules of the document, "New announcement".
func draftNew(d Draft, now int64) (Action, error) {
	a := Action{Time: now, Type: TypeAnnouncement, Method: New}
	if err := d.fill(&a, now, true); err != nil {
		return Action{}, err
	}
	if a.From < minute(now) {
		return Action{}, past("from", "from lies in the past, which can't be modified; it may start in the current minute (%d) or later.", minute(now))
	}
	return a, nil
}

// draftMod applies the rules of the document, "Modify announcement", to the
// announcement whose newest action is last.
func draftMod(d Draft, last Action, now int64) (Action, error) {
	a := last
	a.Time, a.Method = now, Mod
	if err := d.fill(&a, now, true); err != nil {
		return Action{}, err
	}
	begun := last.From <= now
	switch {
	case last.To < now:
		return Action{}, past("", "The announcement has ended, and the past can't be modified.")
	case begun && minute(a.From) != minute(last.From):
		return Action{}, past("from", "The announcement has begun, so from must stay %d.", last.From)
	case !begun && a.From < minute(now):
		return Action{}, past("from", "from lies in the past, which can't be modified; it may start in the current minute (%d) or later.", minute(now))
	case a.To < minute(now):
		return Action{}, past("to", "to lies in the past, which can't be modified; it may end in the current minute (%d) or later.", minute(now))
	}
	if begun {
		a.From = last.From
		a.To = max(a.To, a.From)
	}
	return a, nil
}

// draftDel applies the rules of the document, "Delete announcement". The
// action repeats the announcement's last members.
func draftDel(d Draft, last Action, now int64) (Action, error) {
	a := last
	a.Time, a.Method = now, Del
	if err := (Draft{User: d.User}).fill(&a, now, false); err != nil {
		return Action{}, err
	}
	if last.From <= now {
		return Action{}, past("", `The announcement has begun, and the past can't be modified. To end it, modify it with "to": "now".`)
	}
	return a, nil
}

// fill puts the draft's members into a. Members that are absent stay as they
// are in a, unless they are mandatory.
func (d Draft) fill(a *Action, now int64, mandatory bool) error {
	if mandatory {
		for _, m := range []struct {
			absent bool
			name   string
		}{{d.User == nil, "user"}, {d.From == nil, "from"}, {d.To == nil, "to"}} {
			if m.absent {
				return invalid(m.name, "%s is mandatory.", m.name)
			}
		}
	}
	var err error
	if d.User != nil {
		if a.User, err = CheckUser(*d.User); err != nil {
			return err
		}
	}
	if d.Note != nil {
		if err := CheckNote(*d.Note); err != nil {
			return err
		}
		a.Note = *d.Note
	}
	if d.URL != nil {
		if err := CheckURL(*d.URL); err != nil {
			return err
		}
		a.URL = *d.URL
	}
	if d.Public != nil {
		a.Public = *d.Public
	}
	return d.fillTimes(a, now)
}

func (d Draft) fillTimes(a *Action, now int64) (err error) {
	if d.From != nil {
		if a.From, err = d.From.resolve("from", now); err != nil {
			return err
		}
	}
	if d.To != nil {
		if a.To, err = d.To.resolve("to", now); err != nil {
			return err
		}
	}
	if a.From > a.To {
		return invalid("from", "from (%d) is later than to (%d).", a.From, a.To)
	}
	a.Visible = a.Public
	return nil
}
