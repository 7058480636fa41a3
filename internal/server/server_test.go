package server

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"stint/api/apitest"
	"stint/internal/config"
	"stint/internal/db/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a server in this process.
type running struct {
	base     string // scheme and address
	password string
	log      *buffer
	stop     func() error // returns what Run returned
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var secret = regexp.MustCompile(`-u :([a-z2-7]{52}) `)

// start runs a server with flags "name=value" until the test ends.
func start(t *testing.T, flags ...string) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	given := map[string]string{"listen": address, "database": dbtest.SQLite(t), "log-level": "debug"}
	for _, f := range flags {
		name, value, _ := strings.Cut(f, "=")
		given[name] = value
	}
	c, err := config.Load(config.Sources{Env: func(string) string { return "" }, Flags: given})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	var out, log buffer
	go func() { ended <- Run(ctx, c, &out, &log) }()
	r := &running{base: "http://" + address, log: &log, stop: sync.OnceValue(func() error { cancel(); return <-ended })}
	t.Cleanup(func() { r.stop() })
	for range 500 {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			if found := secret.FindStringSubmatch(out.String()); found != nil {
				r.password = found[1]
				return r
			}
			if strings.Contains(log.String(), "msg=listening") {
				return r // there is no club, or it has passwords
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("no server: %s", log.String())
	return nil
}

func client(t *testing.T, base http.RoundTripper) *http.Client {
	c := &http.Client{Transport: apitest.Transport(t, base), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	t.Cleanup(func() { base.(*http.Transport).CloseIdleConnections() })
	return c
}

func get(t *testing.T, c *http.Client, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestPages(t *testing.T) {
	s := start(t)
	c := client(t, &http.Transport{})
	versions, _ := get(t, c, "GET", s.base+"/api/versions")
	for _, step := range []struct {
		method, path string
		status       int
		body         string
		headers      []string
	}{
		{"GET", "/api/versions", 200, `{"versions":[0,2]}`, nil},
		{"HEAD", "/api/versions", 200, "", nil},
		{"GET", "/api/versions", 304, "", []string{"If-None-Match", versions.Header.Get("ETag")}},
		{"PUT", "/api/versions", 405, "This path takes GET, HEAD", nil},
		{"OPTIONS", "/api/versions", 204, "", nil},
		{"GET", "/healthz", 200, "ok\n", nil},
		{"GET", "/readyz", 200, "ok\n", nil},
		{"HEAD", "/readyz", 200, "", nil},
		{"POST", "/readyz", 405, "GET, HEAD", nil},
		{"GET", "/api", 404, "There is nothing at this path.", nil},
		{"GET", "//healthz", 404, "There is nothing at this path.", nil},
		{"PUT", "/api/v0//status", 404, "There is no such path. The action types are", nil},
		{"GET", "/api/v0/../v0/status", 404, "There is no such path.", nil},
		{"GET", "/api/v2//sessions.php", 404, `{"ok":false,"error":{"code":"not_found",`, nil},
		{"GET", "/api/v2/sessions.php", 401, `{"ok":false,"error":{"code":"unauthorized",`, nil},
		{"GET", "/", 200, "The club is closed.", nil},
		{"GET", "/docs/api/", 200, "swagger-ui-bundle.js", nil},
		{"GET", "/docs/api", 307, "", nil},
		{"GET", "/docs/api/swagger-ui-bundle.js", 200, "", nil},
		{"GET", "/docs/api/nothing.js", 404, "", nil},
		{"GET", "/docs/api/openapi.yaml", 200, "openapi: 3.1.0", nil},
	} {
		r, body := get(t, c, step.method, s.base+step.path, step.headers...)
		if r.StatusCode != step.status || !strings.Contains(body, step.body) {
			t.Errorf("%s %s: %d %.300s", step.method, step.path, r.StatusCode, body)
		}
		if r.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s %s: no request id", step.method, step.path)
		}
	}
	for _, path := range []string{"/", "/docs/api/"} {
		r, _ := get(t, c, "GET", s.base+path)
		if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "'sha256-") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

// Whoever is connected when the server stops gets the end of a stream, and the
// process ends with nothing left behind.
func TestStopEndsStreams(t *testing.T) {
	file := certificate(t, "localhost")
	for name, flags := range map[string][]string{"plain": nil, "TLS": {"tls-certificate=" + file, "tls-key=" + file}} {
		t.Run(name, func(t *testing.T) {
			s := start(t, flags...)
			transport := &http.Transport{}
			if flags != nil {
				s.base = strings.Replace(s.base, "http:", "https:", 1)
				transport = &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
			}
			r, err := http.NewRequest("GET", s.base+"/api/v0/all/stream?format=SSE", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth("", s.password)
			resp, err := client(t, transport).Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if want := map[bool]int{false: 1, true: 2}[flags != nil]; resp.ProtoMajor != want {
				t.Errorf("HTTP/%d, want %d", resp.ProtoMajor, want)
			}
			lines := bufio.NewReader(resp.Body)
			if first, err := lines.ReadString('\n'); err != nil || first != "retry: 3000\n" {
				t.Fatal(first, err)
			}
			began := time.Now()
			ended := make(chan error)
			go func() {
				_, err := io.Copy(io.Discard, lines)
				ended <- err
			}()
			if err := s.stop(); err != nil {
				t.Error(err)
			}
			if err := <-ended; err != nil {
				t.Error("the stream was cut: ", err)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %s", took)
			}
			if log := s.log.String(); !strings.Contains(log, "msg=stopped") || strings.Contains(log, s.password) {
				t.Error(log)
			}
		})
	}
}

// certificate writes a self-signed certificate and its key into one file.
func certificate(t *testing.T, name string) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name+".pem")
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBaseURL(t *testing.T) {
	file := certificate(t, "club.example")
	tls := []string{"tls-certificate=" + file, "tls-key=" + file}
	for want, flags := range map[string][]string{
		"url=http://127.0.0.1:":     {},
		"url=https://club.example:": tls,
		"url=https://door.example ": {"public-url=https://door.example/"},
	} {
		s := start(t, flags...)
		if s.stop(); !strings.Contains(s.log.String(), want) {
			t.Errorf("no %s in %s", want, s.log.String())
		}
	}
}

// A renewed certificate is used without a restart; files that can't be used
// leave the old one in force.
func TestRenewedCertificate(t *testing.T) {
	file := certificate(t, "old.example")
	c := &config.Config{}
	c.TLS.Certificate, c.TLS.Key = file, file
	k, err := certificates(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	install := func(from string, age time.Duration) {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(age)); err != nil {
			t.Fatal(err)
		}
		k.looked = time.Time{}
	}
	used := func() string {
		pair, err := k.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.DNSNames[0]
	}
	install("server_test.go", time.Hour)
	if name := used(); name != "old.example" {
		t.Error(name)
	}
	install(certificate(t, "new.example"), 2*time.Hour)
	if name := used(); name != "new.example" {
		t.Error(name)
	}
}
