package doctest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stint/api/apitest"
)

const (
	written = "http://127.0.0.1:8000" // the server, in the pages
	patient = 10 * time.Second
	verbs   = 2 * time.Second // in which stint's verbs take effect on a running server
)

// Page runs a page. The program stint is built first and is on the path of what
// is run, in the folder of the server's database. The test is skipped on machines
// without sh or curl; with CI=true it fails there.
func Page(t *testing.T, file string, settings ...string) {
	for _, name := range []string{"sh", "curl"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	blocks, rows := read(t, file)
	if len(blocks)+len(rows) == 0 {
		t.Fatalf("%s has nothing to run", file)
	}
	p := &page{T: t, file: filepath.Base(file), dir: t.TempDir()}
	p.start(settings)
	for i := range blocks {
		p.run(&blocks[i])
	}
	for _, finish := range p.watching {
		finish()
	}
	p.rows(rows)
}

// page is a page that is being run.
type page struct {
	*testing.T
	file          string
	dir           string
	env           []string
	url, password string
	watching      []func()
}

// changes are the verbs that a running server hears of a little later.
var changes = regexp.MustCompile(`stint (user|token|password) (add|create|zone|remove|revoke|regenerate)`)

var welcome = regexp.MustCompile(`(?s)runs at (http://\S+).*\n    (\S+)\n\nSet the status`)

func (p *page) start(settings []string) {
	p.Helper()
	bin := filepath.Join(p.dir, "bin")
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "stint"), "stint").CombinedOutput(); err != nil {
		p.Fatalf("%v\n%s", err, out)
	}
	p.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+p.dir, "LC_ALL=C.UTF-8")
	server := p.command("stint", "serve", "--listen", "127.0.0.1:0")
	server.Env = append(server.Env, settings...)
	out, log := p.create("out"), p.create("log")
	server.Stdout, server.Stderr = out, log
	if err := server.Start(); err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		server.Process.Signal(syscall.SIGTERM)
		if err := server.Wait(); err != nil {
			p.Errorf("the server ended with %v\n%s", err, p.text("log"))
		}
	})
	p.until("the server starts", func() bool {
		m := welcome.FindStringSubmatch(p.text("out"))
		if m == nil {
			return false
		}
		p.url, p.password = m[1], m[2]
		r, err := http.Get(p.url + "/readyz")
		if err == nil {
			r.Body.Close()
		}
		return err == nil
	})
	p.env = append(p.env, "PASSWORD="+p.password, "STINT_URL="+p.url)
}

func (p *page) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.dir, "bin", name), args...)
	if name == "sh" {
		c = exec.Command(name, args...)
	}
	c.Dir, c.Env = p.dir, p.env
	return c
}

func (p *page) create(name string) *os.File {
	f, err := os.Create(filepath.Join(p.dir, name))
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { f.Close() })
	return f
}

func (p *page) text(name string) string {
	text, _ := os.ReadFile(filepath.Join(p.dir, name))
	return string(text)
}

func (p *page) until(what string, done func() bool) {
	p.Helper()
	for end := time.Now().Add(patient); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.Fatalf("%s: waited in vain\n%s%s", what, p.text("out"), p.text("log"))
		}
	}
}

// run runs a block. One that only reads may have to wait for its output: what it
// shows may be about to happen.
func (p *page) run(b *block) {
	p.Helper()
	if b.background {
		p.watch(b)
		return
	}
	for end := time.Now().Add(patient); ; time.Sleep(100 * time.Millisecond) {
		output, err := p.sh(b)
		verb := changes.MatchString(b.script)
		if err == nil && (!b.shown || fits(b.output, output, false)) {
			if verb {
				time.Sleep(verbs)
			}
			return
		}
		reads := !strings.Contains(b.script, "-X ") && !strings.Contains(b.script, "--json ") && !strings.Contains(b.script, "stint ")
		if !reads || time.Now().After(end) {
			p.Fatalf("%s:%d:\n%swrote (%v):\n%s\nthe page has:\n%s", p.file, b.line, b.script, err, output, b.output)
		}
	}
}

func (p *page) sh(b *block) (string, error) {
	script := "set -a\n[ ! -f .state ] || . ./.state\n" + strings.ReplaceAll(b.script, written, p.url) + "\nexport -p > .state\n"
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", "-c", script)
	c.Dir, c.Env = p.dir, p.env
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	c.WaitDelay = time.Second
	err := c.Run()
	return strings.NewReplacer(p.url, written, "\r", "").Replace(out.String()), err
}

// watch starts a block in the background.
func (p *page) watch(b *block) {
	p.Helper()
	name := "watch" + strconv.Itoa(b.line)
	c := p.command("sh", "-c", "set -a\n[ ! -f .state ] || . ./.state\n"+strings.ReplaceAll(b.script, written, p.url))
	c.Stdout = p.create(name)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		p.Fatal(err)
	}
	stop := func() {
		syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		c.Wait()
	}
	p.Cleanup(stop)
	p.until(name, func() bool { return p.text(name) != "" || !b.shown })
	p.watching = append(p.watching, func() {
		for end := time.Now().Add(patient); !fits(b.output, p.text(name), true); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				p.Fatalf("%s:%d:\n%swrote:\n%s\nthe page has:\n%s", p.file, b.line, b.script, p.text(name), b.output)
			}
		}
	})
}

// rows tries the lines of a table of requests. What is refused must change
// nothing.
func (p *page) rows(rows []row) {
	var club, tracker []row
	for _, row := range rows {
		if row.tracker {
			tracker = append(tracker, row)
		} else {
			club = append(club, row)
		}
	}
	p.try(club, "/api/v0", "/api/v0/all?id=last", func(r *http.Request) { r.SetBasicAuth("", p.password) })
	if len(tracker) > 0 {
		token, err := p.sh(&block{script: `printf %s "$TOKEN"`})
		if err != nil || token == "" {
			p.Fatalf("%s sets no TOKEN: %v", p.file, err)
		}
		const home = "/api/v2/sessions.php"
		p.try(tracker, home, home, func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) })
	}
}

// try tries rows about an API. home is the path of those that name none; what
// they must leave as it is can be seen at state.
func (p *page) try(rows []row, home, state string, login func(*http.Request)) {
	p.Helper()
	if len(rows) == 0 {
		return
	}
	client := &http.Client{Transport: apitest.Transport(p, nil)}
	before := p.send(client, "GET", state, "", login).body
	for _, row := range rows {
		method, path, body, public := request(row.request, home)
		if method == "" {
			p.Errorf("%s:%d: %q is no request", p.file, row.line, row.request)
			continue
		}
		who := login
		if public {
			who = func(*http.Request) {}
		}
		got := p.send(client, method, path, body, who)
		var problem struct {
			Member string
			Error  struct{ Code, Field string }
		}
		_ = json.Unmarshal(got.body, &problem)
		member := problem.Member + problem.Error.Field
		if status := strconv.Itoa(got.status); status != row.status || member != row.member || problem.Error.Code != row.code {
			p.Errorf("%s:%d: %s\nanswered %s %s about %q: %s\nthe page has %s %s about %q",
				p.file, row.line, row.request, status, problem.Error.Code, member, got.body, row.status, row.code, row.member)
		}
	}
	if after := p.send(client, "GET", state, "", login).body; !bytes.Equal(before, after) {
		p.Errorf("%s: the table changed what is stored from %s to %s", p.file, before, after)
	}
}

type answer struct {
	status int
	body   []byte
}

func (p *page) send(client *http.Client, method, path, body string, login func(*http.Request)) answer {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), patient)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	login(r)
	res, err := client.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	return answer{res.StatusCode, text}
}
