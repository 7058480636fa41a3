package cli

import (
	"context"
	"fmt"
	"runtime"

	"github.com/urfave/cli/v3"
)

// version is set when a release is linked.
var version = "devel"

func printVersion() *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "print the version",
		Action: func(_ context.Context, c *cli.Command) error {
			if _, err := takes(c); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.Root().Writer, "stint %s %s/%s %s\n", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
			return err
		},
	}
}
