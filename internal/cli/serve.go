package cli

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/urfave/cli/v3"

	"stint/internal/config"
	"stint/internal/server"
)

// gcPercent lets the heap, which is a few MiB, grow further between collections
// than Go's default, unless GOGC says otherwise.
const gcPercent = 300

func serve() *cli.Command {
	flags := []cli.Flag{configFlag()}
	for _, s := range config.Settings() {
		flags = append(flags, settingFlag(s))
	}
	return &cli.Command{
		Name:  "serve",
		Usage: "run the server",
		Description: `A setting is taken from its flag, else from its environment variable (such as
STINT_CLUB_ANONYMOUS for --club-anonymous), else from the file that --config or
STINT_CONFIG names, else it has its default. The first start on a database makes
a password and prints it. SIGTERM and SIGINT end the server in good order, a
second signal ends it at once.`,
		Flags: flags,
		Action: func(ctx context.Context, c *cli.Command) error {
			if _, err := takes(c); err != nil {
				return err
			}
			cfg, err := settings(c)
			if err != nil {
				return err
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(gcPercent)
			}
			return server.Run(ctx, cfg, c.Root().Writer, c.Root().ErrWriter)
		},
	}
}
