// Package seal encrypts small texts for storage: AES-256-GCM under a ring of named keys, with associated data
// that binds a text to its row and column.
//
// A sealed text is one version byte, the four bytes of the key's id, twelve random bytes, and what GCM made. New
// texts are sealed with the first key of the ring; texts sealed with any key of the ring can be opened.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	version = 1
	keySize = 32
	idSize  = 4
	prefix  = "stint-key-"
)

// Ring is the keys in use, the one for new texts first. It is safe for concurrent use.
type Ring struct {
	first ID
	keys  map[ID]cipher.AEAD
}

// ID names a key without telling it: the first four bytes of its SHA-256.
type ID [idSize]byte

// String is the id in hexadecimal.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// NewKey is a fresh random key as text: "stint-key-" and 32 bytes in unpadded URL-safe base 64.
func NewKey() string {
	var k [keySize]byte
	rand.Read(k[:])
	return prefix + base64.RawURLEncoding.EncodeToString(k[:])
}

// Parse reads keys as NewKey writes them, one per line; empty lines and lines that begin with # are skipped. The
// first key seals, all of them open. An error names the line, never the key.
func Parse(text string) (*Ring, error) {
	r := &Ring{keys: map[ID]cipher.AEAD{}}
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(line, prefix))
		if err != nil || len(key) != keySize || !strings.HasPrefix(line, prefix) {
			return nil, fmt.Errorf("line %d is not a key: a key is %s and 43 characters of base 64", n, prefix)
		}
		id, aead := load(key)
		if len(r.keys) == 0 {
			r.first = id
		}
		r.keys[id] = aead
	}
	if len(r.keys) == 0 {
		return nil, errors.New("there is no key")
	}
	return r, nil
}

func load(key []byte) (ID, cipher.AEAD) {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(key)
	return ID(sum[:idSize]), aead
}

// File reads the ring in the named file. If there is no such file it makes one, with one new key, readable by its
// owner only, and its folder if need be. Two processes that make it at the same time end with the same key.
func File(name string) (*Ring, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(name); err != nil {
			return nil, err
		}
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, err
	}
	r, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// create writes a new key beside its final name first, so that nobody ever reads half a key.
func create(name string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(NewKey() + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// Has says whether a key with this id, as ID.String writes it, is in the ring.
func (r *Ring) Has(id string) bool {
	for have := range r.keys {
		if have.String() == id {
			return true
		}
	}
	return false
}

// Key is the id of the key that seals new texts: what a copy of the database needs besides itself.
func (r *Ring) Key() ID { return r.first }

// Seal encrypts plain for the one place that where names, such as "session/17/notes".
func (r *Ring) Seal(plain []byte, where string) []byte {
	aead := r.keys[r.first]
	head := 1 + idSize + aead.NonceSize()
	out := make([]byte, head, head+len(plain)+aead.Overhead())
	out[0] = version
	copy(out[1:], r.first[:])
	rand.Read(out[1+idSize:])
	return aead.Seal(out, out[1+idSize:head], plain, associated(r.first, where))
}

// Open decrypts what Seal wrote for the same place. It fails when the text was changed, was sealed for another
// place, or with a key that is not in the ring; the error then names the key's id.
func (r *Ring) Open(sealed []byte, where string) ([]byte, error) {
	if len(sealed) < 1+idSize || sealed[0] != version {
		return nil, fmt.Errorf("%s: not a sealed text", where)
	}
	id := ID(sealed[1:])
	aead, ok := r.keys[id]
	if !ok {
		return nil, fmt.Errorf("%s: sealed with key %s, which is not in the ring", where, id)
	}
	rest := sealed[1+idSize:]
	if len(rest) < aead.NonceSize() {
		return nil, fmt.Errorf("%s: not a sealed text", where)
	}
	plain, err := aead.Open(nil, rest[:aead.NonceSize()], rest[aead.NonceSize():], associated(id, where))
	if err != nil {
		return nil, fmt.Errorf("%s: the sealed text was changed or belongs elsewhere", where)
	}
	return plain, nil
}

func associated(id ID, where string) []byte {
	return append(append([]byte{version}, id[:]...), where...)
}
