package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/urfave/cli/v3"

	"stint/client"
)

var (
	publicFlag   = &cli.BoolFlag{Name: "public", Usage: "it may be shown to others"}
	lockedByFlag = &cli.StringFlag{Name: "locked-by", Usage: "who it was agreed with"}
	notesFlag    = &cli.StringFlag{Name: "notes", Usage: "a text of your own; - reads it from standard input"}
)

func startSession() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "start", Usage: "when it began, if not now: \"2026-02-10 09:00\", or 09:00 today"},
		&cli.StringFlag{Name: "scheduled-end", Usage: "when it should end: \"2026-02-12 09:00\""},
		&cli.BoolFlag{Name: "max-end", Usage: "draw the scheduled end, at the latest the one given"},
		&cli.StringFlag{Name: "limit-end", Usage: "what no game may move the scheduled end past"},
		publicFlag, lockedByFlag, notesFlag,
	}
	description := `Games need --scheduled-end. An amount is a number and MINUTE, HOUR, DAY or MONTH:
"12 hour"; the multiplier of a play is drawn between two: 1-1.5. What has no flag
here, such as penalties, the API has.`
	return talking("start", "start a session", "", description, append(flags, gameFlags()...), func(ctx context.Context, t *talk) error {
		if _, err := takes(t.Command); err != nil {
			return err
		}
		notes, err := t.notes()
		if err != nil {
			return err
		}
		s := client.Start{
			Start: t.String("start"), ScheduledEnd: t.String("scheduled-end"), MaxEnd: t.Bool("max-end"), LimitEnd: t.String("limit-end"),
			Public: t.Bool("public"), LockedBy: t.String("locked-by"), Notes: notes,
		}
		if s.Games, err = t.games(); err != nil {
			return err
		}
		return t.create(ctx, s.Body())
	})
}

func addSession() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "start", Usage: "when it began: \"2026-02-01 09:00\""},
		&cli.StringFlag{Name: "end", Usage: "when it ended"},
		publicFlag, lockedByFlag, notesFlag,
	}
	return talking("add", "add a session that is over", "", "", flags, func(ctx context.Context, t *talk) error {
		if _, err := takes(t.Command); err != nil {
			return err
		}
		for _, name := range []string{"start", "end"} {
			if _, err := required(t.Command, name); err != nil {
				return err
			}
		}
		notes, err := t.notes()
		if err != nil {
			return err
		}
		i := client.Insert{Start: t.String("start"), End: t.String("end"), Public: t.Bool("public"), LockedBy: t.String("locked-by"), Notes: notes}
		return t.create(ctx, i.Body())
	})
}

// create stores a session and shows it.
func (t *talk) create(ctx context.Context, body map[string]any) error {
	var made client.Created
	if printed, err := t.ask(ctx, http.MethodPost, nil, body, &made); printed || err != nil {
		return err
	}
	return t.show(ctx, made.ID)
}

func stopSession() *cli.Command {
	flags := []cli.Flag{&cli.StringFlag{Name: "end", Usage: "when it ended, if not now: \"2026-02-10 09:00\""}}
	return talking("stop", "stop the active session", "[ID]", "A session lasts at least an hour; stint session delete --discard takes back a mistaken start.", flags,
		func(ctx context.Context, t *talk) error {
			e := client.Edit{End: t.String("end")}
			if e.End == "" {
				e.End = "now"
			}
			return t.edit(ctx, e)
		})
}

func editSession() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "scheduled-end", Usage: "when it should end; \"\" for no such time"},
		publicFlag,
		&cli.BoolFlag{Name: "private", Usage: "it may not be shown to others"},
		&cli.StringFlag{Name: "locked-by", Usage: "who it was agreed with; \"\" for nobody"},
		&cli.StringFlag{Name: "notes", Usage: "a text of your own; - reads it from standard input, \"\" takes it away"},
	}
	return talking("edit", "change a session, or the active one", "[ID]", "", flags, func(ctx context.Context, t *talk) error {
		e := client.Edit{Public: t.either("public", "private")}
		for name, to := range map[string]**string{"scheduled-end": &e.ScheduledEnd, "locked-by": &e.LockedBy} {
			if t.IsSet(name) {
				*to = new(t.String(name))
			}
		}
		if t.IsSet("notes") {
			notes, err := t.notes()
			if err != nil {
				return err
			}
			e.Notes = &notes
		}
		if len(e.Body()) == 0 {
			return misused(t.Command, "nothing to change was named")
		}
		return t.edit(ctx, e)
	})
}

// edit changes the session of the verb's argument, or the active one, and shows
// it.
func (t *talk) edit(ctx context.Context, e client.Edit) error {
	id, err := t.id(ctx)
	if err != nil {
		return err
	}
	var answer struct{ Session client.Session }
	if printed, err := t.ask(ctx, http.MethodPatch, withID(id), e.Body(), &answer); printed || err != nil {
		return err
	}
	return printSession(t.Root().Writer, answer.Session, time.Now())
}

func deleteSession() *cli.Command {
	flags := []cli.Flag{
		&cli.BoolFlag{Name: "discard", Usage: "take back a start of less than an hour ago"},
		&cli.BoolFlag{Name: "yes", Usage: "do not ask"},
	}
	return talking("delete", "delete a session that is over, with its history", "ID", "Asks first.", flags, func(ctx context.Context, t *talk) error {
		id, err := t.givenID()
		if err != nil {
			return err
		}
		s, err := t.Get(ctx, id)
		if err != nil {
			return err
		}
		if !t.sure(fmt.Sprintf("Delete session %d, %s, with its history?", id, span(s))) {
			return errors.New("nothing was deleted")
		}
		query := withID(id)
		if t.Bool("discard") {
			query.Set("discard", "1")
		}
		return t.remove(ctx, query, id)
	})
}

func (t *talk) remove(ctx context.Context, query url.Values, id int64) error {
	var answer struct{ Status string }
	if printed, err := t.ask(ctx, http.MethodDelete, query, nil, &answer); printed || err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.Root().Writer, "Session %d was deleted.\n", id)
	return err
}
