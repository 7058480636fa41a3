// Package browsertest shows pages to a real browser in tests.
package browsertest

import (
	"context"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// names are the programs that are tried, in this order.
var names = []string{"chromium", "chromium-browser", "google-chrome"}

// start and end are how long a browser may take for either.
const (
	start = 60 * time.Second
	end   = 10 * time.Second
)

// Timeout is how long one test may use its browser; what runs longer fails.
const Timeout = 3 * time.Minute

// New starts a browser without a window and with a profile of its own, and returns the context of its first
// tab, for chromedp.Do and chromedp.Run. It reaches nothing but files and addresses of this machine, and ends
// with the test. The test fails if a page throws an error that nothing catches, or does what its policy refuses.
//
// Without a browser the test is skipped; with CI=true it fails.
func New(t testing.TB) context.Context {
	t.Helper()
	program := find()
	if program == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("there is no browser: one of %q is needed", names)
		}
		t.Skipf("there is no browser: one of %q is needed", names)
	}
	timed, stop := context.WithTimeout(context.Background(), Timeout)
	ctx, _ := chromedp.NewContext(timed, chromedp.WithAllocatorOptions(options(program)...))
	t.Cleanup(func() {
		closing, cancel := context.WithTimeout(context.Background(), end)
		defer cancel()
		done := make(chan struct{})
		go func() {
			chromedp.Cancel(ctx)
			close(done)
		}()
		select {
		case <-done:
		case <-closing.Done():
		}
		stop()
	})
	late := time.AfterFunc(start, stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("the browser did not start: %v", err)
	}
	late.Stop()
	watch(t, ctx)
	return ctx
}

func find() string {
	for _, name := range names {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	return ""
}

func options(program string) []chromedp.ExecAllocatorOption {
	return []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// No name is looked up: the browser stays on this machine.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
		chromedp.Flag("lang", "en"),
	}
}

// watch fails the test, at its end, for what the browser complained about.
func watch(t testing.TB, ctx context.Context) {
	t.Helper()
	var mu sync.Mutex
	var complaints []string
	err := chromedp.Listen(ctx, func(event any) {
		text := complaint(event)
		if text == "" {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		complaints = append(complaints, text)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, text := range complaints {
			t.Errorf("the browser says: %s", text)
		}
	})
}

func complaint(event any) string {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		return text
	case *log.EventEntryAdded:
		if e.Entry.Source == log.EntrySourceSecurity && e.Entry.Level == log.EntryLevelError {
			return e.Entry.Text
		}
	}
	return ""
}
