package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/urfave/cli/v3"

	"stint/internal/account"
	"stint/internal/config"
	"stint/internal/db"
)

// databaseFlags are the flags of every verb that works on the database, and those of the settings with these names.
func databaseFlags(more ...string) []cli.Flag {
	flags := []cli.Flag{configFlag()}
	for _, s := range config.Settings() {
		if s.Name == "database" || slices.Contains(more, s.Name) {
			flags = append(flags, settingFlag(s))
		}
	}
	return flags
}

// withDatabase opens the database for fn, also beside a running server. Unless
// create is set the database must be there: a verb that only reads or takes
// away would otherwise do so in an empty one that it made itself.
func withDatabase(ctx context.Context, c *cli.Command, create bool, fn func(*db.DB) error) error {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.Database); !cfg.Postgres() && errors.Is(err, fs.ErrNotExist) {
		if !create {
			return fmt.Errorf("there is no database at %s: --database or STINT_DATABASE says where it is", cfg.Database)
		}
		fmt.Fprintf(c.Root().ErrWriter, "stint: made a new database at %s\n", cfg.Database)
	}
	d, err := db.Open(ctx, cfg.Database)
	if err != nil {
		return err
	}
	return errors.Join(fn(d), d.Close())
}

// withAccounts is withDatabase for what is in package account.
func withAccounts(ctx context.Context, c *cli.Command, create bool, fn func(*account.Store) error) error {
	return withDatabase(ctx, c, create, func(d *db.DB) error {
		s, err := account.Open(ctx, d)
		if err != nil {
			return err
		}
		defer s.Close()
		return fn(s)
	})
}
