// Package doctest holds the pages of the documentation to the program: it runs
// what they tell a reader to type, in the order of the page, beside a real
// server that has just started for the first time, and compares what comes out
// with what the page shows.
//
// A block marked "sh" is run; one that follows it at once, marked "text", "json"
// or not at all, is its output. A block marked "sh background" runs until the
// page ends; its output must then begin with what the page shows. Blocks with any
// other mark are not run. Variables last from block to block; PASSWORD holds the
// password of the first start, and http://127.0.0.1:8000 is the server.
//
// Times (ten digits) and entity tags may differ from the page's, "…" stands for
// anything within a line, and a line of its own for any lines.
//
// A table whose first column is headed "you send" is tried line by line; see
// request.
package doctest

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// block is something to run, with the output that the page shows.
type block struct {
	line       int // of the page
	script     string
	background bool
	output     string
	shown      bool // the page shows an output
}

// row is a line of a table of requests.
type row struct {
	line           int
	request        string
	status, member string
}

// read returns the blocks and rows of a page.
func read(t testing.TB, file string) (blocks []block, rows []row) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	table := false
	open := -1 // the block whose output may follow
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		mark, fence := strings.CutPrefix(line, "```")
		switch {
		case fence:
			var body []string
			began := i + 1
			for i++; i < len(lines) && lines[i] != "```"; i++ {
				body = append(body, lines[i])
			}
			content := strings.Join(body, "\n") + "\n"
			switch {
			case mark == "sh" || mark == "sh background":
				blocks = append(blocks, block{line: began, script: content, background: mark != "sh"})
				open = len(blocks) - 1
				continue
			case open >= 0 && (mark == "" || mark == "text" || mark == "json"):
				blocks[open].output, blocks[open].shown = content, true
			}
			open = -1
		case strings.HasPrefix(line, "| you send |"):
			table = true
		case table && strings.HasPrefix(line, "|"):
			if cells := strings.Split(strings.Trim(line, "| "), " | "); len(cells) == 3 {
				rows = append(rows, row{i + 1, cells[0], strings.TrimSpace(cells[1]), strings.Trim(cells[2], "` –")})
			}
		default:
			table = false
			if strings.TrimSpace(line) != "" {
				open = -1
			}
		}
	}
	return blocks, rows
}

var variable = regexp.MustCompile(`\b1[0-9]{9}\b|"[0-9a-f]{24}"|…`)

// pattern is the expression that fits what the page shows.
func pattern(shown string) string {
	var b strings.Builder
	for {
		at := variable.FindStringIndex(shown)
		if at == nil {
			return b.String() + regexp.QuoteMeta(shown)
		}
		b.WriteString(regexp.QuoteMeta(shown[:at[0]]))
		switch found := shown[at[0]:at[1]]; {
		case found == "…" && (at[0] == 0 || shown[at[0]-1] == '\n') && strings.HasPrefix(shown[at[1]:], "\n"):
			b.WriteString(`(?s:.*)`)
		case found == "…":
			b.WriteString(`[^\n]*`)
		case found[0] == '"':
			b.WriteString(`"[0-9a-f]{24}"`)
		default:
			b.WriteString(`1[0-9]{9}`)
		}
		shown = shown[at[1]:]
	}
}

// fits says whether the output is what the page shows, or with begins whether it
// begins so.
func fits(shown, output string, begins bool) bool {
	end := "$"
	if begins {
		end = ""
	}
	// curl leaves an answer without a last line feed as it is.
	if !strings.HasSuffix(output, "\n") {
		output += "\n"
	}
	return regexp.MustCompile(`^` + pattern(shown) + end).MatchString(output)
}

var repeated = regexp.MustCompile(`(.)×([0-9]+)`)

// request reads the first column of a table of requests: code with a method and
// a path, or with PUT and a body, and after it "without a password" if it is the
// public's. "x×81" stands for 81 letters x.
func request(cell string) (method, path, body string, public bool) {
	parts := strings.SplitN(cell, "`", 3)
	if len(parts) != 3 {
		return "", "", "", false
	}
	public = strings.HasSuffix(cell, "without a password")
	method, rest, _ := strings.Cut(parts[1], " ")
	rest = repeated.ReplaceAllStringFunc(rest, func(s string) string {
		m := repeated.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[2])
		return strings.Repeat(m[1], n)
	})
	if strings.HasPrefix(rest, "/") {
		return method, rest, "", public
	}
	return method, "/api/v0", rest, public
}
