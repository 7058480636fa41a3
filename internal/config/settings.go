package config

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Setting is one row of the table of settings.
type Setting struct {
	Name    string // in the TOML file, the table before the dot
	Default string
	Allowed string // the values it takes
	Doc     string // one sentence
	set     func(c *Config, value string) (ok bool)
}

// Env is the setting's environment variable, such as STINT_CLUB_ANONYMOUS.
func (s Setting) Env() string {
	return "STINT_" + strings.ToUpper(strings.ReplaceAll(s.Name, ".", "_"))
}

// Flag is the setting's flag without its dashes, such as club-anonymous.
func (s Setting) Flag() string { return strings.NewReplacer(".", "-", "_", "-").Replace(s.Name) }

// Settings lists every setting. The caller must not change the list.
func Settings() []Setting { return settings }

// DefaultDatabase is where the database lies unless something else is set.
const DefaultDatabase = "./data/stint.db"

var settings = []Setting{
	{"listen", "127.0.0.1:8000", "host:port, or :port for every address of the machine",
		"The address to listen on.",
		func(c *Config, v string) bool { return address(&c.Listen, v) }},
	{"database", DefaultDatabase, "the path of an SQLite file, or a postgres:// URL",
		"The database. An SQLite file is made if it is not there.",
		func(c *Config, v string) bool { return database(c, v) }},
	{"public_url", "", "http:// or https:// and a host, without a path",
		"Where people reach the server, if it stands behind a proxy. It is shown to them.",
		func(c *Config, v string) bool { return origin(&c.PublicURL, v) }},
	{"trusted_proxies", "", "addresses and networks such as 10.0.0.0/8, separated by commas",
		"Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.",
		func(c *Config, v string) bool { return prefixes(&c.TrustedProxies, v) }},
	{"tls.certificate", "", "a PEM file, together with tls.key",
		"The certificate chain, if the server ends TLS itself. A renewed file is noticed within a minute.",
		func(c *Config, v string) bool { c.TLS.Certificate = v; return true }},
	{"tls.key", "", "a PEM file, together with tls.certificate",
		"The certificate's private key.",
		func(c *Config, v string) bool { c.TLS.Key = v; return true }},
	{"wings.club", "on", "on or off",
		"The club-status API, /api/v0.",
		func(c *Config, v string) bool { return onOff(&c.Wings.Club, v) }},
	{"wings.tracker", "on", "on or off",
		"The tracker API, /api/v2.",
		func(c *Config, v string) bool { return onOff(&c.Wings.Tracker, v) }},
	{"club.anonymous", Public, "public or challenge",
		"What a request without credentials and without ?public gets: the public view, or a 401 that makes a browser ask.",
		func(c *Config, v string) bool { return word(&c.Club.Anonymous, v, Public, Challenge) }},
	{"club.open", "off", "on or off",
		"Runs the club without passwords: whoever reaches the server may read and change everything.",
		func(c *Config, v string) bool { return onOff(&c.Club.Open, v) }},
	{"club.presence_timeout", "15m", "a duration from 1s to 24h, such as 15m",
		"How long after the last heartbeat a person counts as present.",
		func(c *Config, v string) bool { return duration(&c.Club.PresenceTimeout, v) }},
	{"club.presence_interval", "10m", "a duration from 1s to 24h, such as 10m",
		"How often presence is looked at; a change becomes an action then.",
		func(c *Config, v string) bool { return duration(&c.Club.PresenceInterval, v) }},
	{"streams.max", "20000", "a number from 1 to 1000000",
		"How many streams may be open at once.",
		func(c *Config, v string) bool { return number(&c.Streams.Max, v, 1, 1_000_000) }},
	{"streams.per_address", "200", "a number from 1 to 1000000",
		"How many of them for one IPv4 address or IPv6 /64; a whole club may share one address.",
		func(c *Config, v string) bool { return number(&c.Streams.PerAddress, v, 1, 1_000_000) }},
	{"log.level", "info", "debug, info, warn or error",
		"The least important lines that are logged; info has one for each request.",
		func(c *Config, v string) bool { return level(&c.Log.Level, v) }},
	{"log.format", Text, "text or json",
		"The form of the log on standard error.",
		func(c *Config, v string) bool { return word(&c.Log.Format, v, Text, JSON) }},
	{"tracker.require_https", "on", "on or off",
		"Refuses tokens over plain HTTP, except from this machine and from trusted proxies that ended TLS.",
		func(c *Config, v string) bool { return onOff(&c.Tracker.RequireHTTPS, v) }},
	{"tracker.max_past_years", "20", "a number from 1 to 100",
		"How many years in the past a session may start.",
		func(c *Config, v string) bool { return number(&c.Tracker.MaxPastYears, v, 1, 100) }},
	{"tracker.key_file", "", "a file of mode 0600; made if it is not there",
		"The key that seals private texts. By default it is stint.key beside an SQLite database, and ./data/stint.key with PostgreSQL, whose servers all need the same key.",
		func(c *Config, v string) bool { c.Tracker.KeyFile = v; return true }},
}

var urlScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:/`)

// database refuses URLs other than PostgreSQL's: as a path, a mistyped one would
// be a new, empty database.
func database(c *Config, v string) bool {
	c.Database = v
	return v != "" && !strings.Contains(v, "\x00") && (c.Postgres() || !urlScheme.MatchString(v))
}

func address(into *string, v string) bool {
	_, port, err := net.SplitHostPort(v)
	if err != nil {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	*into = v
	return err == nil
}

func origin(into *string, v string) bool {
	*into = strings.TrimSuffix(v, "/")
	if v == "" {
		return true
	}
	u, err := url.Parse(*into)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && *into == u.Scheme+"://"+u.Host
}

func prefixes(into *[]netip.Prefix, v string) bool {
	*into = nil
	for part := range strings.SplitSeq(v, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		p, err := netip.ParsePrefix(part)
		if err != nil {
			a, err := netip.ParseAddr(part)
			if err != nil {
				return false
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		*into = append(*into, p)
	}
	return true
}

func onOff(into *bool, v string) bool {
	*into = v == "on" || v == "true"
	return *into || v == "off" || v == "false"
}

func word(into *string, v string, allowed ...string) bool {
	*into = v
	for _, a := range allowed {
		if v == a {
			return true
		}
	}
	return false
}

func duration(into *time.Duration, v string) bool {
	d, err := time.ParseDuration(v)
	*into = d
	return err == nil && d >= time.Second && d <= 24*time.Hour && d%time.Second == 0
}

func number(into *int, v string, least, most int) bool {
	n, err := strconv.Atoi(v)
	*into = n
	return err == nil && n >= least && n <= most
}

func level(into *slog.Level, v string) bool {
	switch v {
	case "debug", "info", "warn", "error":
		return into.UnmarshalText([]byte(v)) == nil
	}
	return false
}
