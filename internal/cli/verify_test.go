package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stint/internal/tracker/fair"
)

const documents = "../../docs/fair/testdata"

const vectorsCommitment = "13bb2dfaf2d7ce2c625d29980d90142200d04b40e095f20d66147fb9fc797183"

// verb runs the program with in as its standard input.
func verb(in string, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = run(append([]string{"stint"}, args...), strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(documents, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const vectorsChecked = `NONCE  GAME  DRAWN             SECONDS      CHECK
1      DICE  +3 +6 = 9, x1.88  SUB 1461888  ok
2      DICE  -6 +4 = 2, x1.85  SUB 319680   ok
3      LUCK  x1.18             SUB 50976    ok
4      LUCK  x1.24             SUB 53568    ok
All 4 draws of session 999 hold, of a chain of 8.
commitment   13bb2dfaf2d7ce2c625d29980d90142200d04b40e095f20d66147fb9fc797183
client seed  "my-client-seed", draws 1-4
`

func TestVerify(t *testing.T) {
	file := filepath.Join(documents, "vectors.json")
	const compare = "Compare the commitment with the one that was shown before the first draw.\n"
	for name, args := range map[string][]string{
		"file":           {file},
		"standard input": {"-"},
		"commitment":     {"--commitment", strings.ToUpper(vectorsCommitment), file},
	} {
		code, out, errs := verb(document(t, "vectors.json"), append([]string{"verify"}, args...)...)
		want := vectorsChecked
		if name != "commitment" {
			want += compare
		}
		if code != 0 || out != want || errs != "" {
			t.Errorf("%s: %d %q\n%s", name, code, errs, out)
		}
	}
}

func TestVerifyShowsEveryGame(t *testing.T) {
	code, out, _ := verb("", "verify", filepath.Join(documents, "games.json"))
	if code != 0 {
		t.Error(code)
	}
	for _, line := range []string{
		"3      LINK    RAND chosen, x43.03",
		"4      MAXEND  2027-01-18 11:51:14 UTC",
		"5      DICE    4 = 4, x80.18",
		`client seed  "fünf – 五", draws 5-6`,
		`client seed  "", draws 7-8`,
		"tip          revealed, and leads to the commitment",
	} {
		if !strings.Contains(out, line) {
			t.Errorf("no %q in:\n%s", line, out)
		}
	}
	_, out, _ = verb("", "verify", filepath.Join(documents, "account.json"))
	if !strings.Contains(out, "All 4 draws of an account hold, of a chain of 100.") ||
		!strings.Contains(out, "not in here  draws 1, 4-6, 8-99") {
		t.Error(out)
	}
}

func TestVerifyWithoutDraws(t *testing.T) {
	text := `{"scheme":"fair1","session":7,"commitment":"` + vectorsCommitment + `","length":8,"draws":[]}`
	code, out, _ := verb(text, "verify", "-")
	if code != 0 || !strings.HasPrefix(out, "Nothing has been drawn for session 7 yet, from a chain of 8.\ncommitment   "+vectorsCommitment) {
		t.Errorf("%d\n%s", code, out)
	}
}

func TestVerifyRefuses(t *testing.T) {
	good := document(t, "vectors.json")
	for name, c := range map[string]struct {
		text string
		held int
		says string
	}{
		"seconds":     {strings.Replace(good, "50976", "50977", 1), 2, "draw 3 does not hold: the seconds are 50976, not 50977"},
		"first seed":  {strings.Replace(good, `"seed": "f3c5`, `"seed": "f3c6`, 1), 0, "draw 1 does not hold: its seed does not lead to the commitment"},
		"client seed": {strings.Replace(good, "my-client-seed", "my-client-feed", 1), 0, "draw 1 does not hold: "},
		"tip": {strings.Replace(good, `"draws"`, `"tip": "`+vectorsCommitment+`", "draws"`, 1), 0,
			"the tip does not lead to the commitment"},
		"scheme":          {strings.Replace(good, "fair1", "fair2", 1), 0, `unknown scheme "fair2"`},
		"escape sequence": {strings.Replace(good, `"SUB"`, `"\u001b[2J"`, 1), 0, `draw 1 does not hold: the operation is "SUB", not "\x1b[2J"`},
		"unknown member":  {strings.Replace(good, `"multi"`, `"multy"`, 1), 0, `not a document of draws: after byte 617: member "/draws/0/multy" is not known`},
		"wrong kind":      {strings.Replace(good, `"length": 8`, `"length": []`, 1), 0, `not a document of draws: after byte 137: "/length" can't be a list`},
		"wrong number":    {strings.Replace(good, `"length": 8`, `"length": 8.5`, 1), 0, `not a document of draws: after byte 137: "/length" can't be "8.5"`},
		"half":            {good[:200], 0, "not a document of draws: after byte 200: unexpected EOF"},
		"empty":           {"", 0, "not a document of draws: "},
		"too large":       {strings.Repeat(" ", fair.MaxDocument) + good, 0, "not a document of draws: more than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := verb(c.text, "verify", "-")
			if code != 1 || !strings.HasPrefix(errs, "stint: "+c.says) || strings.Count(errs, "\n") != 1 {
				t.Errorf("%d %q, want %q", code, errs, c.says)
			}
			if held := strings.Count(out, " ok\n"); held != c.held || strings.Contains(out, "hold") {
				t.Errorf("%d draws are said to hold:\n%s", held, out)
			}
		})
	}
}

func TestVerifyMisused(t *testing.T) {
	file := filepath.Join(documents, "vectors.json")
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no file":            {nil, 2, "stint: verify: FILE is missing; stint help says more\n"},
		"two files":          {[]string{"a", "b"}, 2, `stint: verify: there is one argument too many: "b"; stint help says more` + "\n"},
		"no such file":       {[]string{"nowhere.json"}, 1, "stint: open nowhere.json: no such file or directory\n"},
		"a folder":           {[]string{documents}, 1, "stint: read ../../docs/fair/testdata: is a directory\n"},
		"no commitment":      {[]string{"--commitment", "", file}, 2, "stint: verify: --commitment: 64 hexadecimal digits are allowed; stint help says more\n"},
		"another commitment": {[]string{"--commitment", strings.Repeat("0", 64), file}, 1, "stint: the commitment is " + vectorsCommitment + ", not the one that was noted\n"},
	} {
		if code, out, errs := verb("", append([]string{"verify"}, c.args...)...); code != c.code || errs != c.says {
			t.Errorf("%s: %d %q\n%s", name, code, errs, out)
		}
	}
}
