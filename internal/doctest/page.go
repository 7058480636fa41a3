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
// Times (ten digits, or a date and a time with or without an offset), entity
// tags, and what is secret or drawn by lot in the tracker's answers may differ from
// the page's; "…" stands for anything within a line, and a line of its own for
// any lines.
//
// A table whose first column is headed "you send" is tried line by line; see
// request. With four columns it is about the tracker, whose token is the variable
// TOKEN.
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
	tracker        bool
	code           string // of the tracker
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
			switch cells := strings.Split(strings.Trim(line, "| "), " | "); len(cells) {
			case 3:
				rows = append(rows, row{line: i + 1, request: cells[0], status: strings.TrimSpace(cells[1]), member: strings.Trim(cells[2], "` –")})
			case 4:
				rows = append(rows, row{line: i + 1, request: cells[0], status: strings.TrimSpace(cells[1]), tracker: true,
					code: strings.Trim(cells[2], "` "), member: strings.Trim(cells[3], "` –")})
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

// lot are the members of the tracker's answers that are secret or drawn by lot.
const lot = `"(?:operation|seconds|applied_seconds|multiplier|values|signs|unit|rolled|prev|seed|commitment|token|code|link_game)":`

const any = `(?:"[^"\n]*"|\[[^\]\n]*\]|-?[0-9.]+)`

var variable = regexp.MustCompile(lot + any + `|"(?:ADD|SUB)"|\b1[0-9]{9}\b|"[0-9a-f]{24}"|\b2[0-9]{3}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?( [+-][0-9]{2}:[0-9]{2})?|"[+-][0-9]{2}:[0-9]{2}"|…`)

var digit = regexp.MustCompile(`[0-9]`)

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
		case strings.HasPrefix(found, `"`) && strings.Contains(found, `":`):
			name, _, _ := strings.Cut(found, ":")
			b.WriteString(name + ":" + any)
		case found == `"ADD"` || found == `"SUB"`:
			b.WriteString(`"(?:ADD|SUB)"`)
		case strings.Contains(found, ":"):
			sign := strings.NewReplacer(`"+`, `"[+-]`, `"-`, `"[+-]`, ` +`, ` [+-]`, ` -`, ` [+-]`)
			b.WriteString(sign.Replace(digit.ReplaceAllString(found, `[0-9]`)))
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
// a path, a body, or both, and after it "without a password" or "without a token"
// if it is the public's. home is the path where none is given. "x×81" stands for
// 81 letters x.
func request(cell, home string) (method, path, body string, public bool) {
	parts := strings.SplitN(cell, "`", 3)
	if len(parts) != 3 {
		return "", "", "", false
	}
	public = strings.HasSuffix(cell, "without a password") || strings.HasSuffix(cell, "without a token")
	method, rest, _ := strings.Cut(parts[1], " ")
	rest = repeated.ReplaceAllStringFunc(rest, func(s string) string {
		m := repeated.FindStringSubmatch(s)
		n, _ := strconv.Atoi(m[2])
		return strings.Repeat(m[1], n)
	})
	if strings.HasPrefix(rest, "?") {
		rest = home + rest
	}
	if strings.HasPrefix(rest, "/") {
		path, body, _ = strings.Cut(rest, " ")
		return method, path, body, public
	}
	return method, home, rest, public
}
