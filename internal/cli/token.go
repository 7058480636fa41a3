package cli

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/urfave/cli/v3"

	"stint/internal/account"
)

func token() *cli.Command {
	return &cli.Command{
		Name:  "token",
		Usage: "make, list, revoke and regenerate people's tokens for the tracker API",
		Commands: []*cli.Command{
			{
				Name:        "create",
				Usage:       "make a token and print it",
				ArgsUsage:   "USER",
				Description: "Prints the new token and nothing else; it can't be shown again.",
				Flags: append(databaseFlags(),
					&cli.StringFlag{Name: "scope", Value: "read", Usage: "read or write"},
					&cli.StringFlag{Name: "label", Usage: "what the token is for, once for each person"},
					&cli.StringFlag{Name: "expires", Usage: "after how long it ends: 90d, 12h or 30m (default: never)"}),
				Action: createToken,
			},
			{
				Name:      "list",
				Usage:     "list everyone's tokens, or one person's",
				ArgsUsage: "[USER]",
				Flags:     databaseFlags(),
				Action:    listTokens,
			},
			{
				Name:      "revoke",
				Usage:     "end a token, also in running servers",
				ArgsUsage: "USER LABEL",
				Flags:     databaseFlags(),
				Action: func(ctx context.Context, c *cli.Command) error {
					args, err := takes(c, "USER", "LABEL")
					if err != nil {
						return err
					}
					return withAccounts(ctx, c, false, func(s *account.Store) error { return s.RevokeToken(ctx, args[0], args[1]) })
				},
			},
			{
				Name:        "regenerate",
				Usage:       "end a token and print one in its place",
				ArgsUsage:   "USER LABEL",
				Description: "Scope and label stay; a token that expires lasts as long again. Prints the new token and nothing else.",
				Flags:       databaseFlags(),
				Action: func(ctx context.Context, c *cli.Command) error {
					args, err := takes(c, "USER", "LABEL")
					if err != nil {
						return err
					}
					return withAccounts(ctx, c, false, func(s *account.Store) error {
						secret, err := s.RegenerateToken(ctx, args[0], args[1])
						if err == nil {
							_, err = fmt.Fprintln(c.Root().Writer, secret)
						}
						return err
					})
				},
			},
		},
	}
}

func createToken(ctx context.Context, c *cli.Command) error {
	args, err := takes(c, "USER")
	if err != nil {
		return err
	}
	scope, err := account.ParseTokenScope(c.String("scope"))
	if err != nil {
		return misused(c, "--scope: %v", err)
	}
	label, err := required(c, "label")
	if err != nil {
		return err
	}
	var expires time.Time
	if text := c.String("expires"); text != "" {
		lasts, ok := lifetime(text)
		if !ok {
			return misused(c, "--expires: %q is not allowed; allowed: 90d, 12h or 30m, at most 36500d", text)
		}
		expires = time.Now().Add(lasts)
	}
	return withAccounts(ctx, c, false, func(s *account.Store) error {
		secret, err := s.CreateToken(ctx, args[0], label, scope, expires)
		if err == nil {
			_, err = fmt.Fprintln(c.Root().Writer, secret)
		}
		return err
	})
}

func listTokens(ctx context.Context, c *cli.Command) error {
	if c.NArg() > 1 {
		_, err := takes(c, "USER")
		return err
	}
	return withAccounts(ctx, c, false, func(s *account.Store) error {
		list, err := s.Tokens(ctx, c.Args().First())
		if err != nil {
			return err
		}
		t := newTable("USER", "LABEL", "SCOPE", "CREATED", "EXPIRES", "LAST USED ABOUT")
		for _, k := range list {
			t.row(k.User, k.Label, string(k.Scope), minute(k.Created), minute(k.Expires), minute(k.Used))
		}
		return t.print(c.Root().Writer)
	})
}

var units = map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute}

// lifetime reads a number of days, hours or minutes, at most 100 years.
func lifetime(text string) (lasts time.Duration, ok bool) {
	const most = 36500 * 24 * time.Hour
	if parts := regexp.MustCompile(`^([0-9]{1,8})([dhm])$`).FindStringSubmatch(text); parts != nil {
		n, err := strconv.Atoi(parts[1])
		unit := units[parts[2]]
		if err == nil && n > 0 && time.Duration(n) <= most/unit {
			return time.Duration(n) * unit, true
		}
	}
	return 0, false
}
