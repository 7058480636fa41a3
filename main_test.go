package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"stint/internal/db/dbtest"
)

// The scripts drive this test binary as stint, a process of its own.
func TestMain(m *testing.M) {
	programs := map[string]func(){"stint": main}
	if _, err := exec.LookPath("curl"); err != nil {
		programs["curl"] = func() { os.Exit(curl(os.Args[1:])) }
	}
	testscript.Main(m, programs)
}

func TestScripts(t *testing.T) {
	scripts(t, "testdata/script", nil)
}

// The scripts in testdata/script/postgres find a database in $DATABASE.
func TestScriptsOnPostgres(t *testing.T) {
	scripts(t, "testdata/script/postgres", func(e *testscript.Env) error {
		e.Setenv("DATABASE", dbtest.Postgres(e.T().(testing.TB)))
		return nil
	})
}

func scripts(t *testing.T, dir string, setup func(*testscript.Env) error) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:   dir,
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"port":   port,
			"ready":  ready,
			"until":  until,
			"line":   line,
			"begin":  begin,
			"finish": finish,
			"now":    now,
			"under":  under,
		},
	})
}

// port NAME sets the variable to a free port.
func port(ts *testscript.TestScript, neg bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	_, p, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], p)
}

// ready PORT waits until a server is ready.
func ready(ts *testscript.TestScript, neg bool, args []string) {
	ts.Check(within(10*time.Second, 20*time.Millisecond, func() error {
		r, err := http.Get("http://127.0.0.1:" + args[0] + "/readyz")
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return errors.New(r.Status)
		}
		return nil
	}))
}

// until FILE TEXT waits until the file that a process writes holds the text.
// until accepted|refused API PASSWORD waits until the server knows, or knows no
// more, the password; until revoked URL TOKEN the same for the tracker. All wait two seconds, the time in which a verb must take
// effect.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 3 {
		ts.Check(within(2*time.Second, 300*time.Millisecond, func() error {
			if args[0] == "revoked" {
				return revoked(args[1], args[2])
			}
			return credential(args[1], args[2], args[0] == "accepted")
		}))
		return
	}
	ts.Check(within(2*time.Second, 20*time.Millisecond, func() error {
		text, err := os.ReadFile(ts.MkAbs(args[0]))
		if err == nil && !bytes.Contains(text, []byte(args[1])) {
			err = fmt.Errorf("%s has no %q:\n%s", args[0], args[1], text)
		}
		return err
	}))
}

func credential(api, password string, wanted bool) error {
	r, err := http.NewRequest(http.MethodPut, api, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	r.SetBasicAuth("", password)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	resp.Body.Close()
	// An empty object is no action.
	status := http.StatusUnauthorized
	if wanted {
		status = http.StatusBadRequest
	}
	if resp.StatusCode != status {
		return fmt.Errorf("the answer is %s", resp.Status)
	}
	return nil
}

func revoked(base, token string) error {
	r, err := http.NewRequest(http.MethodGet, base+"/api/v2/sessions.php", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("the answer is %s", resp.Status)
	}
	return nil
}

func within(limit, pause time.Duration, try func() error) error {
	for end := time.Now().Add(limit); ; time.Sleep(pause) {
		if err := try(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

const begun = `{"type":"status","user":"Hans","status":"public","note":""}`

// begin PORT sends a request without the end of its body.
func begin(ts *testscript.TestScript, neg bool, args []string) {
	c, err := net.Dial("tcp", "127.0.0.1:"+args[0])
	ts.Check(err)
	ts.Defer(func() { c.Close() })
	_, err = fmt.Fprintf(c, "PUT /api/v0 HTTP/1.1\r\nHost: stint\r\nContent-Length: %d\r\n\r\n%s", len(begun), begun[:9])
	ts.Check(err)
	open.Store(ts, c)
	time.Sleep(100 * time.Millisecond) // the server has read it then
}

// open is the connection of each script's last begin.
var open sync.Map

// finish STATUS BODY sends that end and checks the answer.
func finish(ts *testscript.TestScript, neg bool, args []string) {
	found, _ := open.Load(ts)
	c := found.(net.Conn)
	_, err := io.WriteString(c, begun[9:])
	ts.Check(err)
	answer, err := io.ReadAll(c)
	ts.Check(err)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 "+args[0]) || !strings.HasSuffix(string(answer), "\r\n\r\n"+args[1]) {
		ts.Fatalf("answer %s", answer)
	}
}

// now NAME sets the variable to the time, and under TIME LIMIT fails when more
// time has passed since.
func now(ts *testscript.TestScript, neg bool, args []string) {
	ts.Setenv(args[0], time.Now().Format(time.RFC3339Nano))
}

func under(ts *testscript.TestScript, neg bool, args []string) {
	began, err := time.Parse(time.RFC3339Nano, args[0])
	ts.Check(err)
	limit, err := time.ParseDuration(args[1])
	ts.Check(err)
	if took := time.Since(began); took > limit {
		ts.Fatalf("took %s", took)
	}
}

// line NAME FILE START sets the variable to the first line of the file that
// starts with the text, without white space around it. START may be "-" for
// the only word of a file.
func line(ts *testscript.TestScript, neg bool, args []string) {
	text, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	for l := range strings.Lines(string(text)) {
		l = strings.TrimSpace(l)
		if args[2] == "-" || strings.HasPrefix(l, args[2]) {
			ts.Setenv(args[0], l)
			return
		}
	}
	ts.Fatalf("%s has no line that starts with %q:\n%s", args[1], args[2], text)
}

// curl does what the scripts ask of curl, on machines without it.
func curl(args []string) int {
	method, body, user, write := http.MethodGet, "", "", false
	var url string
	for i := 0; i < len(args); i++ {
		switch args[i] {
		case "-X":
			i, method = i+1, args[i+1]
		case "-d":
			i, body = i+1, args[i+1]
		case "-u":
			i, user = i+1, args[i+1]
		case "-w":
			i, write = i+1, true
		case "-o", "-m":
			i++
		case "-N", "-s":
		default:
			url = args[i]
		}
	}
	r, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	if err != nil {
		return 2
	}
	if name, password, ok := strings.Cut(user, ":"); ok {
		r.SetBasicAuth(name, password)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 7
	}
	defer resp.Body.Close()
	if write {
		fmt.Println(resp.StatusCode)
		return 0
	}
	if _, err := io.Copy(os.Stdout, bufio.NewReader(resp.Body)); err != nil {
		return 18
	}
	return 0
}
