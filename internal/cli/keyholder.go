package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/urfave/cli/v3"

	"stint/internal/account"
	"stint/internal/db"
	"stint/internal/seal"
	"stint/internal/tracker"
)

func keyholder() *cli.Command {
	return &cli.Command{
		Name:  "keyholder",
		Usage: "link people of the tracker with their keyholders",
		Commands: []*cli.Command{
			{
				Name:      "invite",
				Usage:     "invite somebody to be a keyholder, and print the code",
				ArgsUsage: "OWNER [KEYHOLDER]",
				Description: `Prints the code of the invitation and nothing else; it can't be shown again. It is
good once, for seven days, for the KEYHOLDER, or without one for whoever has it.`,
				Flags:  databaseFlags(),
				Action: inviteKeyholder,
			},
			{
				Name:        "accept",
				Usage:       "accept an invitation",
				ArgsUsage:   "KEYHOLDER [CODE]",
				Description: "Takes the code, or with --owner the invitation of somebody who invited by name.",
				Flags:       append(databaseFlags(), &cli.StringFlag{Name: "owner", Usage: "the `NAME` of who invited"}),
				Action:      acceptKeyholder,
			},
			{
				Name:      "list",
				Usage:     "list everyone's links and open invitations, or one person's",
				ArgsUsage: "[NAME]",
				Flags:     databaseFlags(),
				Action:    listKeyholders,
			},
			{
				Name:        "remove",
				Usage:       "end a link or an invitation",
				ArgsUsage:   "NAME ID",
				Description: "NAME is one of the two people, ID stands in the list.",
				Flags:       databaseFlags(),
				Action:      removeKeyholder,
			},
		},
	}
}

// withLinks is withDatabase for links between people, which need no key: nothing about them is sealed.
func withLinks(ctx context.Context, c *cli.Command, fn func(*tracker.Tracker, *account.Store) error) error {
	return withDatabase(ctx, c, false, func(d *db.DB) error {
		s, err := account.Open(ctx, d)
		if err != nil {
			return err
		}
		defer s.Close()
		ring, err := seal.Parse(seal.NewKey())
		if err != nil {
			return err
		}
		t, err := tracker.Open(ctx, d, ring, tracker.Options{Zone: account.Zone})
		if err != nil {
			return err
		}
		return fn(t, s)
	})
}

func inviteKeyholder(ctx context.Context, c *cli.Command) error {
	if n := c.NArg(); n < 1 || n > 2 {
		_, err := takes(c, "OWNER", "KEYHOLDER")
		return err
	}
	return withLinks(ctx, c, func(t *tracker.Tracker, s *account.Store) error {
		owner, err := s.User(ctx, c.Args().First())
		if err != nil {
			return err
		}
		var invited account.User
		if name := c.Args().Get(1); name != "" {
			if invited, err = s.User(ctx, name); err != nil {
				return err
			}
		}
		i, err := t.Invite(ctx, owner.ID, invited.ID, nil)
		if err == nil {
			_, err = fmt.Fprintln(c.Root().Writer, i.Code)
		}
		return err
	})
}

func acceptKeyholder(ctx context.Context, c *cli.Command) error {
	names := []string{"KEYHOLDER", "CODE"}
	if c.IsSet("owner") {
		names = names[:1]
	}
	args, err := takes(c, names...)
	if err != nil {
		return err
	}
	return withLinks(ctx, c, func(t *tracker.Tracker, s *account.Store) error {
		keyholder, err := s.User(ctx, args[0])
		if err != nil {
			return err
		}
		code, owner := "", account.User{}
		if len(args) == 2 {
			code = args[1]
		} else if owner, err = s.User(ctx, c.String("owner")); err != nil {
			return err
		}
		if code == "" && owner.ID == 0 {
			return errors.New("the code is empty")
		}
		_, err = t.Accept(ctx, keyholder.ID, code, owner.ID, nil)
		return err
	})
}

func listKeyholders(ctx context.Context, c *cli.Command) error {
	if c.NArg() > 1 {
		_, err := takes(c, "NAME")
		return err
	}
	return withLinks(ctx, c, func(t *tracker.Tracker, s *account.Store) error {
		people, err := s.Users(ctx)
		if err != nil {
			return err
		}
		names, asked := map[int64]string{}, people
		for _, u := range people {
			names[u.ID] = u.Name
		}
		if name := c.Args().First(); name != "" {
			u, err := s.User(ctx, name)
			if err != nil {
				return err
			}
			asked = []account.User{u}
		}
		links := map[int64]tracker.Keyholder{}
		for _, u := range asked {
			list, err := t.Keyholders(ctx, u.ID)
			if err != nil {
				return err
			}
			for _, k := range list {
				links[k.ID] = k
			}
		}
		return printLinks(c, links, names)
	})
}

func printLinks(c *cli.Command, links map[int64]tracker.Keyholder, names map[int64]string) error {
	var ids []int64
	for id := range links {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	t := newTable("ID", "OWNER", "KEYHOLDER", "INVITED", "ACCEPTED", "EXPIRES")
	for _, id := range ids {
		k := links[id]
		name, expires := "whoever has the code", minute(k.Expires)
		if k.Keyholder != 0 {
			name = names[k.Keyholder]
		}
		t.row(strconv.FormatInt(id, 10), names[k.Owner], name, minute(k.Invited), notYet(k), expires)
	}
	return t.print(c.Root().Writer)
}

func notYet(k tracker.Keyholder) string {
	if k.Accepted.IsZero() {
		return "not yet"
	}
	return minute(k.Accepted)
}

func removeKeyholder(ctx context.Context, c *cli.Command) error {
	args, err := takes(c, "NAME", "ID")
	if err != nil {
		return err
	}
	id, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil {
		return misused(c, "%q is no id: a number is allowed, as in the list", args[1])
	}
	return withLinks(ctx, c, func(t *tracker.Tracker, s *account.Store) error {
		u, err := s.User(ctx, args[0])
		if err != nil {
			return err
		}
		return t.RemoveKeyholder(ctx, u.ID, id)
	})
}
