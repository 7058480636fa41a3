package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"

	"stint/internal/account"
	"stint/internal/apiv0"
	"stint/internal/apiv2"
	"stint/internal/club"
	"stint/internal/config"
	"stint/internal/db"
	"stint/internal/seal"
	"stint/internal/stream"
	"stint/internal/tracker"
	"stint/internal/votepage"
	"stint/internal/web"
)

// house is the rooms of one process. A wing that is switched off is nil.
type house struct {
	db       *db.DB
	log      *slog.Logger
	mux      *http.ServeMux
	accounts *account.Store
	hub      *stream.Hub
	club     *apiv0.API
	tracker  *apiv2.API
	versions []int // of the API, ascending

	leave func()         // tells what runs in the background to end
	runs  sync.WaitGroup // what runs there
}

func open(ctx context.Context, c *config.Config, d *db.DB, log *slog.Logger) (*house, error) {
	h := &house{db: d, log: log, mux: http.NewServeMux(), leave: func() {}}
	if err := h.furnish(ctx, c); err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func (h *house) furnish(ctx context.Context, c *config.Config) (err error) {
	if h.accounts, err = account.Open(ctx, h.db); err != nil {
		return err
	}
	h.hub = stream.NewHub(stream.Options{MaxStreams: c.Streams.Max, MaxPerAddr: c.Streams.PerAddress})
	if c.Wings.Club {
		if err := h.openClub(ctx, c); err != nil {
			return err
		}
	}
	if c.Wings.Tracker {
		if err := h.openTracker(ctx, c); err != nil {
			return err
		}
	}
	return h.registerPages()
}

func (h *house) openClub(ctx context.Context, c *config.Config) error {
	rules, err := club.Open(ctx, h.db, club.Options{PresenceTimeout: c.Club.PresenceTimeout, PresenceInterval: c.Club.PresenceInterval})
	if err != nil {
		return err
	}
	h.club, err = apiv0.New(ctx, apiv0.Options{
		Club:      rules,
		Accounts:  h.accounts,
		Hub:       h.hub,
		Log:       h.log,
		Proxies:   web.Proxies(c.TrustedProxies),
		Failures:  &web.FailureLimit{},
		Challenge: c.Club.Anonymous == config.Challenge,
		Open:      c.Club.Open,
	})
	if err != nil {
		return err
	}
	h.club.Register(h.mux)
	h.versions = append(h.versions, 0)
	return nil
}

func (h *house) openTracker(ctx context.Context, c *config.Config) error {
	keys, err := Keys(ctx, h.db, c.Tracker.KeyFile)
	if err != nil {
		return err
	}
	rules, err := tracker.Open(ctx, h.db, keys, tracker.Options{
		PastYears: c.Tracker.MaxPastYears,
		Zone:      account.Zone,
		Report:    func(err error) { h.log.Error("the tracker's clock", "error", err) },
	})
	if err != nil {
		return err
	}
	h.tracker = apiv2.New(apiv2.Options{
		Tracker:      rules,
		Accounts:     h.accounts,
		Log:          h.log,
		Proxies:      web.Proxies(c.TrustedProxies),
		Failures:     &web.FailureLimit{},
		Hub:          h.hub,
		PublicURL:    c.PublicURL,
		RequireHTTPS: c.Tracker.RequireHTTPS,
	})
	h.tracker.Register(h.mux)
	votepage.Register(h.mux, votepage.Options{
		Tracker:   rules,
		Log:       h.log,
		Proxies:   web.Proxies(c.TrustedProxies),
		PublicURL: c.PublicURL,
	})
	h.versions = append(h.versions, 2)
	ctx, h.leave = context.WithCancel(context.WithoutCancel(ctx))
	h.runs.Go(func() {
		if err := rules.Run(ctx); ctx.Err() == nil {
			h.log.Error("the tracker's clock has stopped", "error", err)
		}
	})
	return nil
}

// Keys reads the keys that seal private texts of a database. The file is made
// only for a database that has not used one yet: what another key sealed would
// be lost.
func Keys(ctx context.Context, d *db.DB, file string) (*seal.Ring, error) {
	needed, err := tracker.Keys(ctx, d)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && len(needed) > 0 {
		return nil, fmt.Errorf("tracker.key_file: there is no file %s; private texts of this database are sealed with the key %s", file, strings.Join(needed, " and the key "))
	}
	keys, err := seal.File(file)
	if err != nil {
		return nil, fmt.Errorf("tracker.key_file: %w", err)
	}
	if err := tracker.UseKeys(ctx, d, keys); err != nil {
		return nil, fmt.Errorf("tracker.key_file %s: %w", file, err)
	}
	return keys, nil
}

// endStreams ends every stream at the end of an event.
func (h *house) endStreams(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, streamsEnd)
	defer cancel()
	if err := h.hub.Close(ctx); err != nil {
		h.log.Warn("some streams were cut short", "error", err)
	}
}

// close closes the rooms, from the top floor down. The database stays open.
func (h *house) close() {
	if h.club != nil {
		h.club.Close()
	}
	if h.tracker != nil {
		h.tracker.Close()
	}
	if h.hub != nil {
		h.endStreams(context.Background())
	}
	h.leave()
	h.runs.Wait()
	if h.accounts != nil {
		h.accounts.Close()
	}
}
