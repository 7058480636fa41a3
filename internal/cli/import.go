package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/urfave/cli/v3"

	"stint/internal/account"
	"stint/internal/db"
	"stint/internal/server"
	"stint/internal/tracker"
)

func importFile() *cli.Command {
	return &cli.Command{
		Name:      "import",
		Usage:     "take back an export of the tracker",
		ArgsUsage: "FILE",
		Description: `Reads a document of GET /api/v2/export.php into the account of a person who has no
sessions; a FILE of - is standard input. All of it is taken, or nothing. Tokens and
keyholders in the document are not made again. An active session with games needs
the key file of the server that it was exported from.`,
		Flags: append(databaseFlags("tracker.key_file"), &cli.StringFlag{Name: "user", Usage: "the `NAME` of the person"}),
		Action: func(ctx context.Context, c *cli.Command) error {
			args, err := takes(c, "FILE")
			if err != nil {
				return err
			}
			name, err := required(c, "user")
			if err != nil {
				return err
			}
			e, err := readExport(c.Root().Reader, args[0])
			if err != nil {
				return err
			}
			return importExport(ctx, c, name, e)
		},
	}
}

// exportFile is the document, of which an import takes what is the tracker's.
type exportFile struct {
	Format     string          `json:"format"`
	User       json.RawMessage `json:"user"`
	Tokens     json.RawMessage `json:"tokens"`
	Keyholders json.RawMessage `json:"keyholders"`
	tracker.Export
}

func readExport(in io.Reader, file string) (*tracker.Export, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var doc exportFile
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("%s is no export: %w", file, err)
	}
	if doc.Format != "stint-export-1" {
		return nil, fmt.Errorf("%s is no export: its format is %q; allowed: stint-export-1", file, doc.Format)
	}
	return &doc.Export, nil
}

func importExport(ctx context.Context, c *cli.Command, name string, e *tracker.Export) error {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	return withDatabase(ctx, c, false, func(d *db.DB) error {
		s, err := account.Open(ctx, d)
		if err != nil {
			return err
		}
		defer s.Close()
		u, err := s.User(ctx, name)
		if err != nil {
			return err
		}
		zone, err := time.LoadLocation(u.Zone)
		if err != nil {
			return err
		}
		keys, err := server.Keys(ctx, d, cfg.Tracker.KeyFile)
		if err != nil {
			return err
		}
		t, err := tracker.Open(ctx, d, keys, tracker.Options{Zone: account.Zone, PastYears: cfg.Tracker.MaxPastYears})
		if err != nil {
			return err
		}
		if err := t.Import(ctx, tracker.Owner{User: u.ID, Zone: zone}, e); err != nil {
			return err
		}
		taken := "sessions were"
		if len(e.Sessions) == 1 {
			taken = "session was"
		}
		_, err = fmt.Fprintf(c.Root().Writer, "%d %s taken\n", len(e.Sessions), taken)
		return err
	})
}
