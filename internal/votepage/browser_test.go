package votepage_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"stint/internal/browsertest"
	"stint/internal/db/dbtest"
)

// A phone votes. STINT_SCREENSHOTS names a folder for pictures of what it shows.
func TestInABrowser(t *testing.T) {
	ctx := browsertest.New(t)
	h := open(t, dbtest.Open(t, dbtest.SQLite(t)), settings())
	do := func(steps ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, steps...); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.EmulateViewport(320, 640, chromedp.EmulateMobile), chromedp.Navigate(h.url))
	shows(t, ctx, "Your vote moves it.")
	picture(t, ctx, "vote")
	fits(t, ctx)
	h.counted(0)
	do(chromedp.Click(chromedp.CSS(`button[value="add"]`)), chromedp.WaitVisible(chromedp.CSS("details")))
	shows(t, ctx, "Your vote is counted", "The end moved later by 2 days", "You can vote again from 6 February 2026, 00:00 UTC on.")
	h.counted(1)
	do(chromedp.Click(chromedp.CSS("summary")))
	picture(t, ctx, "voted")
	fits(t, ctx)
	do(chromedp.Navigate(h.url))
	shows(t, ctx, "You have voted")
	picture(t, ctx, "again")
	h.counted(1)
	cookies, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.cookie"))
	if err != nil || cookies != "" {
		t.Errorf("a script can read %q, %v", cookies, err)
	}
}

func shows(t *testing.T, ctx context.Context, words ...string) {
	t.Helper()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("main")))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in %q", w, text)
		}
	}
}

// fits checks that nothing has to be scrolled sideways and that what is touched is large enough.
func fits(t *testing.T, ctx context.Context) {
	t.Helper()
	for script, wrong := range map[string]string{
		"document.documentElement.scrollWidth > innerWidth":                                                                            "the page is wider than the screen",
		"[...document.querySelectorAll('button')].some(b => b.offsetHeight < 44)":                                                      "a button is too small",
		"getComputedStyle(document.querySelector('h1')).fontSize === '16px'":                                                           "the style was refused",
		"performance.getEntriesByType('resource').some(e => !e.name.startsWith(location.origin + '/') && !e.name.startsWith('data:'))": "something comes from elsewhere",
	} {
		if bad, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script)); err != nil || bad {
			t.Errorf("%s (%v)", wrong, err)
		}
	}
}

func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	folder := os.Getenv("STINT_SCREENSHOTS")
	if folder == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), png, 0o600)
	}
	if err != nil {
		t.Error(err)
	}
}
