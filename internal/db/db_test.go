package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/internal/db"
	"stint/internal/db/dbtest"
)

const itemTable = `create table item (id bigint primary key, note text not null);
	create index item_note on item (note)`

func insert(d *db.DB, note string) (id int64, err error) {
	err = d.Do(context.Background(), func(tx *db.Tx) error {
		if id, err = tx.NextID("item"); err != nil {
			return err
		}
		tx.Ring("item")
		_, err = tx.Exec("insert into item (note, id) values ($2, $1)", id, note)
		return err
	})
	return id, err
}

func count(t *testing.T, d *db.DB) (n int64) {
	t.Helper()
	err := d.View(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow("select count(*) from item").Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func migrated(t *testing.T, d *db.DB) *db.DB {
	t.Helper()
	if err := d.Migrate(t.Context(), "item", itemTable); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestFailedWriteIsUndoneAlone(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		migrated(t, d)
		boom := errors.New("boom")
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				if i%3 == 0 {
					_, err := insert(d, fmt.Sprint(i))
					if err != nil {
						t.Error(err)
					}
					return
				}
				err := d.Do(context.Background(), func(tx *db.Tx) error {
					if _, err := tx.NextID("item"); err != nil {
						return err
					}
					if i%3 == 1 {
						_, err := tx.Exec("insert into item (id) values ($1)", 1<<40) // note is missing
						return err
					}
					panic(boom)
				})
				if err == nil || i%3 == 2 && !strings.Contains(err.Error(), "boom") {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != 20 {
			t.Errorf("%d rows, want 20", n)
		}
		if id, err := insert(d, "last"); id != 21 || err != nil {
			t.Errorf("id %d, %v; want 21: failed writes take their id back", id, err)
		}
	})
}

func TestWritesShareCommitsWithOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	d := migrated(t, dbtest.Open(t, dbtest.SQLite(t)))
	commits, writes := d.Stats()
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 20 {
				if _, err := insert(d, "x"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c, w := d.Stats()
	if w-writes != 64*20 {
		t.Errorf("%d writes, want %d", w-writes, 64*20)
	}
	if size := float64(w-writes) / float64(c-commits); size < 8 {
		t.Errorf("%.1f writes a commit, want many", size)
	}
}

// A reader with a cursor never misses a row, because commit order is id order,
// also with several writing processes.
func TestCursorMissesNothing(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		writers := []*db.DB{migrated(t, dbtest.Open(t, target)), dbtest.Open(t, target)}
		reader := dbtest.Open(t, target)
		const each = 50
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for range each {
					if _, err := insert(writers[i%2], "x"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		var last, rung uint64
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		for last < 8*each {
			for _, id := range after(t, reader, last) {
				if id != last+1 {
					t.Fatalf("id %d after %d", id, last)
				}
				last = id
			}
			if last == 8*each {
				break
			}
			var err error
			if rung, err = reader.Wait(ctx, "item", rung); err != nil {
				t.Fatalf("after id %d: %v", last, err)
			}
		}
		wg.Wait()
	})
}

func after(t *testing.T, d *db.DB, last uint64) (ids []uint64) {
	t.Helper()
	err := d.View(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query("select id from item where id > $1 order by id", last)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id uint64
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func TestMigrate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		first := "create table thing (id bigint primary key)"
		second := "alter table thing add column note text not null default 'n'; create table other (id bigint)"
		for range 2 {
			if err := d.Migrate(t.Context(), "thing", first); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Migrate(t.Context(), "thing", first, second, "create tabel x"); err == nil {
			t.Fatal("a broken step was applied")
		}
		if err := d.Migrate(t.Context(), "thing", first, second); err != nil {
			t.Fatal("the broken step was half done: ", err)
		}
		err := d.Migrate(t.Context(), "thing", first)
		if err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("an old program on a new database: %v", err)
		}
	})
}

func TestManyProcessesMigrateAtOnce(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		var wg sync.WaitGroup
		for range 4 {
			d := dbtest.Open(t, target)
			wg.Go(func() {
				if err := d.Migrate(context.Background(), "item", itemTable); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

func TestCancelledWriteNeverRuns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		ran := false
		err := d.Do(ctx, func(*db.Tx) error { ran = true; return nil })
		if !errors.Is(err, context.Canceled) || ran {
			t.Errorf("err %v, ran %t", err, ran)
		}
	})
}

func TestClose(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		d := migrated(t, dbtest.Open(t, target))
		var wg sync.WaitGroup
		var mu sync.Mutex
		answered := 0
		for range 32 {
			wg.Go(func() {
				for {
					_, err := insert(d, "x")
					if errors.Is(err, db.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					answered++
					mu.Unlock()
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if err := d.View(t.Context(), func(*db.Tx) error { return nil }); !errors.Is(err, db.ErrClosed) {
			t.Errorf("View after Close: %v", err)
		}
		if _, err := d.Wait(t.Context(), "item", 99); err == nil {
			t.Error("Wait after Close returned nothing")
		}
		if n := count(t, dbtest.Open(t, target)); int(n) != answered {
			t.Errorf("%d rows stored, %d answered", n, answered)
		}
	})
}

func TestBackupIsConsistentUnderLoad(t *testing.T) {
	d := migrated(t, dbtest.Open(t, dbtest.SQLite(t)))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					insert(d, strings.Repeat("x", 500))
				}
			}
		})
	}
	for count(t, d) < 100 {
		runtime.Gosched()
	}
	file := filepath.Join(t.TempDir(), "copy.db")
	err := d.Backup(t.Context(), file)
	close(stop)
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the copy: %v, %v", info.Mode(), err)
	}
	if err := d.Backup(t.Context(), file); err == nil {
		t.Error("a second backup overwrote the first")
	}
	backup := dbtest.Open(t, file)
	n := count(t, backup)
	if id, err := insert(backup, "next"); id != n+1 || err != nil {
		t.Errorf("next id %d after %d rows, %v", id, n, err)
	}
}

func TestWaitHearsOtherProcess(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		d, other := migrated(t, dbtest.Open(t, target)), dbtest.Open(t, target)
		rung, err := d.Wait(t.Context(), "item", 99)
		if err != nil {
			t.Fatal(err)
		}
		for {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			next, err := d.Wait(ctx, "item", rung)
			cancel()
			if err != nil {
				break
			}
			rung = next
		}
		if _, err := insert(other, "x"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if _, err := d.Wait(ctx, "item", rung); err != nil {
			t.Error("the bell was not heard within two seconds")
		}
	})
}

// TestFullDisk has SQLite undo a whole batch by itself: the caller learns why, nothing stays, and the next write works.
func TestFullDisk(t *testing.T) {
	d := migrated(t, dbtest.Open(t, dbtest.SQLite(t)))
	err := d.Do(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec("insert into item (id, note) values (1, 'before')"); err != nil {
			return err
		}
		if _, err := tx.Exec("pragma max_page_count = 1"); err != nil {
			return err
		}
		_, err := tx.Exec("insert into item (id, note) values (2, hex(zeroblob(1000000)))")
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("the error does not say why: %v", err)
	}
	if n := count(t, d); n != 0 {
		t.Errorf("%d rows of a failed write", n)
	}
	if _, err := insert(d, "after"); err != nil || count(t, d) != 1 {
		t.Errorf("the next write: %v, %d rows", err, count(t, d))
	}
}
