package apiv2_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stint/internal/db/dbtest"
)

// BenchmarkGet measures what is asked most, beside a handler of net/http that writes the same bytes.
func BenchmarkGet(b *testing.B) {
	s := serve(b, dbtest.Open(b, dbtest.SQLite(b)), newClock())
	for i := range 60 {
		day := noon.AddDate(0, 0, -i-2).Format(time.DateOnly)
		s.post(manual(day, "01:00", day, "23:00", `"notes":"a short note"`)).must(201)
	}
	for name, query := range map[string]string{"id": "?id=7", "list": "?limit=50"} {
		text := s.get(query).must(200).text
		bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, text)
		}))
		defer bare.Close()
		b.Run(name+"/stint", func(b *testing.B) { load(b, s.url, path+query, s.token) })
		b.Run(name+"/bare", func(b *testing.B) { load(b, bare.URL, path+query, s.token) })
	}
}

// load asks the same again and again on a few connections.
func load(b *testing.B, url, target, token string) {
	b.SetParallelism(4)
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer %s\r\n\r\n", target, token)
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		in := bufio.NewReaderSize(c, 64<<10)
		for pb.Next() {
			io.WriteString(c, request)
			r, err := http.ReadResponse(in, nil)
			if err != nil || r.StatusCode != 200 {
				b.Error("no answer", err)
				return
			}
			io.Copy(io.Discard, r.Body)
		}
	})
}
