package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"stint/internal/tracker/fair"
)

func verify() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Usage:     "check a document of draws",
		ArgsUsage: "FILE",
		Description: `Repeats every draw in a document of GET /api/v2/fair.php, without a server or a
database; a FILE of - is standard input. The exit code is 0 if everything holds,
else 1 with a line that names the first draw that does not. Give --commitment:
without it the check shows that the document agrees with itself, but not that it
is the chain that was promised.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "commitment", Usage: "the commitment `HEX` that was shown before the first draw"},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			args, err := takes(c, "FILE")
			if err != nil {
				return err
			}
			noted := strings.ToLower(strings.TrimSpace(c.String("commitment")))
			if _, err := fair.ParseSeed(noted); err != nil && c.IsSet("commitment") {
				return misused(c, "--commitment: 64 hexadecimal digits are allowed")
			}
			text, err := readDocument(c.Root().Reader, args[0])
			if err != nil {
				return err
			}
			return verifyText(c.Root().Writer, text, noted)
		},
	}
}

// readDocument reads a file, or in if its name is "-". It stops where a document would be too large.
func readDocument(in io.Reader, name string) ([]byte, error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	return io.ReadAll(io.LimitReader(in, fair.MaxDocument+1))
}

// verifyText prints what holds, up to the first draw that does not. noted may be empty.
func verifyText(out io.Writer, text []byte, noted string) error {
	doc, failed := fair.Verify(text)
	if doc == nil {
		return failed
	}
	draws := slices.Clone(doc.Draws)
	slices.SortFunc(draws, func(a, b fair.Draw) int { return cmp.Compare(a.Nonce, b.Nonce) })
	if failed != nil {
		held := 0 // draws below that nonce hold
		if bad, ok := errors.AsType[*fair.DrawError](failed); ok {
			held = bad.Nonce
		}
		draws = slices.DeleteFunc(draws, func(d fair.Draw) bool { return d.Nonce >= held })
	}
	var page bytes.Buffer
	if err := printDraws(&page, draws); err != nil {
		return err
	}
	switch {
	case failed != nil:
	case noted != "" && noted != doc.Commitment:
		failed = fmt.Errorf("the commitment is %s, not the one that was noted", doc.Commitment)
	default:
		summarize(&page, doc, draws, noted != "")
	}
	_, err := page.WriteTo(out)
	return errors.Join(err, failed)
}

func printDraws(out io.Writer, draws []fair.Draw) error {
	if len(draws) == 0 {
		return nil
	}
	t := newTable("NONCE", "GAME", "DRAWN", "SECONDS", "CHECK")
	for _, d := range draws {
		t.row(strconv.Itoa(d.Nonce), d.Game, drawn(&d), seconds(&d), "ok")
	}
	return t.print(out)
}

// drawn is what came out, such as "+3 +6 = 9, x1.88".
func drawn(d *fair.Draw) string {
	multi := fmt.Sprintf("x%d.%02d", d.Multi/100, d.Multi%100)
	switch d.Game {
	case fair.MaxEnd:
		return time.Unix(d.End, 0).UTC().Format("2006-01-02 15:04:05 UTC")
	case fair.Dice:
		values := make([]string, len(d.Values))
		for i, v := range d.Values {
			values[i] = strconv.Itoa(v)
			if i < len(d.Signs) {
				values[i] = d.Signs[i] + values[i]
			}
		}
		return fmt.Sprintf("%s = %d, %s", strings.Join(values, " "), d.Total(), multi)
	case fair.Link:
		return fmt.Sprintf("%s chosen, %s", d.Choice, multi)
	}
	return multi
}

// seconds is what came of it: "ADD 60", "SUB 60"; of a drawn end, its Unix time.
func seconds(d *fair.Draw) string {
	if d.Game == fair.MaxEnd {
		return strconv.FormatInt(d.End, 10)
	}
	return fmt.Sprintf("%s %d", d.Operation, d.Seconds)
}

// summarize says what was checked, and what is left for the reader to compare.
func summarize(out io.Writer, doc *fair.Document, draws []fair.Draw, noted bool) {
	nonces := make([]int, len(draws))
	clients := map[string][]int{}
	var order []string
	for i, d := range draws {
		nonces[i] = d.Nonce
		if clients[d.ClientSeed] == nil {
			order = append(order, d.ClientSeed)
		}
		clients[d.ClientSeed] = append(clients[d.ClientSeed], d.Nonce)
	}
	whose := fmt.Sprintf("session %d", doc.Session)
	if doc.Session == 0 {
		whose = "an account"
	}
	switch len(draws) {
	case 0:
		fmt.Fprintf(out, "Nothing has been drawn for %s yet, from a chain of %d.\n", whose, doc.Length)
	case 1:
		fmt.Fprintf(out, "The one draw of %s holds, of a chain of %d.\n", whose, doc.Length)
	default:
		fmt.Fprintf(out, "All %d draws of %s hold, of a chain of %d.\n", len(draws), whose, doc.Length)
	}
	fmt.Fprintf(out, "commitment   %s\n", doc.Commitment)
	const most = 20
	for _, seed := range order[:min(len(order), most)] {
		fmt.Fprintf(out, "client seed  %q, draws %s\n", seed, ranges(clients[seed]))
	}
	if len(order) > most {
		fmt.Fprintf(out, "             and %d more client seeds\n", len(order)-most)
	}
	if gaps := gaps(nonces); len(gaps) > 0 {
		fmt.Fprintf(out, "not in here  draws %s\n", ranges(gaps))
	}
	if doc.Tip != "" {
		fmt.Fprintln(out, "tip          revealed, and leads to the commitment")
	}
	if !noted {
		fmt.Fprintln(out, "Compare the commitment with the one that was shown before the first draw.")
	}
}

// gaps are the numbers from 1 to the last of sorted that are not there.
func gaps(sorted []int) []int {
	var missing []int
	next := 1
	for _, n := range sorted {
		for ; next < n; next++ {
			missing = append(missing, next)
		}
		next = n + 1
	}
	return missing
}

// ranges writes sorted numbers with neighbours joined, at most ten parts: "1-4, 7".
func ranges(sorted []int) string {
	var parts []string
	for i := 0; i < len(sorted); {
		j := i + 1
		for j < len(sorted) && sorted[j] == sorted[j-1]+1 {
			j++
		}
		if len(parts) == 10 {
			return strings.Join(append(parts, "…"), ", ")
		}
		part := strconv.Itoa(sorted[i])
		if j > i+1 {
			part += "-" + strconv.Itoa(sorted[j-1])
		}
		parts = append(parts, part)
		i = j
	}
	return strings.Join(parts, ", ")
}
