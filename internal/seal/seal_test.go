package seal

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func ring(t *testing.T, keys ...string) *Ring {
	t.Helper()
	r, err := Parse(strings.Join(keys, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealAndOpen(t *testing.T) {
	r := ring(t, NewKey())
	for _, plain := range []string{"", "x", "sixteen letters.", strings.Repeat("é", 10_000)} {
		sealed := r.Seal([]byte(plain), "session/1/notes")
		if len(plain) >= 16 && bytes.Contains(sealed, []byte(plain)) {
			t.Error("the text stands in its sealed form")
		}
		got, err := r.Open(sealed, "session/1/notes")
		if err != nil || string(got) != plain {
			t.Errorf("opened %.20q, %v", got, err)
		}
	}
	if bytes.Equal(r.Seal([]byte("a"), "x"), r.Seal([]byte("a"), "x")) {
		t.Error("two sealed texts are equal")
	}
}

func TestOpenRefuses(t *testing.T) {
	r := ring(t, NewKey())
	sealed := r.Seal([]byte("secret"), "session/1/notes")
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if _, err := r.Open(changed, "session/1/notes"); err == nil {
			t.Errorf("accepted with byte %d changed", i)
		}
		if _, err := r.Open(sealed[:i], "session/1/notes"); err == nil {
			t.Errorf("accepted after %d bytes", i)
		}
	}
	for _, where := range []string{"session/2/notes", "session/1/lockedby", ""} {
		if _, err := r.Open(sealed, where); err == nil {
			t.Errorf("opened as %q", where)
		}
	}
}

func TestRotation(t *testing.T) {
	before, after := NewKey(), NewKey()
	old, both, fresh := ring(t, before), ring(t, "# new key first", after, "", before), ring(t, after)
	sealed := old.Seal([]byte("secret"), "w")
	if got, err := both.Open(sealed, "w"); err != nil || string(got) != "secret" {
		t.Errorf("with both keys: %q, %v", got, err)
	}
	if _, err := fresh.Open(sealed, "w"); err == nil || !strings.Contains(err.Error(), old.Key().String()) {
		t.Errorf("without its key: %v", err)
	}
	if _, err := fresh.Open(both.Seal([]byte("secret"), "w"), "w"); err != nil {
		t.Errorf("new texts are not sealed with the first key: %v", err)
	}
	if both.Key() != fresh.Key() || both.Key() == old.Key() {
		t.Error("the ring names the wrong key")
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":     "",
		"comments":    "# a\n\n",
		"no prefix":   strings.TrimPrefix(NewKey(), prefix),
		"short":       NewKey()[:40],
		"long":        NewKey() + "AA",
		"second line": NewKey() + "\nrubbish",
	} {
		_, err := Parse(text)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "rubbish") {
			t.Errorf("%s: the error tells the key: %v", name, err)
		}
	}
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "stint.key")
	var all sync.WaitGroup
	ids := make([]ID, 16)
	for i := range ids {
		all.Go(func() {
			r, err := File(name)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = r.Key()
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("two keys were made: %v", ids)
		}
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(name), ".key-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.WriteFile(name, []byte("rubbish\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := File(name); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("a spoiled file: %v", err)
	}
	if _, err := File(filepath.Join(name, "below")); err == nil {
		t.Error("a file below a file was made")
	}
}
