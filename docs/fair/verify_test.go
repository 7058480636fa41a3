package fair_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"

	"stint/internal/tracker/fair"
)

// sample is a text and whether it is a document of draws that holds.
type sample struct {
	name  string
	text  []byte
	holds bool
	// lax: json.load takes it, so that the 25 lines of Python may accept it: nothing that was drawn differs.
	lax bool
}

// samples are the documents in testdata, what may be written otherwise, and everything that may not.
func samples(t *testing.T) []sample {
	var list []sample
	for _, name := range []string{"vectors", "games", "account"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, sample{name: name, text: text, holds: true})
	}
	list = append(list, otherwise(t)...)
	list = append(list, changes(t)...)
	list = append(list, malformed(t)...)
	return append(list, flips(t)...)
}

// otherwise are documents that hold.
func otherwise(t *testing.T) []sample {
	doc := games(t)
	slices.Reverse(doc.Draws)
	reversed := encode(t, doc)
	doc = games(t)
	doc.Draws, doc.Tip = []fair.Draw{doc.Draws[1], doc.Draws[4]}, ""
	parts := encode(t, doc)
	luck := fair.Draw{Game: fair.Luck, Add: 60, Sub: 60, MinMulti: 100, MaxMulti: 100}
	used := draws(t, 5, "used up", 3, luck, luck, luck)
	usedUp := encode(t, used)
	used.Tip = used.Draws[2].Seed
	ended := encode(t, used)
	return []sample{
		{name: "last draw first", text: reversed, holds: true},
		{name: "only two of the draws", text: parts, holds: true},
		{name: "every draw of the chain", text: usedUp, holds: true},
		{name: "every draw of the chain and the tip", text: ended, holds: true},
		{name: "nothing drawn", text: encode(t, draws(t, 5, "nothing", 10)), holds: true},
		{name: "nothing to choose from", text: encode(t, draws(t, 5, "one way", 10,
			fair.Draw{Game: fair.Dice, Dices: 1, Unit: 60, MinMulti: 100, MaxMulti: 100},
			fair.Draw{Game: fair.Link, Choice: fair.Add, Add: 60, MinMulti: 1, MaxMulti: 1})), holds: true},
		{name: "zeros written out", text: edit(t, "draws.5.sub", 0), holds: true},
	}
}

// changes are single changes to the document with every kind of draw.
func changes(t *testing.T) []sample {
	doc := games(t)
	flip := func(hex string) string { return map[bool]string{true: "1", false: "0"}[hex[0] == '0'] + hex[1:] }
	var list []sample
	change := func(path string, value any) {
		list = append(list, sample{name: fmt.Sprintf("%s = %v", path, value), text: edit(t, path, value)})
	}
	change("scheme", "fair2")
	change("session", doc.Session+1)
	change("session", fmt.Sprint(doc.Session))
	change("session", nil)
	change("commitment", flip(doc.Commitment))
	change("commitment", strings.ToUpper(doc.Commitment))
	change("commitment", "")
	change("length", doc.Length+1)
	change("length", 7)
	change("length", 0)
	change("tip", flip(doc.Tip))
	change("tip", doc.Commitment)
	change("tip", "x")
	change("draws", "none")
	for i, d := range doc.Draws {
		at := func(name string) string { return fmt.Sprintf("draws.%d.%s", i, name) }
		change(at("seed"), flip(d.Seed))
		change(at("seed"), d.Seed[:63])
		change(at("seed"), strings.ToUpper(d.Seed))
		change(at("prev"), flip(d.Prev))
		change(at("prev"), "")
		change(at("nonce"), 9)
		change(at("nonce"), d.Nonce+1)
		change(at("nonce"), -d.Nonce)
		change(at("nonce"), 0)
		change(at("clientseed"), d.ClientSeed+"!")
		change(at("clientseed"), d.ClientSeed+"\n")
		change(at("game"), map[string]string{fair.Luck: fair.Link}[d.Game])
		change(at("game"), "POKER")
		for _, result := range []string{"values", "signs", "operation", "multi", "seconds", "end"} {
			for _, value := range []any{1, "ADD", "SUB", []int{1}, []string{"+"}} {
				if was := member(t, d, result); fmt.Sprint(was) != fmt.Sprint(value) {
					change(at(result), value)
				}
			}
			if was := member(t, d, result); was != nil {
				change(at(result), nil)
			}
		}
	}
	return append(list, settings(t)...)
}

// settings are changes to what entered a draw.
func settings(t *testing.T) []sample {
	var list []sample
	for path, values := range map[string][]any{
		"draws.0.dices":    {2, 4, 0, -1, 21, "3"},
		"draws.0.unit":     {60, 0, 2_592_001},
		"draws.0.minmulti": {51, 0, 151},
		"draws.0.maxmulti": {151, 49, 10_001, 1 << 40},
		"draws.0.choice":   {"ADD"},
		"draws.0.surprise": {1},
		"draws.1.add":      {86_401, 0, -1},
		"draws.1.unit":     {60},
		"draws.1.dices":    {2},
		"draws.2.choice":   {"ADD", "SUB", "NONCE", ""},
		"draws.2.minmulti": {2},
		"draws.3.from":     {1_800_000_001, 0, -1},
		"draws.3.to":       {1_800_604_801, 1_799_999_999, 1_800_000_000 + 1<<32, 1 << 60},
		"draws.3.minmulti": {1},
		"draws.5.choice":   {"SUB", "RAND"},
		"draws.5.add":      {3_700},
		"draws.6.sub":      {5_500},
		"draws.7.dices":    {19, 21},
	} {
		for _, value := range values {
			list = append(list, sample{name: fmt.Sprintf("%s = %v", path, value), text: edit(t, path, value)})
		}
	}
	slices.SortFunc(list, func(a, b sample) int { return strings.Compare(a.name, b.name) })
	return list
}

// malformed are texts that are no document.
func malformed(t *testing.T) []sample {
	good := encode(t, games(t))
	replaced := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("there is no %q to replace", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	twice := encode(t, games(t))
	twice = bytes.Replace(twice, []byte(`"draws":[`), []byte(`"draws":[`+string(encode(t, games(t).Draws[0]))+","), 1)
	return []sample{
		{name: "empty"},
		{name: "blank", text: []byte(" \n")},
		{name: "null", text: []byte("null")},
		{name: "a list", text: []byte("[]")},
		{name: "an empty object", text: []byte("{}")},
		{name: "half of it", text: good[:len(good)/2]},
		{name: "something after it", text: append(slices.Clone(good), "{}"...)},
		{name: "a byte order mark", text: append([]byte("\ufeff"), good...)},
		{name: "not UTF-8", text: replaced("my-client-seed", "my-client-see\xff")},
		{name: "half a surrogate pair", text: replaced("my-client-seed", `\ud800`)},
		{name: "a fraction", text: replaced(`"unit":3600`, `"unit":3600.0`)},
		{name: "an exponent", text: replaced(`"unit":3600`, `"unit":36e2`)},
		{name: "a number in quotes", text: replaced(`"nonce":1,`, `"nonce":"1",`)},
		{name: "a member twice", text: replaced(`"nonce":1,`, `"nonce":1,"nonce":1,`), lax: true},
		{name: "a member misspelt", text: replaced(`"tip"`, `"Tip"`)},
		{name: "the same draw twice", text: twice},
		{name: "a draw that is no object", text: replaced(`"draws":[`, `"draws":[7,`)},
		{name: "a draw that is null", text: replaced(`"draws":[`, `"draws":[null,`)},
		{name: "deeply nested", text: bytes.Repeat([]byte("["), 100_000)},
		{name: "too large", text: append(bytes.Repeat([]byte(" "), fair.MaxDocument), good...), lax: true},
	}
}

// flips are copies of the document with one byte changed at random, unless it says the same afterwards, or
// changed nothing but an amount that was not drawn.
func flips(t *testing.T) []sample {
	const number = 200
	random := rand.New(rand.NewPCG(4, 2))
	good := encode(t, games(t))
	var list []sample
	for len(list) < number {
		text, at := slices.Clone(good), random.IntN(len(good))
		if text[at] ^= byte(1 << random.IntN(8)); same(t, text) {
			continue
		}
		list = append(list, sample{name: fmt.Sprintf("byte %d is %q", at, text[at]), text: text})
	}
	return list
}

// same says whether text is the document of games, but for what a proof doesn't cover.
func same(t *testing.T, text []byte) bool {
	var doc fair.Document
	if jsonv2.Unmarshal(text, &doc, jsonv2.RejectUnknownMembers(true)) != nil {
		return false
	}
	want := games(t)
	for i := range doc.Draws {
		if i < len(want.Draws) && doc.Draws[i].Game != fair.Dice {
			if want.Draws[i].Operation == fair.Add {
				doc.Draws[i].Sub = want.Draws[i].Sub
			} else {
				doc.Draws[i].Add = want.Draws[i].Add
			}
		}
	}
	return reflect.DeepEqual(&doc, want)
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func member(t *testing.T, d fair.Draw, name string) any {
	var members map[string]any
	if err := json.Unmarshal(encode(t, d), &members); err != nil {
		t.Fatal(err)
	}
	return members[name]
}

// edit is the document of games with the member at path (such as "draws.0.seed") set, or taken away with nil.
func edit(t *testing.T, path string, value any) []byte {
	t.Helper()
	var doc map[string]any
	d := json.NewDecoder(bytes.NewReader(encode(t, games(t))))
	d.UseNumber()
	if err := d.Decode(&doc); err != nil {
		t.Fatal(err)
	}
	object, parts := doc, strings.Split(path, ".")
	if len(parts) == 3 {
		i, err := strconv.Atoi(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		object = doc[parts[0]].([]any)[i].(map[string]any)
	}
	name := parts[len(parts)-1]
	if object[name] = value; value == nil {
		delete(object, name)
	}
	return encode(t, doc)
}

func TestProgram(t *testing.T) {
	for _, s := range samples(t) {
		_, err := fair.Verify(s.text)
		if (err == nil) != s.holds {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// driver runs the file verify.py, as it is, on each document that it is given, and prints "holds" or why not.
const driver = `
import contextlib, io, runpy, sys
verify, *files = sys.argv[1:]
for file in files:
    sys.argv = [verify, file]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(verify, run_name="__main__")
        print("holds")
    except (Exception, SystemExit) as why:
        print("refused:", type(why).__name__)
`

func python(t *testing.T) string {
	t.Helper()
	program, err := exec.LookPath("python3")
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return program
}

func TestPython(t *testing.T) {
	list, dir := samples(t), t.TempDir()
	args := []string{"-c", driver, "verify.py"}
	for i, s := range list {
		file := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(file, s.text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	cmd := exec.Command(python(t), args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(list) {
		t.Fatalf("%d lines for %d documents", len(lines), len(list))
	}
	for i, s := range list {
		if holds := lines[i] == "holds"; holds != s.holds && !s.lax {
			t.Errorf("%s: %s", s.name, lines[i])
		}
	}
}

func TestPythonAsItIsUsed(t *testing.T) {
	program := python(t)
	out, err := exec.Command(program, "verify.py", filepath.Join("testdata", "vectors.json")).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "4 draws of session 999 hold under commitment 13bb2dfaf2d7ce2c") {
		t.Errorf("%v: %s", err, out)
	}
	file := filepath.Join(t.TempDir(), "changed.json")
	if err := os.WriteFile(file, edit(t, "draws.2.seconds", 25_819), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command(program, "verify.py", file).CombinedOutput()
	if _, failed := err.(*exec.ExitError); !failed || !strings.HasSuffix(string(out), "draw 3 does not hold\n") {
		t.Errorf("%v: %s", err, out)
	}
}

// The promise of the documentation.
func TestPythonIsShort(t *testing.T) {
	text, err := os.ReadFile("verify.py")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) > 25 {
		t.Errorf("verify.py has %d lines", len(lines))
	}
	for i, line := range lines {
		if len(line) > 120 {
			t.Errorf("line %d has %d characters", i+1, len(line))
		}
	}
}
