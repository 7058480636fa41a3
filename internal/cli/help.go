package cli

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"
)

func help() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "say more about a verb",
		ArgsUsage: "[VERB…]",
		Action: func(_ context.Context, c *cli.Command) error {
			about := c.Root()
			for _, name := range c.Args().Slice() {
				sub := about.Command(name)
				if sub == nil {
					return misused(about, "there is no verb %q", name)
				}
				about = sub
			}
			fresh := root(c.Root().Reader, c.Root().Writer, c.Root().ErrWriter)
			return fresh.Run(context.Background(), slices.Concat([]string{"stint"}, c.Args().Slice(), []string{"--help"}))
		},
	}
}
