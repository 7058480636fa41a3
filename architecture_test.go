package main

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// drawing is who may import whom inside the house: downwards only, never
// sideways. A surface knows its own wing and never another surface; club and
// tracker never meet; the ground floor imports nothing of ours. docs/design.md
// has the picture.
var drawing = map[string][]string{
	"main":         {"cli"},
	"cli":          {"account", "client", "config", "db", "seal", "server", "tracker", "tracker/fair"},
	"server":       {"account", "api", "apiv0", "apiv2", "club", "config", "db", "seal", "stream", "tracker", "votepage", "web"},
	"apiv0":        {"account", "club", "db", "stream", "web"},
	"apiv2":        {"account", "db", "stream", "tracker", "tracker/fair", "tracker/wall", "web"},
	"votepage":     {"db", "tracker", "tracker/fair", "web"},
	"club":         {"db"},
	"tracker":      {"db", "seal", "tracker/fair", "tracker/wall"},
	"tracker/fair": {},
	"tracker/wall": {},
	"account":      {"db"},
	"db":           {},
	"db/dbtest":    {"db"},
	"web":          {},
	"stream":       {},
	"seal":         {},
	"config":       {},
	"browsertest":  {},
	"doctest":      {"api/apitest"},
	"client":       {},
	"api":          {},
	"api/apitest":  {"api"},
}

// noHTTP are the rooms that know nothing of the wire.
var noHTTP = []string{"club", "tracker", "tracker/fair", "tracker/wall", "account", "db", "seal", "config"}

func TestImports(t *testing.T) {
	for path, imports := range packages(t) {
		name := room(path)
		allowed, known := drawing[name]
		if !known && !strings.Contains(path, "/internal/") {
			continue // measures or checks the house from outside
		}
		if !known {
			t.Errorf("%s is not in the drawing", name)
		}
		for _, imported := range imports {
			if other := room(imported); other != "" && !slices.Contains(allowed, other) {
				t.Errorf("%s → %s is not in the drawing", name, other)
			}
			if imported == "net/http" && slices.Contains(noHTTP, name) {
				t.Errorf("%s → net/http: a domain never sees the wire", name)
			}
		}
		for _, other := range allowed {
			if !slices.ContainsFunc(imports, func(imported string) bool { return room(imported) == other }) {
				t.Errorf("%s → %s is in the drawing, but no more in the house", name, other)
			}
		}
	}
}

// TestLimitsAreCast finds queries that SQLite would prepare anew each time they
// run: it does so for a bare parameter in a limit or an offset.
func TestLimitsAreCast(t *testing.T) {
	bare := regexp.MustCompile(`\b(limit|offset) \$\d`)
	err := filepath.WalkDir("internal", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range bare.FindAll(text, -1) {
			t.Errorf("%s: %s: write limit cast($n as bigint)", path, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// room is the name of a package of ours in the drawing; "" for any other.
func room(path string) string {
	if path == "stint" {
		return "main"
	}
	rest, ours := strings.CutPrefix(path, "stint/")
	if !ours {
		return ""
	}
	return strings.TrimPrefix(rest, "internal/")
}

// packages maps every package to what it imports, tests left aside.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := map[string][]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); err == io.EOF {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		found[p.ImportPath] = p.Imports
	}
}
