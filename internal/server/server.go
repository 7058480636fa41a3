// Package server builds the rooms of the house over one database, puts them
// behind one mux and serves it until it is told to stop.
package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path"
	"strings"
	"time"

	"stint/internal/config"
	"stint/internal/db"
	"stint/internal/web"
)

// Limits of every connection. How long a body may take is set where it is read,
// how long an answer may take where it is long.
const (
	headerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	bodyTimeout   = 30 * time.Second // for a body that no handler reads
	answerTimeout = time.Minute      // for an answer, unless its handler grants more
	maxHeader     = 12 << 10         // bytes; net/http takes 4 KiB more

	streamsEnd = 5 * time.Second // for readers to take what was begun, once the server stops
	answersEnd = 8 * time.Second // for everything that is being written then
)

// Run serves until ctx ends, and then stops: it accepts nothing more, ends the
// streams at the end of an event and finishes what is being written, within ten
// seconds. The first start on a database writes the first password to out; the
// log goes to logTo.
func Run(ctx context.Context, c *config.Config, out, logTo io.Writer) error {
	lines := web.NewBufferedWriter(logTo)
	defer lines.Flush()
	log := logger(c, lines)
	certificates, err := certificates(c, log)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()
	d, err := db.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer d.Close()
	h, err := open(ctx, c, d, log)
	if err != nil {
		return err
	}
	defer h.close()
	base := baseURL(c, listener.Addr(), certificates)
	if err := h.welcome(ctx, c, base, out); err != nil {
		return err
	}
	log.Info("listening", "address", listener.Addr().String(), "url", base, "postgres", c.Postgres())
	err = h.serve(ctx, listener, certificates.config())
	log.Info("stopped")
	return err
}

func logger(c *config.Config, to io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.Log.Level}
	if c.Log.Format == config.JSON {
		return slog.New(slog.NewJSONHandler(to, o))
	}
	return slog.New(slog.NewTextHandler(to, o))
}

// serve answers requests from listener, over TLS unless secure is nil.
func (h *house) serve(ctx context.Context, listener net.Listener, secure *tls.Config) error {
	srv := &http.Server{
		Handler:           web.Log(h.log, limitBody(straight(h.mux))),
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      answerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         secure,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() {
		if secure != nil {
			failed <- srv.ServeTLS(listener, "", "")
		} else {
			failed <- srv.Serve(listener)
		}
	}()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	h.log.Info("stopping")
	h.stop(srv)
	return nil
}

func (h *house) stop(srv *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), answersEnd)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Shutdown(ctx) }()
	h.endStreams(ctx)
	if err := <-stopped; err != nil {
		h.log.Warn("some answers were cut short", "error", err)
		srv.Close()
	}
}

// straight has paths with empty segments, "." or ".." answered as unknown ones of
// their API, where http.ServeMux would redirect with a page of its own.
func straight(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p := r.URL.Path; unclean(p) {
			r.URL.Path, r.URL.RawPath = "/-", ""
			for _, api := range []string{"/api/v0/", "/api/v2/"} {
				if strings.HasPrefix(p, api) {
					r.URL.Path = api + "-"
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// unclean says whether http.ServeMux would redirect a path.
func unclean(p string) bool {
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return false
	}
	clean := path.Clean(p)
	if strings.HasSuffix(p, "/") && clean != "/" {
		clean += "/"
	}
	return p != clean
}

// limitBody gives up on a body that no handler reads and that does not end:
// net/http would wait for it for ever before it takes the next request.
func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		next.ServeHTTP(w, r)
	})
}
