package apiv2_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"stint/internal/db/dbtest"
)

// BenchmarkRoll measures dice in 64 sessions at once, each of another person.
func BenchmarkRoll(b *testing.B) {
	s := &story{server: serve(b, dbtest.Open(b, dbtest.SQLite(b)), newClock())}
	var requests []string
	for i := range 64 {
		token := s.person(fmt.Sprint("P", i), "UTC")
		id := s.as(token, "POST", path, `{"type":"live","scheduledend":"2027-02-10","dices":1,"dicenumber":2,"diceunit":"MINUTE"}`).must(201).id()
		body := fmt.Sprintf(`{"game":"dice","dom":0,"session":%s}`, id)
		requests = append(requests, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
			games, token, len(body), body))
	}
	b.ResetTimer()
	var all sync.WaitGroup
	for _, request := range requests {
		all.Go(func() { b.Helper(); again(b, s.url, request, b.N/len(requests)+1) })
	}
	all.Wait()
}

// again sends the same request n times.
func again(b *testing.B, url, request string, n int) {
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		b.Error(err)
		return
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for range n {
		io.WriteString(c, request)
		r, err := http.ReadResponse(in, nil)
		if err != nil || r.StatusCode != 200 {
			b.Error("no answer", err)
			return
		}
		io.Copy(io.Discard, r.Body)
	}
}
