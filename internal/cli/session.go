package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"stint/client"
)

const (
	sessionsPath = "/api/v2/sessions.php"
	patience     = 30 * time.Second // for one answer
)

func session() *cli.Command {
	return &cli.Command{
		Name:  "session",
		Usage: "start, stop, list, show, edit, add and delete your sessions on a running server",
		Description: `STINT_URL or --url says where the server is, STINT_TOKEN or --token-file who you
are; stint token create makes a token. Times are written "2026-02-10 09:00" and
are your own time zone's.`,
		Commands: []*cli.Command{
			startSession(), stopSession(), listSessions(), showSession(), editSession(), addSession(), deleteSession(),
		},
	}
}

// talk is a verb that speaks to a server.
type talk struct {
	*cli.Command
	*client.Tracker
}

// talking makes a verb of fn; its flags are the verb's own and those of every
// such verb.
func talking(name, usage, args, description string, flags []cli.Flag, fn func(context.Context, *talk) error) *cli.Command {
	flags = append(flags,
		&cli.StringFlag{Name: "url", Value: "http://127.0.0.1:8000", Sources: cli.EnvVars("STINT_URL"), Usage: "where the server is"},
		&cli.StringFlag{Name: "token-file", Usage: "a `FILE` with the token, in place of STINT_TOKEN"},
		&cli.BoolFlag{Name: "json", Usage: "print the data of the server's answer as it is"})
	return &cli.Command{
		Name: name, Usage: usage, ArgsUsage: args, Description: description, Flags: flags,
		Action: func(ctx context.Context, c *cli.Command) error {
			token, err := ownToken(c)
			if err != nil {
				return err
			}
			where, err := url.Parse(c.String("url"))
			if err != nil || where.Host == "" || where.Scheme != "http" && where.Scheme != "https" {
				return misused(c, "--url: %q is not allowed; allowed: http:// or https:// and a host", c.String("url"))
			}
			t := &talk{c, &client.Tracker{BaseURL: c.String("url"), Token: token, HTTP: &http.Client{Timeout: patience}}}
			return t.explain(fn(ctx, t))
		},
	}
}

func ownToken(c *cli.Command) (string, error) {
	token := os.Getenv("STINT_TOKEN")
	if file := c.String("token-file"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("--token-file: %w", err)
		}
		token, _, _ = strings.Cut(strings.TrimSpace(string(text)), "\n")
	}
	if token = strings.TrimSpace(token); token == "" {
		return "", misused(c, "a token is missing; set STINT_TOKEN, or name a file with --token-file")
	}
	return token, nil
}

// flagsOf are the flags behind the members that a server can find wrong.
var flagsOf = map[string]string{
	"startdate": "--start", "starttime": "--start", "enddate": "--end", "endtime": "--end",
	"scheduledend": "--scheduled-end", "scheduledendtime": "--scheduled-end", "maxend": "--max-end",
	"limitend": "--limit-end", "limitendtime": "--limit-end", "lockedby": "--locked-by", "notes": "--notes",
	"from": "--from", "to": "--to", "limit": "--limit", "offset": "--offset", "id": "ID",
	"dicenumber": "--dice", "diceunit": "--dice-unit", "dicetimewait": "--dice-wait", "diceminmulti": "--dice-multi", "dicemaxmulti": "--dice-multi",
	"linkadd": "--link-add", "linksub": "--link-sub", "linkminmulti": "--link-multi", "linkmaxmulti": "--link-multi",
	"randadd": "--luck-add", "randsub": "--luck-sub", "randtimewait": "--luck-wait", "randminmulti": "--luck-multi", "randmaxmulti": "--luck-multi",
}

// explain says what a refusal, or a server that is not there, means for whoever
// typed the verb.
func (t *talk) explain(err error) error {
	var refused *client.Error
	var op *net.OpError
	switch {
	case errors.As(err, &refused) && refused.Code == "":
		return fmt.Errorf("%s answers %w", t.BaseURL, err)
	case errors.As(err, &refused):
		text := strings.TrimSuffix(refused.Detail, ".")
		if flag := flagsOf[refused.Member]; flag != "" {
			text = flag + strings.TrimPrefix(text, refused.Member)
		}
		text = strings.TrimPrefix(text, "endNow: ")
		if refused.Code != "validation" {
			text = refused.Code + ": " + text
		}
		if !refused.RetryAt.IsZero() {
			text += "; possible from " + refused.RetryAt.Local().Format("2006-01-02 15:04 -07:00")
		}
		if refused.Session != 0 {
			text += fmt.Sprintf(" (session %d)", refused.Session)
		}
		return errors.New(text)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("no server answers at %s (%w): --url or STINT_URL says where it is", t.BaseURL, op.Err)
	}
	return err
}

// ask sends a request. With --json it prints the data of the answer and says so;
// else it decodes them into result.
func (t *talk) ask(ctx context.Context, method string, query url.Values, body map[string]any, result any) (printed bool, err error) {
	var content any
	if body != nil {
		content = body
	}
	answer, err := t.Call(ctx, method, sessionsPath, query, content, "")
	if err != nil {
		return false, err
	}
	for _, w := range answer.Warnings {
		fmt.Fprintln(t.Root().ErrWriter, "stint: the server says: "+w)
	}
	if t.Bool("json") {
		_, err := fmt.Fprintf(t.Root().Writer, "%s\n", answer.Data)
		return true, err
	}
	return false, json.Unmarshal(answer.Data, result)
}

// id reads the verb's argument; without one the active session is meant.
func (t *talk) id(ctx context.Context) (int64, error) {
	if t.Args().Present() {
		return t.givenID()
	}
	p, err := t.List(ctx, client.Filter{Active: new(true)})
	if err != nil {
		return 0, err
	}
	if len(p.Items) == 0 {
		return 0, errors.New("no session is active; stint session list shows the others")
	}
	return p.Items[0].ID, nil
}

func (t *talk) givenID() (int64, error) {
	args, err := takes(t.Command, "ID")
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || id < 1 {
		return 0, misused(t.Command, "%q is not the number of a session", args[0])
	}
	return id, nil
}

func withID(id int64) url.Values { return url.Values{"id": {strconv.FormatInt(id, 10)}} }

// notes is the flag of that name; "-" reads standard input.
func (t *talk) notes() (string, error) {
	text := t.String("notes")
	if text != "-" {
		return text, nil
	}
	all, err := io.ReadAll(io.LimitReader(t.Root().Reader, 64<<10))
	return strings.TrimRight(string(all), "\r\n"), err
}

func listSessions() *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "from", Usage: "that began on this day or later: 2026-02-01"},
		&cli.StringFlag{Name: "to", Usage: "that began on this day or before"},
		&cli.BoolFlag{Name: "active", Usage: "only the active one"},
		&cli.BoolFlag{Name: "ended", Usage: "only those that have ended"},
		&cli.BoolFlag{Name: "public", Usage: "only public ones"},
		&cli.BoolFlag{Name: "private", Usage: "only those that are not public"},
		&cli.IntFlag{Name: "limit", Value: 50, Usage: "at most so many, up to 200"},
		&cli.IntFlag{Name: "offset", Usage: "leave so many out first"},
	}
	return talking("list", "list sessions, the newest start first", "", "", flags, func(ctx context.Context, t *talk) error {
		if _, err := takes(t.Command); err != nil {
			return err
		}
		query := client.Filter{From: t.String("from"), To: t.String("to"), Active: t.either("active", "ended"), Public: t.either("public", "private")}.Values()
		for _, name := range []string{"limit", "offset"} {
			query.Set(name, strconv.Itoa(t.Int(name)))
		}
		var p client.Page
		if printed, err := t.ask(ctx, http.MethodGet, query, nil, &p); printed || err != nil {
			return err
		}
		return printList(t.Root().Writer, p, time.Now())
	})
}

// either is true, false, or neither where none of the two flags is given.
func (t *talk) either(yes, no string) *bool {
	if t.Bool(yes) == t.Bool(no) {
		return nil
	}
	return new(t.Bool(yes))
}

func showSession() *cli.Command {
	return talking("show", "show a session, or the active one", "[ID]", "", nil, func(ctx context.Context, t *talk) error {
		id, err := t.id(ctx)
		if err != nil {
			return err
		}
		return t.show(ctx, id)
	})
}

func (t *talk) show(ctx context.Context, id int64) error {
	var s client.Session
	if printed, err := t.ask(ctx, http.MethodGet, withID(id), nil, &s); printed || err != nil {
		return err
	}
	return printSession(t.Root().Writer, s, time.Now())
}

// sure asks before something is lost, unless --yes was given.
func (t *talk) sure(question string) bool {
	if t.Bool("yes") {
		return true
	}
	fmt.Fprintf(t.Root().ErrWriter, "%s [y/N] ", question)
	line, _ := bufio.NewReader(t.Root().Reader).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}
