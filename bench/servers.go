//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"stint/internal/club"
	"stint/internal/db"
)

// listen serves h on a free port and prints its address for the parent.
func listen(h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go exitWithParent()
	return http.Serve(l, h)
}

// exitWithParent ends this process when its standard input does.
func exitWithParent() {
	io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// serveBare is what net/http costs: GET answers the bytes in the file named by
// the argument, PUT reads the body and answers it.
func serveBare(args []string) error {
	body, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	return listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			if _, err := io.ReadAll(r.Body); err != nil {
				return
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	}))
}

// servePlainStream is the common way to serve events: a channel and a flush for
// each subscriber. A PUT's body goes to all as one event.
func servePlainStream([]string) error {
	var mu sync.Mutex
	subscribers := map[chan []byte]bool{}
	return listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			body, _ := io.ReadAll(r.Body)
			event := fmt.Appendf(nil, "data: %s\n\n", body)
			mu.Lock()
			defer mu.Unlock()
			for c := range subscribers {
				c <- event
			}
			return
		}
		c := make(chan []byte, 64)
		mu.Lock()
		subscribers[c] = true
		mu.Unlock()
		w.Header().Set("Content-Type", "text/event-stream")
		flusher := w.(http.Flusher)
		fmt.Fprint(w, "data: {}\n\n")
		flusher.Flush()
		for {
			select {
			case event := <-c:
				w.Write(event)
				flusher.Flush()
			case <-r.Context().Done():
				mu.Lock()
				delete(subscribers, c)
				mu.Unlock()
				return
			}
		}
	}))
}

// serveSingle stores each PUT as Stint does, but in a transaction of its own.
func serveSingle(args []string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, args[0])
	if err != nil {
		return err
	}
	c, err := club.Open(ctx, d, club.Options{PresenceTimeout: time.Hour, PresenceInterval: time.Hour})
	if err != nil {
		return err
	}
	var one sync.Mutex
	return listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		one.Lock()
		defer one.Unlock()
		a, err := c.SetStatus(r.Context(), "bench", club.Public, "one of many")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, a.ID)
	}))
}
