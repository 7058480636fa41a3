//go:build linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that was started.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	addr  string
}

func (p *process) stop() {
	p.stdin.Close()
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
}

// rss is the resident memory in bytes.
func (p *process) rss() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(kib), "kB")))
			return float64(n) * 1024, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// build makes the binary under test.
func (b *bench) build() error {
	cmd := exec.CommandContext(b.ctx, "go", "build", "-o", b.stint, ".")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// command is this program in a role.
func (b *bench) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(b.ctx, b.self, args...)
	cmd.Stderr = os.Stderr
	return cmd
}

// start starts this program in a role and reads the address it prints.
func (b *bench) start(env []string, args ...string) (*process, error) {
	cmd := b.command(args...)
	cmd.Env = append(os.Environ(), env...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	addr, err := bufio.NewReader(out).ReadString('\n')
	return &process{cmd, stdin, strings.TrimSpace(addr)}, err
}

// server is a running Stint with a password of scope all.
type server struct {
	*process
	database string
	password string
}

// serve starts Stint on the database file, its log going to a file.
func (b *bench) serve(database string, env ...string) (*server, error) {
	password, err := b.output("password", "add", "bench "+time.Now().Format(time.RFC3339Nano), "--scope", "all", "--database", database)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	logs, err := os.Create(filepath.Join(b.dir, "stint.log"))
	if err != nil {
		return nil, err
	}
	defer logs.Close()
	cmd := exec.CommandContext(b.ctx, b.stint, "serve", "--listen", addr, "--database", database)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = logs, logs
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{&process{cmd, stdin, addr}, database, strings.TrimSpace(password)}
	for range 200 {
		r, err := http.Get("http://" + addr + "/readyz")
		if err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return s, nil
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.stop()
	return nil, errors.New("stint did not become ready")
}

// output runs a verb of Stint and returns what it prints.
func (b *bench) output(args ...string) (string, error) {
	cmd := exec.CommandContext(b.ctx, b.stint, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	return string(out), err
}

// database returns the path of a new database file.
func (b *bench) database(name string) string {
	return filepath.Join(b.dir, name+".db")
}
