package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"stint/internal/config"
)

// baseURL is where the server can be reached from this machine, and from
// elsewhere if public_url is set.
func baseURL(c *config.Config, listening net.Addr, certificates *keyPair) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	scheme := "http"
	host, port, _ := net.SplitHostPort(listening.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	if name := certificates.name(); name != "" {
		scheme, host = "https", name
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

const welcome = `Stint runs at %[1]s

This is the first start on this database. It made one club password, with the
label "first", that may do everything. It is shown this once:

    %[2]s

Set the status:

    curl -u :%[2]s -X PUT -d '{"type":"status","user":"first","status":"public","note":"hello"}' %[1]s/api/v0

Watch the stream:

    curl -N -u :%[2]s '%[1]s/api/v0/all/stream?format=SSE'

`

const welcomeTracker = `Add a person to the tracker, with a token for their phone:

    %[1]s user add Ann --zone Europe/Rome%[2]s
    %[1]s token create Ann --scope write --label phone%[2]s

`

// welcome makes the first password and shows it, once for a database. It warns
// of a club that nobody can use.
func (h *house) welcome(ctx context.Context, c *config.Config, base string, out io.Writer) error {
	if h.club == nil {
		return nil
	}
	if c.Club.Open {
		h.log.Warn("the club is open: whoever reaches this server may read and change everything (club.open)")
		return nil
	}
	secret, err := h.accounts.FirstPassword(ctx)
	if err != nil {
		return err
	}
	if secret != "" {
		_, err := fmt.Fprintf(out, welcome, base, secret)
		if err == nil && c.Wings.Tracker {
			program, database := verbs(c)
			_, err = fmt.Fprintf(out, welcomeTracker, program, database)
		}
		return err
	}
	list, err := h.accounts.Passwords(ctx)
	if err == nil && len(list) == 0 {
		h.log.Warn("the club has no password, so nobody can change anything: stint password add LABEL --scope all makes one")
	}
	return err
}

// verbs is how a person beside this server begins a command, and what they add
// to one so that it finds the database. A database URL may hold a password and
// is left to the environment.
func verbs(c *config.Config) (program, database string) {
	program = os.Args[0]
	if strings.HasPrefix(program, os.TempDir()) { // go run
		program = "stint"
	}
	if c.Database != config.DefaultDatabase && !c.Postgres() {
		database = " --database " + quoted(c.Database)
	}
	return quoted(program), database
}

// quoted is a word as a shell reads it.
func quoted(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
