package cli

import (
	"context"

	"github.com/urfave/cli/v3"

	"stint/internal/db"
)

func backup() *cli.Command {
	return &cli.Command{
		Name:      "backup",
		Usage:     "copy the SQLite database into a new file",
		ArgsUsage: "FILE",
		Description: `The copy is consistent, also while servers write. FILE must not exist yet.
Starting on the copy restores it: stint serve --database FILE. PostgreSQL has
pg_dump for this.`,
		Flags: databaseFlags(),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := takes(c, "FILE")
			if err != nil {
				return err
			}
			return withDatabase(ctx, c, false, func(d *db.DB) error { return d.Backup(ctx, args[0]) })
		},
	}
}
