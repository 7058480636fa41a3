package web_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stint/internal/web"
)

// sink is a log that can be read while it is written.
type sink struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (s *sink) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes.Write(b)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes.String()
}

// line waits for the first line of the log and returns its members.
func (s *sink) line(t *testing.T, message string) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		for text := range strings.Lines(s.String()) {
			var line map[string]any
			if json.Unmarshal([]byte(text), &line) == nil && line["msg"] == message {
				return line
			}
		}
	}
	t.Fatalf("no line %q in %q", message, s)
	return nil
}

// logged serves one handler behind Log over a socket.
func logged(t *testing.T, pattern string, h http.HandlerFunc) (url string, log *sink) {
	log = &sink{}
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, h)
	s := httptest.NewServer(web.Log(slog.New(slog.NewJSONHandler(log, nil)), mux))
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		s.Close()
	})
	return s.URL, log
}

func send(t *testing.T, method, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Secret", "hidden-header")
	r.SetBasicAuth("hidden-user", "hidden-password")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestLogLines(t *testing.T) {
	for _, c := range []struct {
		name    string
		method  string
		handler http.HandlerFunc
		status  int
		bytes   int
	}{
		{"a body", "GET", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }, 200, 5},
		{"nothing", "GET", func(w http.ResponseWriter, r *http.Request) {}, 200, 0},
		{"a status", "GET", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(304) }, 304, 0},
		{"a status and a body", "PUT", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(404)
			io.WriteString(w, "no")
		}, 404, 2},
		{"a made-up method", "HIDDEN", func(w http.ResponseWriter, r *http.Request) {}, 200, 0},
		{"a connection taken over", "GET", func(w http.ResponseWriter, r *http.Request) {
			c, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nX-Request-Id: x\r\nConnection: close\r\n\r\n")
				c.Close()
			}
		}, 200, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			url, log := logged(t, "/hidden-path/{name}", c.handler)
			resp := send(t, c.method, url+"/hidden-path/hidden-name?hidden-query=hidden-value", `{"note":"hidden-note"}`)
			if resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", resp.StatusCode, c.status)
			}
			line := log.line(t, "request")
			want := map[string]any{"route": "/hidden-path/{name}", "status": float64(c.status), "bytes": float64(c.bytes),
				"method": strings.Replace(c.method, "HIDDEN", "other", 1)}
			for key, value := range want {
				if line[key] != value {
					t.Errorf("%s is %v, want %v", key, line[key], value)
				}
			}
			if id := resp.Header.Get("X-Request-Id"); id != "x" && line["id"] != id {
				t.Errorf("id is %v, the answer has %q", line["id"], id)
			}
			text := strings.ReplaceAll(log.String(), "/hidden-path/{name}", "")
			if strings.Contains(strings.ToLower(text), "hidden") || strings.Contains(text, "127.0.0.1") {
				t.Errorf("the log tells too much: %s", text)
			}
		})
	}
}

// TestRequestIDs: an id must fit the contract, and must not say how many
// requests others made.
func TestRequestIDs(t *testing.T) {
	h := web.Log(slog.New(slog.DiscardHandler), http.NotFoundHandler())
	seen := map[string]bool{}
	prefixes := map[string]bool{}
	for range 1000 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		id := w.Header().Get("X-Request-Id")
		if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`).MatchString(id) || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
		prefixes[(id + "  ")[:2]] = true
	}
	if len(prefixes) < 100 {
		t.Errorf("a thousand ids begin with only %d pairs of letters", len(prefixes))
	}
}

func TestPanics(t *testing.T) {
	t.Run("before the answer", func(t *testing.T) {
		url, log := logged(t, "/", func(http.ResponseWriter, *http.Request) { panic("oh no") })
		resp := send(t, "GET", url, "")
		if resp.StatusCode != 500 {
			t.Errorf("status %d", resp.StatusCode)
		}
		body, _ := io.ReadAll(resp.Body)
		if strings.Contains(string(body), "oh no") {
			t.Errorf("the client is told %q", body)
		}
		line := log.line(t, "panic")
		if line["panic"] != "oh no" || line["id"] != resp.Header.Get("X-Request-Id") || !strings.Contains(fmt.Sprint(line["stack"]), "log_test.go") {
			t.Errorf("logged: %v", line)
		}
		if line := log.line(t, "request"); line["status"] != 500.0 {
			t.Errorf("logged: %v", line)
		}
	})
	t.Run("in the middle of the answer", func(t *testing.T) {
		url, log := logged(t, "/", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			panic("oh no")
		})
		if resp := send(t, "GET", url, ""); resp.StatusCode != 200 {
			t.Errorf("status %d", resp.StatusCode)
		}
		log.line(t, "panic")
		if line := log.line(t, "request"); line["status"] != 200.0 {
			t.Errorf("logged: %v", line)
		}
	})
	t.Run("an abort on purpose", func(t *testing.T) {
		url, log := logged(t, "/", func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		resp, err := http.Get(url)
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Error("the answer looks whole")
		}
		log.line(t, "request")
		if strings.Contains(log.String(), `"panic"`) {
			t.Errorf("logged: %s", log)
		}
	})
}

// TestLogKeepsTheConnection: what a handler may do with the connection it may
// also do behind Log.
func TestLogKeepsTheConnection(t *testing.T) {
	errs := make(chan error, 3)
	url, _ := logged(t, "/", func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		errs <- c.SetWriteDeadline(time.Now().Add(time.Minute))
		errs <- c.SetReadDeadline(time.Now().Add(time.Minute))
		errs <- c.Flush()
	})
	send(t, "GET", url, "")
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestBufferedWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to sink
		b := web.NewBufferedWriter(&to)
		b.Flush()
		fmt.Fprint(b, "one ")
		time.Sleep(199 * time.Millisecond)
		fmt.Fprint(b, "two ")
		if to.String() != "" {
			t.Errorf("too early: %q", to.String())
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if to.String() != "one two " {
			t.Errorf("after 200 ms: %q", to.String())
		}
		time.Sleep(time.Minute)
		fmt.Fprint(b, "three ")
		b.Flush()
		if to.String() != "one two three " {
			t.Errorf("after Flush: %q", to.String())
		}
		long := strings.Repeat("x", 40<<10)
		fmt.Fprint(b, long)
		if to.String() != "one two three "+long {
			t.Error("a long line waits")
		}
		fmt.Fprint(b, "last")
		time.Sleep(time.Second)
		synctest.Wait()
		if to.String() != "one two three "+long+"last" {
			t.Error("lost what came after a long line")
		}
	})
}

func TestBufferedWriterTogether(t *testing.T) {
	var to sink
	b := web.NewBufferedWriter(&to)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 500 {
				fmt.Fprintf(b, "line of writer %d\n", i)
			}
		})
	}
	wg.Wait()
	b.Flush()
	count := 0
	for line := range strings.Lines(to.String()) {
		if len(line) != len("line of writer 0\n") {
			t.Fatalf("a torn line: %q", line)
		}
		count++
	}
	if count != 4000 {
		t.Errorf("%d lines, want 4000", count)
	}
}

// broken refuses everything.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, net.ErrClosed }

func TestBufferedWriterNeverFails(t *testing.T) {
	b := web.NewBufferedWriter(broken{})
	for range 3 {
		if n, err := io.WriteString(b, "line\n"); n != 5 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		b.Flush()
	}
}

// raw sends text over a connection of its own and returns the answer.
func raw(t *testing.T, url, text string) *http.Response {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	io.WriteString(c, text)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
