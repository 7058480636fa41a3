// Package fair_test holds the two verifiers in this folder, verify.py and verify.html, to the program's own.
package fair_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stint/internal/tracker/fair"
)

var update = flag.Bool("update", false, "write the documents in testdata again")

const clientSeed = "my-client-seed"

// draws rolls each draw from the chain of length seeds that ends in the hash of tip, and fills in its nonce if
// it has none.
func draws(t testing.TB, session int64, tip string, length int, list ...fair.Draw) *fair.Document {
	t.Helper()
	chain, s0 := fair.NewChain(sha256.Sum256([]byte(tip)), length)
	doc := &fair.Document{Scheme: fair.Scheme, Session: session, Commitment: s0.String(), Length: length, Draws: []fair.Draw{}}
	for i, d := range list {
		if d.Nonce == 0 {
			d.Nonce = i + 1
		}
		if err := d.Roll(session, chain.Seed(d.Nonce)); err != nil {
			t.Fatal(err)
		}
		doc.Draws = append(doc.Draws, d)
	}
	return doc
}

// vectors is the document of the readings' test vectors.
func vectors(t testing.TB) *fair.Document {
	dice := fair.Draw{Game: fair.Dice, ClientSeed: clientSeed, Dices: 2, Unit: 86_400, MinMulti: 100, MaxMulti: 200}
	luck := fair.Draw{Game: fair.Luck, ClientSeed: clientSeed, Add: 86_400, Sub: 12 * 3_600, MinMulti: 100, MaxMulti: 150}
	return draws(t, 999, "example tip - 32 random bytes in production", 8, dice, dice, luck, luck)
}

// games has every kind of draw, and the tip. There is much to choose from in each, so that nothing that is changed
// comes out the same by chance.
func games(t testing.TB) *fair.Document {
	doc := draws(t, 1_234_567, "every kind of draw", 12,
		fair.Draw{Game: fair.Dice, ClientSeed: clientSeed, Dices: 3, Unit: 3_600, MinMulti: 50, MaxMulti: 150},
		fair.Draw{Game: fair.Luck, ClientSeed: clientSeed, Add: 86_400, Sub: 7_200, MinMulti: 100, MaxMulti: 9_999},
		fair.Draw{Game: fair.Link, ClientSeed: clientSeed, Choice: fair.Rand, Add: 600, Sub: 900, MinMulti: 1, MaxMulti: 10_000},
		fair.Draw{Game: fair.MaxEnd, ClientSeed: clientSeed, From: 1_800_000_000, To: 1_800_604_800},
		fair.Draw{Game: fair.Dice, ClientSeed: "fünf – 五", Dices: 1, Unit: 60, MinMulti: 1, MaxMulti: 10_000},
		fair.Draw{Game: fair.Link, ClientSeed: "fünf – 五", Choice: fair.Add, Add: 3_600, MinMulti: 1, MaxMulti: 10_000},
		fair.Draw{Game: fair.Link, Choice: fair.Sub, Add: 3_600, Sub: 5_400, MinMulti: 1, MaxMulti: 10_000},
		fair.Draw{Game: fair.Dice, Dices: 20, Unit: 2_592_000, MinMulti: 1, MaxMulti: 10_000},
	)
	chain, _ := fair.NewChain(sha256.Sum256([]byte("every kind of draw")), doc.Length)
	doc.Tip = chain.Tip().String()
	return doc
}

// account is an account's chain, with ends drawn from spans that throw many numbers away.
func account(t testing.TB) *fair.Document {
	return draws(t, 0, "an account", 100,
		fair.Draw{Nonce: 2, Game: fair.MaxEnd, ClientSeed: "🎲", From: 1_800_000_000, To: 1_800_000_000 + 1<<31},
		fair.Draw{Nonce: 3, Game: fair.MaxEnd, ClientSeed: "🎲", From: 0, To: 1<<32 - 1},
		fair.Draw{Nonce: 7, Game: fair.MaxEnd, ClientSeed: "🎲", From: 1_800_000_000, To: 1_800_000_000},
		fair.Draw{Nonce: 100, Game: fair.MaxEnd, ClientSeed: "🎲", From: 1_800_000_000, To: 1_800_000_000 + 1<<31})
}

// TestDocuments compares the documents in testdata with what the program draws.
func TestDocuments(t *testing.T) {
	for name, doc := range map[string]*fair.Document{
		"vectors.json": vectors(t), "games.json": games(t), "account.json": account(t),
	} {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(doc); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, want.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not what is drawn (go test -update writes it): %v", file, err)
		}
	}
}

// TestVectors reads the numbers of the readings in the document that all verifiers accept.
func TestVectors(t *testing.T) {
	doc := vectors(t)
	if doc.Commitment != "13bb2dfaf2d7ce2c625d29980d90142200d04b40e095f20d66147fb9fc797183" {
		t.Error("s_0 =", doc.Commitment)
	}
	if doc.Draws[0].Seed != "f3c5983c730ebc3b73e6deb9351c9ebc2efeb99e0779ed76c755d33da90bb462" {
		t.Error("s_1 =", doc.Draws[0].Seed)
	}
	if doc.Draws[1].Seed != "e7e8bdb269af5693b9dd983ae7080f2554687e493eae35cc994ae629f7315af8" {
		t.Error("s_2 =", doc.Draws[1].Seed)
	}
	for i, seconds := range []int64{1_461_888, 319_680, 50_976, 53_568} {
		if d := doc.Draws[i]; d.Operation != fair.Sub || d.Seconds != seconds {
			t.Errorf("draw %d: %s %d, want SUB %d", d.Nonce, d.Operation, d.Seconds, seconds)
		}
	}
}

// TestDocumentation holds the numbers in fair.md to what is drawn.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../fair.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := vectors(t)
	first := doc.Draws[0]
	seed, err := fair.ParseSeed(first.Seed)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha256.New, seed[:])
	mac.Write([]byte("fair1\n999\n1\nDICE\nmy-client-seed\n0"))
	block := mac.Sum(nil)
	words := make([]string, len(block)/4)
	for i := range words {
		words[i] = fmt.Sprint(binary.BigEndian.Uint32(block[4*i:]))
	}
	for _, want := range []string{
		doc.Commitment, first.Seed, doc.Draws[1].Seed, hex.EncodeToString(block), strings.Join(words, ", "),
		"= 1,461,888 s", "= 319,680 s", "= 50,976 s", "= 53,568 s",
	} {
		if !strings.Contains(string(text), "`"+want+"`") && !strings.Contains(string(text), want+" |") {
			t.Errorf("fair.md has no %s", want)
		}
	}
}
