package dbtest

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// script starts a cluster on a socket in a temporary folder, says "ready", and
// takes it away again when its standard input ends: also when the test binary
// was killed.
const script = `
set -eu
dir=$(mktemp -d /tmp/stint-postgres.XXXXXX)
trap 'rm -rf "$dir"' EXIT
as=
if [ "$(id -u)" = 0 ]; then
  chown postgres "$dir"
  as="setpriv --reuid=postgres --regid=postgres --init-groups"
fi
fail() { echo "PostgreSQL did not start: $(tail -n 3 "$1" | tr '\n' ' ')"; exit 1; }
cd "$dir"
$as "$1/initdb" -D "$dir/data" -U stint --auth=trust --no-sync -E UTF8 --locale=C >"$dir/log" 2>&1 || fail "$dir/log"
$as "$1/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c full_page_writes=off \
  -c max_connections=300 -c shared_buffers=64MB >"$dir/log" 2>&1 </dev/null &
pid=$!
tries=0
until "$1/pg_isready" -q -h "$dir" -U stint -d postgres; do
  tries=$((tries + 1))
  if [ $tries -gt 300 ] || ! kill -0 $pid; then fail "$dir/log"; fi
  sleep 0.1
done
echo "$dir"
cat >/dev/null
kill -QUIT $pid
wait $pid || true
`

// lifeline is the cluster's standard input: it stays open as long as this
// process lives.
//
//lint:ignore U1000 held, never used
var lifeline io.WriteCloser

// server starts PostgreSQL once for this test binary and returns its URL.
var server = sync.OnceValues(func() (string, error) {
	if base := os.Getenv("STINT_TEST_POSTGRES"); base != "" {
		return base, nil
	}
	bin, err := programs()
	if err != nil {
		return "", err
	}
	cmd := exec.Command("sh", "-c", script, "sh", bin)
	if lifeline, err = cmd.StdinPipe(); err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		return "", errors.New("PostgreSQL did not start")
	}
	dir := lines.Text()
	if !filepath.IsAbs(dir) {
		return "", errors.New(dir)
	}
	return "postgres://stint@/postgres?host=" + dir, nil
})

func programs() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New("PostgreSQL's programs are missing: apt-get install postgresql-15")
	}
	return filepath.Dir(found[len(found)-1]), nil
}
