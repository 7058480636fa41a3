// Package account keeps who may do what: the club's passwords, and the people
// of the tracker with their zones and tokens.
//
// A secret is stored as a hash and is shown once, when it is made. CheckPassword
// and CheckToken answer from memory when they can; what was revoked is refused
// in this process as soon as the call that revoked it returns, and in every
// other process as soon as it hears the bell.
package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"stint/internal/db"
)

// The kinds of error that the calls of this package return beside those of the
// database. Except for ErrUnauthorized the error's text is a sentence that says
// what was wrong and what is allowed.
var (
	// ErrUnauthorized is the one answer to every credential that does not hold.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrInvalid says that an argument is not allowed.
	ErrInvalid = errors.New("invalid")
	// ErrExists says that a name is taken.
	ErrExists = errors.New("exists")
	// ErrNotFound says that there is nothing by that name.
	ErrNotFound = errors.New("not found")
)

const (
	topic       = "account"   // the bell of everything in this package
	renewal     = time.Minute // tables are read again at least this often, should a bell be lost
	retry       = time.Second // pause after the tables could not be read
	maxName     = 50          // bytes of a label or a person's name
	waitingUses = 256         // uses that may wait to be written down
)

const tables = `
create table club_password (
	id bigint primary key,
	label text not null unique,
	scope text not null,
	hash text not null,
	created bigint not null,
	used bigint not null
);
create table person (
	id bigint primary key,
	name text not null,
	folded text not null unique,
	zone text not null,
	created bigint not null
);
create table token (
	id bigint primary key,
	person bigint not null references person (id),
	label text not null,
	scope text not null,
	hash bytea not null unique,
	created bigint not null,
	expires bigint not null,
	used bigint not null,
	unique (person, label)
)`

// Store is the accounts in one database. Its methods may be called by any
// number of goroutines.
type Store struct {
	db *db.DB

	loading   sync.Mutex // one load at a time, so that an older list never replaces a newer one
	passwords atomic.Pointer[passwords]
	key       [32]byte      // of the digests under which verified chosen passwords are remembered
	hashing   chan struct{} // a place for each argon2id that runs
	tokens    tokenCache
	uses      chan use

	stop context.CancelFunc
	done sync.WaitGroup
}

// Open prepares the tables and begins to follow them.
func Open(ctx context.Context, d *db.DB) (*Store, error) {
	if err := d.Migrate(ctx, "account", tables); err != nil {
		return nil, err
	}
	s := &Store{db: d, hashing: make(chan struct{}, maxHashing), uses: make(chan use, waitingUses)}
	rand.Read(s.key[:])
	// The bell is asked for its number before the tables are read, so that a
	// ring between the two is heard.
	heard, err := d.Wait(ctx, topic, math.MaxUint64)
	if err != nil {
		return nil, err
	}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	ctx, s.stop = context.WithCancel(context.Background())
	s.done.Go(func() { s.follow(ctx, heard) })
	s.done.Go(func() { s.recordUses(ctx) })
	return s, nil
}

// Close stops following the tables. The database stays open.
func (s *Store) Close() {
	s.stop()
	s.done.Wait()
}

// follow renews what is kept in memory whenever the bell rings. While the
// database can't be read the old list of passwords stays in force.
func (s *Store) follow(ctx context.Context, heard uint64) {
	for {
		waiting, cancel := context.WithTimeout(ctx, renewal)
		rung, err := s.db.Wait(waiting, topic, heard)
		cancel()
		if ctx.Err() != nil || errors.Is(err, db.ErrClosed) {
			return
		}
		s.tokens.forget()
		if s.load(ctx) == nil {
			heard = rung
			continue
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
	}
}

// write is db.Do for changes that every process must hear of. When it returns,
// this process knows them already.
func (s *Store) write(ctx context.Context, fn func(*db.Tx) error) error {
	err := s.db.Do(ctx, func(tx *db.Tx) error {
		tx.Ring(topic)
		return fn(tx)
	})
	if err != nil {
		return err
	}
	s.tokens.forget()
	// The change is made, whatever becomes of the caller; should reading fail,
	// the bell has rung and follow tries again.
	_ = s.load(context.WithoutCancel(ctx))
	return nil
}

// use is a credential that was used and deserves a new date.
type use struct {
	statement string
	id, at    int64
}

// noteUse passes a use on to be written down, if the last one written is older
// than the interval in seconds. It never waits; when many uses wait, this one
// is left to the next request.
func (s *Store) noteUse(last *atomic.Int64, interval int64, u use) {
	before := last.Load()
	if u.at-before < interval || !last.CompareAndSwap(before, u.at) {
		return
	}
	select {
	case s.uses <- u:
	default:
		last.Store(before)
	}
}

func (s *Store) recordUses(ctx context.Context) {
	for {
		select {
		case u := <-s.uses:
			// A date that could not be written is of no consequence.
			_ = s.db.Do(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(u.statement, u.at, u.id)
				return err
			})
		case <-ctx.Done():
			return
		}
	}
}

// refusal is an error with a kind for programs and a sentence for people.
type refusal struct {
	kind error
	text string
}

func (r *refusal) Error() string { return r.text }
func (r *refusal) Unwrap() error { return r.kind }

func refuse(kind error, format string, args ...any) error {
	return &refusal{kind, fmt.Sprintf(format, args...)}
}

// checkName refuses what can't be a label or a person's name.
func checkName(what, name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) || strings.TrimSpace(name) != name ||
		strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return refuse(ErrInvalid, "%s %q is not allowed: 1 to %d bytes of printable characters, no white space around them", what, name, maxName)
	}
	return nil
}

// newSecret is at least 256 random bits in lower-case base 32: letters and
// digits, which neither a shell nor a URL needs quoted.
func newSecret() string { return strings.ToLower(rand.Text() + rand.Text()) }

// instant reads a stored time, in which 0 means never.
func instant(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// seconds is instant's reverse.
func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
