package doctest

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAPIv0(t *testing.T) {
	Page(t, "../../docs/api-v0.md", "STINT_CLUB_PRESENCE_INTERVAL=1s")
}

func TestAPIv2(t *testing.T) {
	Page(t, "../../docs/api-v2.md")
}

func TestReadme(t *testing.T) {
	Page(t, "../../README.md")
}

func TestFits(t *testing.T) {
	for _, c := range []struct {
		shown, output string
		begins, fits  bool
	}{
		{"{\"time\":1798790000}\n", `{"time":1795312227}`, false, true},
		{"{\"time\":1798790000}\n", `{"time":179531222}`, false, false},
		{"{\"id\":17}\n", "{\"id\":18}\n", false, false},
		{"{\"id\":17}\n", "{\"id\":17}\nmore\n", false, false},
		{"{\"id\":17}\n", "{\"id\":17}\nmore\n", true, true},
		{"X-Request-Id: …\nDate\n", "X-Request-Id: a-1\nDate\n", false, true},
		{"X-Request-Id: …\nDate\n", "X-Request-Id: a-1\nX: y\nDate\n", false, false},
		{"a\n…\nz\n", "a\nb\nc\nz\n", false, true},
		{"a\n…\nz\n", "a\nb\nc\n", false, false},
		{"Etag: \"0123456789abcdef01234567\"\n", "Etag: \"76543210fedcba9876543210\"\n", false, true},
		{"a.c\n", "abc\n", false, false},
		{"\"2026-02-01 09:00:00\",\"+01:00\"\n", "\"2031-12-24 11:30:01\",\"-02:00\"", false, true},
		{"\"2026-02-01 09:00:00\"\n", "\"2026-02-01 09:00\"", false, false},
		{"{\"values\":[3,6],\"seed\":\"aa\",\"seconds\":17,\"type\":\"ADD\"}\n", "{\"values\":[1],\"seed\":\"\",\"seconds\":-3,\"type\":\"SUB\"}", false, true},
		{"{\"unit\":17}\n", "{\"unit\":null}", false, false},
		{"2026-02-01 09:00 +01:00\n", "2026-02-01 09:01 -03:30", false, true},
	} {
		if got := fits(c.shown, c.output, c.begins); got != c.fits {
			t.Errorf("%q shown, %q written: fits %v, want %v", c.shown, c.output, got, c.fits)
		}
	}
}

func TestRead(t *testing.T) {
	const text = "intro\n```sh\necho 1\n```\n\n```\n1\n```\n```json\n2\n```\n```sh\necho 3\n```\nprose\n```text\nnot its output\n```\n" +
		"```console\nmake run\n```\n```sh background\nyes\n```\n```\ny\n```\n" +
		"| you send | answer | member |\n|---|---|---|\n| `PUT {\"note\":\"x×3\"}` | 400 | `note` |\n| `GET /a` without a password | 401 | – |\n\n| you send | answer | code | field |\n|---|---|---|---|\n| `POST {}` | 400 | `validation` | `startdate` |\n\n| a | b |\n| c | d |\n"
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks, rows := read(t, file)
	want := []block{
		{line: 2, script: "echo 1\n", output: "1\n", shown: true},
		{line: 12, script: "echo 3\n"},
		{line: 22, script: "yes\n", background: true, output: "y\n", shown: true},
	}
	if len(blocks) != len(want) {
		t.Fatalf("%+v", blocks)
	}
	for i := range want {
		if blocks[i] != want[i] {
			t.Errorf("%+v, want %+v", blocks[i], want[i])
		}
	}
	if len(rows) != 3 || rows[2].code != "validation" || !rows[2].tracker || rows[0].tracker || rows[0].status != "400" || rows[0].member != "note" || rows[1].member != "" {
		t.Fatalf("%+v", rows)
	}
	if method, path, body, public := request(rows[0].request, "/api/v0"); method != "PUT" || path != "/api/v0" || body != `{"note":"xxx"}` || public {
		t.Error(method, path, body, public)
	}
	if method, path, body, public := request(rows[1].request, "/api/v0"); method != "GET" || path != "/a" || body != "" || !public {
		t.Error(method, path, body, public)
	}
}
