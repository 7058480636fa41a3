// Package config reads the operator's settings: defaults, under a TOML file,
// under the environment, under the command line.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Config is every setting of a server, checked.
type Config struct {
	Listen         string // host:port
	Database       string // path of an SQLite file, or postgres:// URL
	PublicURL      string // "" or scheme and host under which people reach the server, without a slash at the end
	TrustedProxies []netip.Prefix

	TLS struct {
		Certificate, Key string // PEM files; both or none
	}
	Wings struct {
		Club, Tracker bool
	}
	Club struct {
		Anonymous        string // Public or Challenge
		Open             bool   // whoever comes may do everything
		PresenceTimeout  time.Duration
		PresenceInterval time.Duration
	}
	Streams struct {
		Max        int // in total
		PerAddress int // for one IPv4 address or IPv6 /64
	}
	Log struct {
		Level  slog.Level
		Format string // Text or JSON
	}
	Tracker struct {
		RequireHTTPS bool
		MaxPastYears int
		KeyFile      string
	}
}

// Words that some settings take.
const (
	Public    = "public"
	Challenge = "challenge"
	Text      = "text"
	JSON      = "json"
)

// Sources are where settings come from beside their defaults.
type Sources struct {
	Env   func(name string) string // as os.Getenv; empty is unset
	Flags map[string]string        // given on the command line, by Setting.Flag
	File  string                   // the --config flag; empty means STINT_CONFIG, or no file
}

// Load reads all sources and checks the whole. An error is one line that names
// the file, variable or flag, the setting, and what is allowed.
func Load(from Sources) (*Config, error) {
	c := &Config{}
	for _, s := range settings {
		if s.Default != "" && !s.set(c, s.Default) {
			return nil, fmt.Errorf("the default of %s is not allowed", s.Name)
		}
	}
	file := from.File
	if file == "" {
		file = from.Env("STINT_CONFIG")
	}
	if file != "" {
		if err := c.readFile(file); err != nil {
			return nil, err
		}
	}
	for _, s := range settings {
		if v := from.Env(s.Env()); v != "" {
			if err := c.apply(s, s.Env(), v); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range settings {
		if v, ok := from.Flags[s.Flag()]; ok {
			if err := c.apply(s, "--"+s.Flag(), v); err != nil {
				return nil, err
			}
		}
	}
	return c, c.check()
}

func (c *Config) apply(s Setting, source, value string) error {
	if !s.set(c, value) {
		shown := strconv.Quote(value)
		if strings.Contains(value, "@") {
			shown = "the value" // a URL may hold a password
		}
		return fmt.Errorf("%s: %s is not allowed; allowed: %s", source, shown, s.Allowed)
	}
	return nil
}

// check holds the settings against each other.
func (c *Config) check() error {
	switch {
	case (c.TLS.Certificate == "") != (c.TLS.Key == ""):
		return errors.New("tls.certificate and tls.key: allowed: both or none")
	case !c.Wings.Club && !c.Wings.Tracker:
		return errors.New("wings.club and wings.tracker: allowed: one of them on, or both")
	}
	if c.Tracker.KeyFile == "" {
		c.Tracker.KeyFile = c.keyFile()
	}
	return cmp.Or(readable("tls.certificate", c.TLS.Certificate), readable("tls.key", c.TLS.Key))
}

// keyFile is where the key lies unless the operator says otherwise: beside the
// database, or where the database would be if it were a file.
func (c *Config) keyFile() string {
	folder := "./data"
	if !c.Postgres() {
		folder = filepath.Dir(c.Database)
	}
	return filepath.Join(folder, "stint.key")
}

func readable(name, file string) error {
	if file == "" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("%s: %w; allowed: a file that can be read", name, err)
	}
	return f.Close()
}

// Postgres says whether the database is PostgreSQL.
func (c *Config) Postgres() bool {
	return strings.HasPrefix(c.Database, "postgres://") || strings.HasPrefix(c.Database, "postgresql://")
}
