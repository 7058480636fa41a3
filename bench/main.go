//go:build linux

// Command bench measures Stint beside small plain servers, in one run on one
// machine, and prints ratios. Absolute figures depend on the machine; the ratios
// are what docs/performance.md promises. It starts every server and every client
// as a process of its own, on loopback only, and ends by itself.
//
//	go run ./bench                 everything
//	go run ./bench -only status    the rows whose name contains "status"
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// row is one line of the table.
type row struct {
	name  string
	goals []goal
	run   func(b *bench) ([]float64, error) // one ratio for each goal
}

// goal is a ratio to reach: at least, or at most.
type goal struct {
	what   string
	atMost bool
	ratio  float64
	unit   string
}

func (g goal) met(ratio float64) bool {
	if g.atMost {
		return ratio <= g.ratio
	}
	return ratio >= g.ratio
}

func (g goal) String() string {
	word := "at least"
	if g.atMost {
		word = "at most"
	}
	return fmt.Sprintf("%s %.2f%s", word, g.ratio, g.unit)
}

// bench is one run.
type bench struct {
	ctx     context.Context
	dir     string // for databases, logs and the binary
	stint   string // the binary
	self    string // this program, for the other processes
	seconds time.Duration
	slot    int // of the sessions that are posted, see slotDate
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && roles[os.Args[1]] != nil {
		if err := roles[os.Args[1]](os.Args[2:]); err != nil {
			log.Fatal(os.Args[1], ": ", err)
		}
		return
	}
	only := flag.String("only", "", "run the rows whose name contains this")
	seconds := flag.Duration("for", 2*time.Second, "how long each rate is measured, several times")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *only, *seconds); err != nil {
		log.Fatal(err)
	}
}

// roles are what a process of this program can be besides the bench itself.
var roles = map[string]func(args []string) error{
	"bare":      serveBare,
	"plain":     servePlainStream,
	"single":    serveSingle,
	"load":      generate,
	"subscribe": subscribe,
}

func run(ctx context.Context, only string, seconds time.Duration) error {
	dir, err := os.MkdirTemp("", "stint-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, dir: dir, stint: filepath.Join(dir, "stint"), seconds: seconds}
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if err := b.build(); err != nil {
		return err
	}
	fmt.Printf("%s, %d processors, %s\n\n", runtime.Version(), runtime.NumCPU(), time.Now().Format(time.DateOnly))
	fmt.Println("| work | measured | must reach | |")
	fmt.Println("|---|---|---|---|")
	missed := 0
	for _, r := range append(clubRows, trackerRows...) {
		if !strings.Contains(r.name, only) || ctx.Err() != nil {
			continue
		}
		ratios, err := r.run(b)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		for i, g := range r.goals {
			verdict := "yes"
			if !g.met(ratios[i]) {
				verdict = "no"
				missed++
			}
			fmt.Printf("| %s%s | %.2f%s | %s | %s |\n", r.name, g.what, ratios[i], g.unit, g, verdict)
		}
	}
	fmt.Printf("\n%d missed\n", missed)
	return ctx.Err()
}
