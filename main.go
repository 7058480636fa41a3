// Stint keeps track of who is in, since when, until when.
package main

import (
	"os"
	_ "time/tzdata" // zones, also on machines without them

	"stint/internal/cli"
)

func main() { os.Exit(cli.Main()) }
