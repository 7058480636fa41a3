package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// table is a list for people, with aligned columns.
type table struct {
	text  bytes.Buffer
	cells *tabwriter.Writer
}

func newTable(heads ...string) *table {
	t := &table{}
	t.cells = tabwriter.NewWriter(&t.text, 0, 0, 2, ' ', 0)
	t.row(heads...)
	return t
}

func (t *table) row(cells ...string) { fmt.Fprintln(t.cells, strings.Join(cells, "\t")) }

func (t *table) print(to io.Writer) error {
	t.cells.Flush()
	_, err := t.text.WriteTo(to)
	return err
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func date(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02")
}
