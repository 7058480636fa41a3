package fair_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"stint/internal/browsertest"
	"stint/internal/tracker/fair"
)

// open shows the page from disk, as a person would open it.
func open(t *testing.T) context.Context {
	t.Helper()
	ctx := browsertest.New(t)
	load(t, ctx)
	return ctx
}

func load(t *testing.T, ctx context.Context) {
	t.Helper()
	file, err := filepath.Abs("verify.html")
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.Navigate("file://"+file))
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.getElementById("own").textContent !== ""`)); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// fill pastes a text into a field.
func fill(t *testing.T, ctx context.Context, id, text string) {
	t.Helper()
	evaluate[chromedp.Void](t, ctx, fmt.Sprintf(`{
		const field = document.getElementById(%q);
		field.value = %s;
		field.dispatchEvent(new Event("input"));
	}`, id, encode(t, text)))
}

// want looks for text where a person sees it.
func want(t *testing.T, ctx context.Context, id, text string) {
	t.Helper()
	got, err := chromedp.Run(ctx, chromedp.Poll[string](fmt.Sprintf(`document.getElementById(%q).innerText`, id)))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(got, text) {
		t.Errorf("%s shows %q, not %q", id, got, text)
	}
}

// choose gives the page each of a list of files (in base64), and answers what its verdict was.
const choose = `(async files => {
  const answers = [], head = document.getElementById("head"), input = document.getElementById("file");
  for (const file of files) {
    const bytes = Uint8Array.from(atob(file), c => c.charCodeAt(0)), list = new DataTransfer();
    list.items.add(new File([bytes], "draws.json"));
    input.files = list.files;
    head.textContent = "";
    input.dispatchEvent(new Event("change"));
    while (!head.textContent) await new Promise(done => setTimeout(done));
    answers.push(document.getElementById("verdict").className + " " + head.textContent + " " + document.getElementById("about").textContent);
  }
  return answers;
})`

func TestPage(t *testing.T) {
	ctx := open(t)
	want(t, ctx, "own", "agrees with your browser’s own")
	list := slices.DeleteFunc(samples(t), func(s sample) bool { return len(s.text) > fair.MaxDocument })
	for len(list) > 0 {
		part := list[:min(len(list), 100)]
		list = list[len(part):]
		files := make([]string, len(part))
		for i, s := range part {
			files[i] = base64.StdEncoding.EncodeToString(s.text)
		}
		answers := evaluate[[]string](t, ctx, choose+"("+string(encode(t, files))+")")
		for i, s := range part {
			if holds := strings.HasPrefix(answers[i], "good "); holds != s.holds {
				t.Errorf("%s: %s", s.name, answers[i])
			}
		}
	}
}

func TestPageFromAFile(t *testing.T) {
	ctx := open(t)
	file, err := filepath.Abs("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.SetUploadFiles(chromedp.ID("file"), []string{file}), chromedp.WaitVisible(chromedp.ID("verdict")))
	want(t, ctx, "head", "✓ All 4 draws hold")
	want(t, ctx, "about", "Compare the commitment with the one you were shown")
	want(t, ctx, "facts", "13bb2dfaf2d7ce2c625d29980d90142200d04b40e095f20d66147fb9fc797183")
	want(t, ctx, "facts", "“my-client-seed”")
	want(t, ctx, "facts", "4 draws of a chain of 8")
	for _, text := range []string{
		"+3 +6 → 9 × 1 d × 1.88 = 1,461,888 s, SUB", "− 16 d 22 h 4 min 48 s",
		"−6 +4 → 2 × 1 d × 1.85 = 319,680 s, SUB",
		"12 h × 1.18 = 50,976 s, SUB", "12 h × 1.24 = 53,568 s, SUB",
	} {
		want(t, ctx, "draws", text)
	}
	if n := evaluate[int](t, ctx, `document.querySelectorAll("#draws .good").length`); n != 4 {
		t.Errorf("%d draws hold", n)
	}
	large := filepath.Join(t.TempDir(), "large.json")
	if err := os.WriteFile(large, make([]byte, fair.MaxDocument+1), 0o600); err != nil {
		t.Fatal(err)
	}
	do(t, ctx, chromedp.SetUploadFiles(chromedp.ID("file"), []string{large}))
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.getElementById("about").innerText === "It has more than 16 MiB."`)); err != nil {
		t.Error(err)
	}
}

func TestPageFromPastedText(t *testing.T) {
	ctx := open(t)
	paste := func(text []byte, noted string) {
		t.Helper()
		fill(t, ctx, "text", string(text))
		fill(t, ctx, "noted", noted)
		do(t, ctx, chromedp.Click(chromedp.ID("check")))
	}
	paste(nil, "")
	want(t, ctx, "about", "Nothing has been chosen or pasted.")
	doc := games(t)
	paste(encode(t, doc), " "+strings.ToUpper(doc.Commitment))
	want(t, ctx, "head", "All 8 draws hold")
	want(t, ctx, "about", "The chain is the one you noted.")
	want(t, ctx, "draws", "Drawn end")
	paste(encode(t, doc), vectors(t).Commitment)
	want(t, ctx, "head", "The commitment is not the one you noted.")
	paste(edit(t, "draws.2.multi", 4_000), "")
	want(t, ctx, "head", "✗ Draw 3 does not hold")
	want(t, ctx, "about", "1 of 8 draws does not hold: multi is 4000, but the seed gives")
	if n := evaluate[int](t, ctx, `document.querySelectorAll("#draws .good").length`); n != 7 {
		t.Errorf("%d draws hold beside the one that does not", n)
	}
	paste(edit(t, "draws.2.clientseed", "<img src=x onerror=alert(1)>"), "")
	want(t, ctx, "facts", "<img src=x onerror=alert(1)>")
	doc.Draws, doc.Tip = []fair.Draw{doc.Draws[1], doc.Draws[4]}, ""
	paste(encode(t, doc), "")
	want(t, ctx, "facts", "draw 1, 3–4")
	want(t, ctx, "facts", "not revealed yet")
}

func TestPageShowsManyDrawsInSteps(t *testing.T) {
	ctx := open(t)
	luck := fair.Draw{Game: fair.Luck, Add: 60, Sub: 60, MinMulti: 100, MaxMulti: 100}
	list := make([]fair.Draw, 450)
	for i := range list {
		list[i] = luck
	}
	evaluate[[]string](t, ctx, choose+`(["`+base64.StdEncoding.EncodeToString(encode(t, draws(t, 1, "many", 500, list...)))+`"])`)
	for _, rows := range []int{200, 400, 450} {
		if n := evaluate[int](t, ctx, `document.querySelectorAll("#draws > li").length`); n != rows {
			t.Errorf("%d rows, want %d", n, rows)
		}
		if rows < 450 {
			do(t, ctx, chromedp.Click(chromedp.ID("more")))
		}
	}
	do(t, ctx, chromedp.WaitNotVisible(chromedp.ID("more")))
}

// Where a browser keeps its own hashes from files, the page has its own.
func TestPageWithoutTheBrowsersHashes(t *testing.T) {
	ctx := browsertest.New(t)
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `Object.defineProperty(Crypto.prototype, "subtle", { value: undefined })`,
	})
	if err != nil {
		t.Fatal(err)
	}
	load(t, ctx)
	want(t, ctx, "own", "Your browser keeps its own from this page.")
	fill(t, ctx, "text", string(encode(t, vectors(t))))
	do(t, ctx, chromedp.Click(chromedp.ID("check")))
	want(t, ctx, "head", "All 4 draws hold")
}

func TestPageFitsAPhone(t *testing.T) {
	ctx := open(t)
	do(t, ctx, chromedp.EmulateViewport(320, 640, chromedp.EmulateScale(2)))
	long := games(t)
	long.Draws[0].ClientSeed = strings.Repeat("w", 64)
	for _, text := range [][]byte{encode(t, games(t)), encode(t, long), []byte("{" + strings.Repeat("x", 500))} {
		fill(t, ctx, "text", string(text))
		do(t, ctx, chromedp.Click(chromedp.ID("check")))
		evaluate[chromedp.Void](t, ctx, `document.querySelectorAll("details").forEach(d => { d.open = true })`)
		if over := evaluate[int](t, ctx, `document.documentElement.scrollWidth - innerWidth`); over > 0 {
			t.Errorf("%.20s…: %d pixels are off the screen", text, over)
		}
	}
}

// Nothing but the page's own script and style may run, whatever stands in a document.
func TestPagePolicy(t *testing.T) {
	text, err := os.ReadFile("verify.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"script", "style"} {
		inside := regexp.MustCompile(`(?s)<` + part + `>(.*)</` + part + `>`).FindSubmatch(text)
		if inside == nil {
			t.Fatalf("no %s", part)
		}
		sum := sha256.Sum256(inside[1])
		policy := fmt.Sprintf("%s-src 'sha256-%s'", part, base64.StdEncoding.EncodeToString(sum[:]))
		if !strings.Contains(string(text), policy) {
			t.Errorf("the policy must have: %s", policy)
		}
	}
	if !strings.Contains(string(text), "default-src 'none'") {
		t.Error("the policy allows something else")
	}
	if strings.Contains(string(text), "://") {
		t.Error("the page has an address")
	}
}
