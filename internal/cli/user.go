package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"stint/internal/account"
	"stint/internal/db"
	"stint/internal/tracker"
)

func user() *cli.Command {
	zone := &cli.StringFlag{Name: "zone", Usage: "IANA name of the time zone, such as Europe/Rome"}
	return &cli.Command{
		Name:  "user",
		Usage: "add, list, change and remove the people of the tracker",
		Commands: []*cli.Command{
			{
				Name:      "add",
				Usage:     "add a person",
				ArgsUsage: "NAME",
				Flags:     append(databaseFlags(), zone),
				Action: func(ctx context.Context, c *cli.Command) error {
					args, err := takes(c, "NAME")
					if err != nil {
						return err
					}
					zone, err := required(c, "zone")
					if err != nil {
						return err
					}
					return withAccounts(ctx, c, true, func(s *account.Store) error {
						_, err := s.AddUser(ctx, args[0], zone)
						return err
					})
				},
			},
			{
				Name:   "list",
				Usage:  "list the people",
				Flags:  databaseFlags(),
				Action: listUsers,
			},
			{
				Name:        "zone",
				Usage:       "change a person's time zone",
				ArgsUsage:   "NAME ZONE",
				Description: "What is stored keeps the offsets it was made with.",
				Flags:       databaseFlags(),
				Action: func(ctx context.Context, c *cli.Command) error {
					args, err := takes(c, "NAME", "ZONE")
					if err != nil {
						return err
					}
					return withAccounts(ctx, c, false, func(s *account.Store) error { return s.SetZone(ctx, args[0], args[1]) })
				},
			},
			{
				Name:        "remove",
				Usage:       "remove a person and everything that is stored about them",
				ArgsUsage:   "NAME",
				Description: "Asks first. Tokens, sessions and their history go too; copies made with stint backup keep them.",
				Flags:       append(databaseFlags(), &cli.BoolFlag{Name: "yes", Usage: "do not ask"}),
				Action:      removeUser,
			},
		},
	}
}

func listUsers(ctx context.Context, c *cli.Command) error {
	if _, err := takes(c); err != nil {
		return err
	}
	return withAccounts(ctx, c, false, func(s *account.Store) error {
		list, err := s.Users(ctx)
		if err != nil {
			return err
		}
		t := newTable("NAME", "ZONE", "CREATED")
		for _, u := range list {
			t.row(u.Name, u.Zone, minute(u.Created))
		}
		return t.print(c.Root().Writer)
	})
}

func removeUser(ctx context.Context, c *cli.Command) error {
	args, err := takes(c, "NAME")
	if err != nil {
		return err
	}
	return withDatabase(ctx, c, false, func(d *db.DB) error {
		s, err := account.Open(ctx, d)
		if err != nil {
			return err
		}
		defer s.Close()
		u, err := s.User(ctx, args[0])
		if err != nil {
			return err
		}
		if !c.Bool("yes") && !confirmed(c, u.Name) {
			return errors.New("nothing was removed")
		}
		if err := tracker.Migrate(ctx, d); err != nil {
			return err
		}
		return s.RemoveUser(ctx, u.Name, tracker.Erase)
	})
}

func confirmed(c *cli.Command, name string) bool {
	fmt.Fprintf(c.Root().ErrWriter, "Remove %s with all tokens, sessions and history? [y/N] ", name)
	line, _ := bufio.NewReader(c.Root().Reader).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}
