package apiv2

import (
	"encoding/json"
	"net/http"

	"stint/internal/tracker"
)

// getFair answers GET fair.php: the commitment of a session's draws, or without a session of the account's; with chain=1
// everything that was drawn, as the document that stint verify checks.
func (a *API) getFair(c *call) error {
	if err := c.onlyParams("session", "chain"); err != nil {
		return err
	}
	id, err := c.query.wholeOr("session", 0)
	if err != nil {
		return err
	}
	whole, err := c.query.flag("chain")
	if err != nil {
		return err
	}
	if whole != nil && *whole {
		doc, err := a.Tracker.Chain(c.Context(), c.owner(), id)
		if err != nil {
			return err
		}
		return c.download(doc, "stint-draws.json")
	}
	f, err := a.Tracker.Fair(c.Context(), c.owner(), id)
	if err != nil {
		return err
	}
	return c.fairness(f)
}

// setClientSeed answers POST and PATCH fair.php: the owner's own seed for the draws to come.
func (a *API) setClientSeed(c *call) error {
	if err := c.onlyParams("session"); err != nil {
		return err
	}
	id, err := c.query.wholeOr("session", 0)
	if err != nil {
		return err
	}
	b, err := c.object()
	if err != nil {
		return err
	}
	seed := b.text(tracker.FieldClientSeed)
	if !b.members.Has("clientseed") {
		b.fail("clientseed", "a text of at most 64 characters is expected")
	}
	if err := b.end(); err != nil {
		return err
	}
	f, err := a.Tracker.SetClientSeed(c.Context(), c.owner(), id, seed)
	if err != nil {
		return err
	}
	return c.fairness(f)
}

func (c *call) fairness(f *tracker.Fairness) error {
	b := appendText(begin(c.text), `{"scheme":`, f.Scheme)
	if f.Session == 0 {
		b = appendNull(b, `,"session":`)
	} else {
		b = appendInt(b, `,"session":`, f.Session)
	}
	b = appendInt(b, `,"number":`, f.Number)
	b = appendText(b, `,"commitment":`, f.Commitment)
	b = appendText(b, `,"clientseed":`, f.ClientSeed)
	b = appendInt(b, `,"used":`, int64(f.Used))
	c.text = append(appendInt(b, `,"length":`, int64(f.Length)), '}')
	return c.succeed(http.StatusOK)
}

// download sends a document as it is, without the envelope, so that a saved answer is a file that stint reads.
func (c *call) download(document any, name string) error {
	text, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	return c.reply(http.StatusOK, append(text, '\n'))
}
