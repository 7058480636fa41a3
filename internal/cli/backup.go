package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/urfave/cli/v3"

	"stint/internal/db"
	"stint/internal/seal"
	"stint/internal/tracker"
)

func backup() *cli.Command {
	return &cli.Command{
		Name:      "backup",
		Usage:     "copy the SQLite database into a new file",
		ArgsUsage: "FILE",
		Description: `The copy is consistent, also while servers write. FILE must not exist yet.
Starting on the copy restores it: stint serve --database FILE. The key of the
tracker's private texts is not in the copy; which one it needs is said on
standard error. PostgreSQL has pg_dump for this.`,
		Flags: databaseFlags("tracker.key_file"),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := takes(c, "FILE")
			if err != nil {
				return err
			}
			return withDatabase(ctx, c, false, func(d *db.DB) error {
				if err := d.Backup(ctx, args[0]); err != nil {
					return err
				}
				return sayKeys(ctx, c, d)
			})
		},
	}
}

// sayKeys says which keys a copy of the database needs, and where they are.
func sayKeys(ctx context.Context, c *cli.Command, d *db.DB) error {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	needed, err := tracker.Keys(ctx, d)
	if err != nil || len(needed) == 0 {
		return err
	}
	file := cfg.Tracker.KeyFile
	text, err := os.ReadFile(file)
	var ring *seal.Ring
	if err == nil {
		ring, err = seal.Parse(string(text))
	}
	for _, id := range needed {
		switch {
		case err != nil:
			fmt.Fprintf(c.Root().ErrWriter, "stint: the copy needs the key %s; %s can't be read: %v\n", id, file, err)
		case ring.Has(id):
			fmt.Fprintf(c.Root().ErrWriter, "stint: the copy needs the key %s, which is in %s\n", id, file)
		default:
			fmt.Fprintf(c.Root().ErrWriter, "stint: the copy needs the key %s, which is not in %s\n", id, file)
		}
	}
	return nil
}
