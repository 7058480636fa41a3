package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

func TestPage(t *testing.T) {
	ctx := New(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<link rel="icon" href="data:,"><title>A page</title><p id="p">before</p><script>p.textContent = "after"</script>`)
	}))
	defer srv.Close()
	if err := chromedp.Do(ctx, chromedp.Navigate(srv.URL)); err != nil {
		t.Fatal(err)
	}
	if text, err := chromedp.Run(ctx, chromedp.Text(chromedp.ID("p"))); err != nil || text != "after" {
		t.Errorf("%q, %v", text, err)
	}
}

// recorder keeps what a test would have failed with.
type recorder struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }

func TestComplaints(t *testing.T) {
	r := &recorder{TB: t}
	ctx := New(r)
	file := filepath.Join(t.TempDir(), "page.html")
	page := `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'">
<script>setTimeout(() => { throw new Error("nobody caught this") })</script>
<img src="https://example.invalid/x.png">`
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate("file://"+file)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`new Promise(done => setTimeout(() => done(1), 50))`, chromedp.EvalAwaitPromise)); err != nil {
		t.Fatal(err)
	}
	for i := len(r.cleanups) - 1; i >= 0; i-- {
		r.cleanups[i]()
	}
	all := strings.Join(r.failures, "\n")
	for _, want := range []string{"nobody caught this", "Content Security Policy"} {
		if !strings.Contains(all, want) {
			t.Errorf("no complaint about %q in:\n%s", want, all)
		}
	}
}
