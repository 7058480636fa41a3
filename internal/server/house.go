package server

import (
	"context"
	"log/slog"
	"net/http"

	"stint/internal/account"
	"stint/internal/apiv0"
	"stint/internal/club"
	"stint/internal/config"
	"stint/internal/db"
	"stint/internal/stream"
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
	versions []int // of the API, ascending
}

func open(ctx context.Context, c *config.Config, d *db.DB, log *slog.Logger) (h *house, err error) {
	h = &house{db: d, log: log, mux: http.NewServeMux()}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.accounts, err = account.Open(ctx, d); err != nil {
		return nil, err
	}
	h.hub = stream.NewHub(stream.Options{MaxStreams: c.Streams.Max, MaxPerAddr: c.Streams.PerAddress})
	if c.Wings.Club {
		if err := h.openClub(ctx, c); err != nil {
			return nil, err
		}
	}
	return h, h.registerPages()
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
	if h.hub != nil {
		h.endStreams(context.Background())
	}
	if h.accounts != nil {
		h.accounts.Close()
	}
}
