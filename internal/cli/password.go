package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v3"

	"stint/internal/account"
)

func password() *cli.Command {
	return &cli.Command{
		Name:  "password",
		Usage: "make, list and revoke the club's passwords",
		Commands: []*cli.Command{
			{
				Name:      "add",
				Usage:     "make a password and print it",
				ArgsUsage: "LABEL",
				Description: `Prints the new password and nothing else; it can't be shown again. The scope is
read, status, announce, presence or all, or several with commas between them: a
door switch needs no more than status. With --stdin the first line of standard
input becomes the password (8 characters or more) and nothing is printed.`,
				Flags: append(databaseFlags(),
					&cli.StringFlag{Name: "scope", Usage: "what the password allows: read, status, announce, presence, all"},
					&cli.BoolFlag{Name: "stdin", Usage: "read the password instead of making one"}),
				Action: addPassword,
			},
			{
				Name:  "list",
				Usage: "list the passwords' labels, scopes, kinds and dates",
				Flags: databaseFlags(),
				Action: func(ctx context.Context, c *cli.Command) error {
					if _, err := takes(c); err != nil {
						return err
					}
					return withAccounts(ctx, c, false, func(s *account.Store) error { return listPasswords(ctx, c, s) })
				},
			},
			{
				Name:      "revoke",
				Usage:     "end a password, also in running servers",
				ArgsUsage: "LABEL",
				Flags:     databaseFlags(),
				Action: func(ctx context.Context, c *cli.Command) error {
					args, err := takes(c, "LABEL")
					if err != nil {
						return err
					}
					return withAccounts(ctx, c, false, func(s *account.Store) error { return s.RevokePassword(ctx, args[0]) })
				},
			},
		},
	}
}

func addPassword(ctx context.Context, c *cli.Command) error {
	args, err := takes(c, "LABEL")
	if err != nil {
		return err
	}
	text, err := required(c, "scope")
	if err != nil {
		return err
	}
	scope, err := account.ParseScope(text)
	if err != nil {
		return misused(c, "--scope: %v", err)
	}
	chosen := ""
	if c.Bool("stdin") {
		if chosen, err = firstLine(c); err != nil {
			return err
		}
	}
	return withAccounts(ctx, c, true, func(s *account.Store) error {
		secret, err := s.AddPassword(ctx, args[0], scope, chosen)
		if err == nil && chosen == "" {
			_, err = fmt.Fprintln(c.Root().Writer, secret)
		}
		return err
	})
}

// firstLine reads a password from standard input, which must not be empty.
func firstLine(c *cli.Command) (string, error) {
	line, err := bufio.NewReader(c.Root().Reader).ReadString('\n')
	line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
	switch {
	case line == "" && err != nil:
		return "", fmt.Errorf("no password on standard input: %w", err)
	case line == "":
		return "", errors.New("standard input begins with an empty line; its first line is the password")
	}
	return line, nil
}

func listPasswords(ctx context.Context, c *cli.Command, s *account.Store) error {
	list, err := s.Passwords(ctx)
	if err != nil {
		return err
	}
	t := newTable("LABEL", "SCOPE", "KIND", "CREATED", "LAST USED")
	for _, p := range list {
		kind := "generated"
		if p.Chosen {
			kind = "chosen"
		}
		t.row(p.Label, p.Scope.String(), kind, minute(p.Created), date(p.Used))
	}
	return t.print(c.Root().Writer)
}
