package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"stint/internal/db/dbtest"
)

// A server that is killed in the middle of a write load has stored every write
// that it answered, and no id is missing or given twice, also after the next
// start.
func TestKilledServerKeepsWhatItAnswered(t *testing.T) {
	dbtest.EachTarget(t, func(t *testing.T, target string) {
		s := start(t, target)
		answered := map[int64]string{}
		for round := range 3 {
			ids := s.load(round, 300*time.Millisecond)
			for id, note := range ids {
				if other := answered[id]; other != "" {
					t.Errorf("id %d was given to %q and to %q", id, other, note)
				}
				answered[id] = note
			}
			s = start(t, target)
			s.holds(answered)
		}
		if len(answered) < 100 {
			t.Errorf("only %d writes were answered", len(answered))
		}
	})
}

// killable is a server in a process of its own.
type killable struct {
	t             *testing.T
	process       *exec.Cmd
	url, password string
}

func start(t *testing.T, target string) *killable {
	t.Helper()
	env := append(os.Environ(), "STINT_DATABASE="+target, "STINT_TRACKER_KEY_FILE="+t.TempDir()+"/key", "STINT_WINGS_TRACKER=off")
	add := exec.Command("stint", "password", "add", fmt.Sprint("label ", time.Now().UnixNano()), "--scope", "all")
	add.Env = env
	password, err := add.Output()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	s := &killable{t, exec.Command("stint", "serve", "--listen", addr), "http://" + addr, strings.TrimSpace(string(password))}
	s.process.Env = env
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.process.Process.Kill()
		s.process.Wait()
	})
	err = within(10*time.Second, 20*time.Millisecond, func() error {
		r, err := http.Get(s.url + "/readyz")
		if err == nil {
			r.Body.Close()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// load writes from many clients, kills the server in the middle, and returns
// the notes of the writes that were answered, by id.
func (s *killable) load(round int, after time.Duration) map[int64]string {
	var mu sync.Mutex
	ids := map[int64]string{}
	ctx, cancel := context.WithCancel(s.t.Context())
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				note := fmt.Sprintf("round %d client %d write %d", round, i, n)
				body := fmt.Sprintf(`{"type":"status","user":"Hans","status":"public","note":%q}`, note)
				text, err := s.do(ctx, http.MethodPut, "/api/v0", body)
				var id int64
				if err != nil || json.Unmarshal(text, &id) != nil {
					return // killed
				}
				mu.Lock()
				ids[id] = note
				mu.Unlock()
			}
		})
	}
	time.Sleep(after)
	if err := s.process.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	s.process.Wait()
	cancel()
	wg.Wait()
	return ids
}

// holds checks that the log has every answered write under its id, and ids 1, 2,
// 3 and so on.
func (s *killable) holds(answered map[int64]string) {
	s.t.Helper()
	text, err := s.do(s.t.Context(), http.MethodGet, "/api/v0/all?count=1000000", "")
	if err != nil {
		s.t.Fatal(err)
	}
	var list struct {
		Actions []struct {
			ID   int64
			Note string
		}
	}
	if err := json.Unmarshal(text, &list); err != nil {
		s.t.Fatal(err)
	}
	notes := map[int64]string{}
	for i, a := range list.Actions {
		if a.ID != int64(i+1) {
			s.t.Fatalf("action %d has the id %d", i+1, a.ID)
		}
		notes[a.ID] = a.Note
	}
	for id, note := range answered {
		if notes[id] != note {
			s.t.Errorf("id %d was answered for %q, the log holds %q", id, note, notes[id])
		}
	}
}

func (s *killable) do(ctx context.Context, method, path, body string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth("", s.password)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", answer.Status)
	}
	return io.ReadAll(answer.Body)
}
