package apiv2

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
	"time"

	"stint/internal/tracker"
	"stint/internal/tracker/wall"
)

func TestStamps(t *testing.T) {
	for unix := int64(-2_000_000_000); unix < 10_000_000_000; unix += 86_400*13 + 3_601 {
		want := time.Unix(unix, 0).UTC().Format(`"2006-01-02 15:04:05"`)
		if got := string(appendStamp(nil, unix)); got != want {
			t.Fatalf("%d: %s, want %s", unix, got, want)
		}
	}
	for offset := -16 * 3600; offset <= 16*3600; offset += 17 {
		m := wall.Moment{Unix: 1_770_000_000, Offset: offset}
		if got := string(appendOffset(nil, "", &m)); got != `"`+m.Zone()+`"` {
			t.Fatalf("%d: %s, want %s", offset, got, m.Zone())
		}
		if got, want := string(appendLocal(nil, "", &m)), m.Local().Format(`"2006-01-02 15:04:05"`); got != want {
			t.Fatalf("%d: %s, want %s", offset, got, want)
		}
	}
}

func TestMultipliers(t *testing.T) {
	for m := tracker.Multi(0); m <= 10_000; m++ {
		if got, want := string(appendMulti(nil, m)), strconv.FormatFloat(m.Float(), 'f', 2, 64); got != want {
			t.Fatalf("%d: %s, want %s", m, got, want)
		}
	}
}

func TestInstantsInTheFutureAreRoundedUp(t *testing.T) {
	at := time.UnixMilli(1_770_000_000_001)
	if got := secondsUp(at); got != 1_770_000_001 {
		t.Error(got)
	}
	if got := secondsUp(at.Add(-time.Millisecond)); got != 1_770_000_000 {
		t.Error(got)
	}
}

// Every field that the domain can find at fault has a name on the wire, and every code a status.
func TestNamesAndStatusesAreWhole(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../tracker/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || spec.Type == nil {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok {
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			return true
		}
		switch kind := spec.Type.(*ast.Ident).Name; kind {
		case "Code":
			seen++
			if statuses[tracker.Code(value)] == 0 {
				t.Errorf("%s has no status", value)
			}
		case "Field":
			seen++
			if !named(tracker.Field(value)) {
				t.Errorf("%s has no name", value)
			}
		}
		return true
	})
	if seen < 40 {
		t.Errorf("only %d codes and fields found", seen)
	}
}

// named says whether a field, or the field of some game, has a name, or is a word that can be one.
func named(f tracker.Field) bool {
	for known := range names {
		if known == f || strings.HasSuffix(string(known), "."+string(f)) {
			return true
		}
	}
	return !strings.Contains(string(f), ".")
}
