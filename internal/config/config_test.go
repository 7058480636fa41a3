package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stint/internal/config"
)

func load(env map[string]string, flags map[string]string, file string) (*config.Config, error) {
	return config.Load(config.Sources{Env: func(name string) string { return env[name] }, Flags: flags, File: file})
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stint.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDefaults(t *testing.T) {
	c, err := load(nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8000" || c.Database != "./data/stint.db" || c.Club.Anonymous != config.Public || c.Club.Open ||
		!c.Wings.Club || !c.Wings.Tracker || c.Tracker.KeyFile != "data/stint.key" || c.Club.PresenceTimeout != 15*time.Minute || c.Streams.Max != 20000 || !c.Tracker.RequireHTTPS {
		t.Errorf("%+v", c)
	}
}

// Flag over environment over file over default.
func TestOrder(t *testing.T) {
	file := write(t, `
		listen = "127.0.0.1:1"
		database = "file.db"
		trusted_proxies = ["10.0.0.0/8", "::1"]
		[club]
		anonymous = "challenge"
		presence_timeout = "20m"
		[streams]
		max = 7
		[wings]
		club = false
		[log]
		level = "warn"
	`)
	c, err := load(map[string]string{"STINT_DATABASE": "env.db", "STINT_LISTEN": "127.0.0.1:2", "STINT_LOG_LEVEL": "debug", "STINT_CONFIG": file},
		map[string]string{"listen": "127.0.0.1:3", "streams-per-address": "3"}, "")
	if err != nil {
		t.Fatal(err)
	}
	got := strings.TrimSpace(fmt.Sprintln(c.Listen, c.Database, c.Club.Anonymous, c.Club.PresenceTimeout, c.Streams, c.Wings, c.Log, c.TrustedProxies))
	if want := "127.0.0.1:3 env.db challenge 20m0s {7 3} {false true} {DEBUG text} [10.0.0.0/8 ::1/128]"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestBadFiles(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":        {"lisen = \"x\"", "lisen is unknown; allowed: listen, database, public_url, trusted_proxies, tls, wings, club, streams, log, tracker"},
		"unknown in a table": {"[log]\ncolour = true", "log.colour is unknown; allowed: level, format"},
		"unknown table":      {"[mail]\na = 1", "mail is unknown; allowed: listen,"},
		"table for a value":  {"[listen]\na = 1", "listen has the wrong type; allowed: host:port"},
		"value for a table":  {"club = 3", "club is unknown; allowed:"},
		"wrong type":         {"[streams]\nmax = 1.5", "streams.max has the wrong type; allowed: a number"},
		"list of numbers":    {"trusted_proxies = [1]", "trusted_proxies has the wrong type"},
		"bad value":          {"[club]\nanonymous = \"no\"", `club.anonymous: "no" is not allowed; allowed: public or challenge`},
		"not TOML":           {"listen = ", ":1:"},
		"twice":              {"listen = \":1\"\nlisten = \":2\"", "not TOML"},
		"half of TLS":        {"[tls]\nkey = \"k.pem\"", "tls.certificate and tls.key: allowed: both or none"},
		"no wing":            {"[wings]\nclub = false\ntracker = \"off\"", "wings.club and wings.tracker: allowed: one of them on"},
	} {
		t.Run(name, func(t *testing.T) {
			file := write(t, c.text)
			_, err := load(nil, nil, file)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v\nwant %s", err, c.want)
			}
			if c.text != "" && !strings.Contains(c.want, "wings.club and") && !strings.Contains(c.want, "tls.certificate and") && !strings.HasPrefix(err.Error(), file) {
				t.Errorf("%v\ndoes not name the file", err)
			}
		})
	}
	if _, err := load(nil, nil, "no/such.toml"); err == nil || !strings.Contains(err.Error(), "no/such.toml: no such file") {
		t.Error(err)
	}
}

func TestBadValues(t *testing.T) {
	for name, values := range map[string][]string{
		"listen":                  {"", "8000", "localhost", ":70000", ":http"},
		"database":                {"", "postgress://u:secret@db/x", "mysql://db/x", "POSTGRES://db/x", "file:/x", "sqlite:///x.db"},
		"public_url":              {"stint.example", "ftp://a", "https://", "https://a/b", "https://u@a"},
		"trusted_proxies":         {"10.0.0.0/33", "proxy", "1.2.3.4 5.6.7.8"},
		"wings.club":              {"", "yes", "1"},
		"club.anonymous":          {"", "Public"},
		"club.presence_timeout":   {"", "15", "0s", "-1m", "25h", "1500ms"},
		"streams.max":             {"", "0", "-1", "x", "1000001"},
		"log.level":               {"", "INFO", "trace", "info+1"},
		"log.format":              {"xml"},
		"tracker.max_past_years":  {"0", "101", "20y"},
		"tls.certificate|tls.key": {"/no/such/file.pem"},
	} {
		for _, v := range values {
			flags := map[string]string{}
			for n := range strings.SplitSeq(name, "|") {
				flags[find(t, n).Flag()] = v
			}
			_, err := load(nil, flags, "")
			if err == nil || !strings.Contains(err.Error(), "allowed: ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s = %q: %v", name, v, err)
			}
		}
	}
	_, err := load(map[string]string{"STINT_CLUB_ANONYMOUS": "x"}, nil, "")
	if err == nil || err.Error() != `STINT_CLUB_ANONYMOUS: "x" is not allowed; allowed: public or challenge` {
		t.Error(err)
	}
	_, err = load(map[string]string{"STINT_DATABASE": "postgress://stint:secret@db/stint"}, nil, "")
	if err == nil || err.Error() != `STINT_DATABASE: the value is not allowed; allowed: the path of an SQLite file, or a postgres:// URL` {
		t.Error(err)
	}
}

func TestKeyFile(t *testing.T) {
	for _, c := range []struct{ database, keyFile, want string }{
		{"/var/lib/stint/stint.db", "", "/var/lib/stint/stint.key"},
		{"club.db", "", "stint.key"},
		{"postgres://db/stint", "", "data/stint.key"},
		{"postgres://db/stint", "/etc/stint/key", "/etc/stint/key"},
		{"club.db", "/etc/stint/key", "/etc/stint/key"},
	} {
		got, err := load(map[string]string{"STINT_TRACKER_KEY_FILE": c.keyFile}, map[string]string{"database": c.database}, "")
		if err != nil || got.Tracker.KeyFile != c.want {
			t.Errorf("%s: %v, %v; want %s", c.database, got.Tracker.KeyFile, err, c.want)
		}
	}
}

func find(t *testing.T, name string) config.Setting {
	t.Helper()
	for _, s := range config.Settings() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("no setting %s", name)
	return config.Setting{}
}

// The operating page has every setting, as the program has it.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| setting | environment | default | allowed | what it does |\n|---|---|---|---|---|\n")
	for _, s := range config.Settings() {
		value := "none"
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		fmt.Fprintf(&table, "| `%s` | `%s` | %s | %s | %s |\n", s.Name, s.Env(), value, s.Allowed, s.Doc)
	}
	if !strings.Contains(string(page), table.String()) {
		t.Errorf("docs/operating.md should contain:\n\n%s", table.String())
	}
}
