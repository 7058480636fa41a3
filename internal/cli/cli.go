// Package cli is the operator's words: one file for each verb.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v3"

	"stint/internal/config"
)

// Exit codes beside 0.
const (
	exitFailed  = 1
	exitMisused = 2
)

// Main runs the verb in the process's arguments and returns its exit code. What
// went wrong is one line on standard error.
func Main() int {
	return run(os.Args, os.Stdin, os.Stdout, os.Stderr)
}

func run(args []string, in io.Reader, out, errs io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first signal the default takes over: a second one ends the
	// process at once.
	context.AfterFunc(ctx, stop)
	err := root(in, out, errs).Run(ctx, args)
	if err == nil {
		return 0
	}
	fmt.Fprintln(errs, "stint: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	if errors.As(err, new(misuse)) {
		return exitMisused
	}
	return exitFailed
}

func root(in io.Reader, out, errs io.Writer) *cli.Command {
	r := &cli.Command{
		Name:                  "stint",
		Usage:                 "keeps track of who is in, since when, until when",
		Description:           "stint help VERB says more about a verb.",
		Reader:                in,
		Writer:                out,
		ErrWriter:             errs,
		HideVersion:           true,
		HideHelpCommand:       true,
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden = false
			c.Usage = "print a completion script for bash, zsh, fish or pwsh"
			prepare(c)
		},
		Commands: []*cli.Command{
			serve(), password(), user(), token(), keyholder(), importFile(), backup(), session(), verify(), printVersion(), help(),
		},
	}
	prepare(r)
	return r
}

// prepare makes every misuse in a tree of commands an error that run prints,
// and has a group of verbs show them when none is named.
func prepare(c *cli.Command) {
	c.ExitErrHandler = func(context.Context, *cli.Command, error) {}
	c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
		text := err.Error()
		if flag, ok := strings.CutPrefix(text, "flag provided but not defined: "); ok {
			text = "there is no flag --" + strings.TrimLeft(flag, "-")
		}
		return misused(c, "%s", text)
	}
	if len(c.Commands) > 0 {
		c.Action = func(_ context.Context, c *cli.Command) error {
			if c.Args().Present() {
				return misused(c, "there is no verb %q", c.Args().First())
			}
			return cli.ShowSubcommandHelp(c)
		}
	}
	for _, sub := range c.Commands {
		prepare(sub)
	}
}

// misuse is a command line that can't be understood.
type misuse string

func (m misuse) Error() string { return string(m) }

// misused says what is wrong about the use of c.
func misused(c *cli.Command, format string, args ...any) error {
	verb := strings.TrimPrefix(c.FullName(), "stint")
	if verb != "" {
		verb = strings.TrimSpace(verb) + ": "
	}
	return misuse(verb + fmt.Sprintf(format, args...) + "; stint help says more")
}

// takes checks that a verb was given exactly the arguments with these names.
func takes(c *cli.Command, names ...string) ([]string, error) {
	args := c.Args().Slice()
	if len(args) == len(names) {
		return args, nil
	}
	if len(args) > len(names) {
		return nil, misused(c, "there is one argument too many: %q", args[len(names)])
	}
	return nil, misused(c, "%s is missing", names[len(args)])
}

// required returns the value of a flag that must be given.
func required(c *cli.Command, flag string) (string, error) {
	if v := c.String(flag); v != "" {
		return v, nil
	}
	return "", misused(c, "--%s is missing", flag)
}

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Usage: "a `FILE` of settings in TOML"}
}

// settingFlag is the flag of a setting; its help is the first sentence of the
// setting's own.
func settingFlag(s config.Setting) cli.Flag {
	usage, _, _ := strings.Cut(s.Doc, ". ")
	return &cli.StringFlag{Name: s.Flag(), Usage: strings.TrimSuffix(usage, "."), DefaultText: s.Default, HideDefault: s.Default == ""}
}

// settings reads the configuration under the flags that were given.
func settings(c *cli.Command) (*config.Config, error) {
	flags := map[string]string{}
	for _, s := range config.Settings() {
		if c.IsSet(s.Flag()) {
			flags[s.Flag()] = c.String(s.Flag())
		}
	}
	return config.Load(config.Sources{Env: os.Getenv, Flags: flags, File: c.String("config")})
}
