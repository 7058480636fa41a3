package apiv2

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strconv"
	"time"

	"stint/internal/tracker"
	"stint/internal/tracker/wall"
)

// exportFormat names the document that GET export.php answers and stint import reads.
const exportFormat = "stint-export-1"

// export is everything that is kept of a person. An import takes back what is the tracker's; the rest is there to be
// read.
type export struct {
	Format     string            `json:"format"`
	User       exportUser        `json:"user"`
	Tokens     []exportToken     `json:"tokens"`
	Keyholders []exportKeyholder `json:"keyholders"`
	*tracker.Export
}

type exportUser struct {
	Name    string    `json:"name"`
	Zone    string    `json:"zone"`
	Created time.Time `json:"created"`
}

type exportToken struct {
	Label   string    `json:"label"`
	Scope   string    `json:"scope"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Used    time.Time `json:"used,omitzero"`
}

type exportKeyholder struct {
	Owner     string    `json:"owner"`
	Keyholder *string   `json:"keyholder"` // null: whoever has the code
	Invited   time.Time `json:"invited"`
	Accepted  time.Time `json:"accepted,omitzero"`
}

// getExport answers GET export.php: a document without the envelope, or with format=csv the sessions as a table.
func (a *API) getExport(c *call) error {
	if err := c.onlyParams("format"); err != nil {
		return err
	}
	format := c.query.get("format")
	if format != "" && format != "json" && format != "csv" {
		return invalid("format", "json or csv is expected")
	}
	leave, err := a.alone(c)
	if err != nil {
		return err
	}
	defer leave()
	e, err := a.Tracker.Export(c.Context(), c.owner())
	if err != nil {
		return err
	}
	if format == "csv" {
		return c.table(e.Sessions)
	}
	all, err := a.everything(c, e)
	if err != nil {
		return err
	}
	return c.download(all, "stint-export.json")
}

func (a *API) everything(c *call, e *tracker.Export) (*export, error) {
	x := &export{Format: exportFormat, Tokens: []exportToken{}, Keyholders: []exportKeyholder{}, Export: e}
	u, err := a.Accounts.UserByID(c.Context(), c.who.UserID)
	if err != nil {
		return nil, err
	}
	x.User = exportUser{u.Name, u.Zone, u.Created}
	tokens, err := a.Accounts.Tokens(c.Context(), u.Name)
	if err != nil {
		return nil, err
	}
	for _, t := range tokens {
		x.Tokens = append(x.Tokens, exportToken{t.Label, string(t.Scope), t.Created, t.Expires, t.Used})
	}
	links, err := a.Tracker.Keyholders(c.Context(), c.who.UserID)
	if err != nil {
		return nil, err
	}
	people := a.people(c)
	for _, l := range links {
		owner, err := people.name(l.Owner)
		if err != nil {
			return nil, err
		}
		keyholder, err := people.name(l.Keyholder)
		if err != nil {
			return nil, err
		}
		k := exportKeyholder{Owner: owner, Invited: l.Invited, Accepted: l.Accepted}
		if keyholder != "" {
			k.Keyholder = &keyholder
		}
		x.Keyholders = append(x.Keyholders, k)
	}
	for _, s := range e.Sessions {
		for i := range s.Changes {
			if s.Changes[i].Nick, err = people.name(s.Changes[i].By); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

// table sends sessions as CSV (RFC 4180), oldest first, under the names of sessions.php.
func (c *call) table(sessions []tracker.ExportSession) error {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	w.Write([]string{"id", "start", "end", "scheduledend", "active", "lockedby", "notes", "public", "timezonestart", "timezoneend",
		"inserted", "start_utc", "end_utc", "scheduledend_utc"})
	for i := range sessions {
		s := &sessions[i]
		w.Write([]string{strconv.FormatInt(s.ID, 10), cell(&s.Start, wall.Moment.Local), cell(s.End, wall.Moment.Local),
			cell(s.Scheduled, wall.Moment.Local), zeroOne(s.End == nil), deref(s.LockedBy), deref(s.Notes), zeroOne(s.Public), s.Start.Zone(),
			zone(s.End), s.Inserted.UTC().Format(time.DateTime), cell(&s.Start, wall.Moment.UTC), cell(s.End, wall.Moment.UTC),
			cell(s.Scheduled, wall.Moment.UTC)})
	}
	w.Flush()
	h := c.w.Header()
	h.Set("Content-Disposition", `attachment; filename="stint-sessions.csv"`)
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	c.w.WriteHeader(http.StatusOK)
	if c.Method != http.MethodHead {
		c.w.Write(b.Bytes())
	}
	return nil
}

func cell(m *wall.Moment, as func(wall.Moment) time.Time) string {
	if m == nil {
		return ""
	}
	return as(*m).Format(time.DateTime)
}

func zone(m *wall.Moment) string {
	if m == nil {
		return ""
	}
	return m.Zone()
}

func zeroOne(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}
