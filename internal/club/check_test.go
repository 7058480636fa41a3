package club

import (
	"math"
	"strings"
	"testing"
)

func TestCheckUser(t *testing.T) {
	for _, c := range []struct{ name, user, want string }{ // want "" is refused
		{"one byte", "A", "A"},
		{"fifteen bytes", "123456789012345", "123456789012345"},
		{"sixteen bytes", "1234567890123456", ""},
		{"fifteen bytes of three-byte letters", "日本語日本", "日本語日本"},
		{"sixteen bytes of two-byte letters", "äöüäöüäö", ""},
		{"sixteen bytes of four-byte letters", "😀😀😀😀", ""},
		{"white space around", " \t\r\n Hans \v\f", "Hans"},
		{"Unicode white space around", "\u00a0\u2003\u3000\u0085Hans\u2028\u2029\u202f", "Hans"},
		{"white space within", "Hans  Acker", "Hans  Acker"},
		{"fifteen bytes after trimming", "    123456789012345    ", "123456789012345"},
		{"empty", "", ""},
		{"white space only", " \u2003\t", ""},
		{"NUL", "a\x00b", ""},
		{"escape", "a\x1b[31mb", ""},
		{"line break", "a\nb", ""},
		{"delete", "a\x7fb", ""},
		{"C1 control character", "a\u009bb", ""},
		{"invalid UTF-8", "a\xffb", ""},
		{"half a letter", "a\xc3", ""},
		{"quotes and markup", `<b>"&'`, `<b>"&'`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := CheckUser(c.user)
			if c.want == "" {
				wantError(t, err, Invalid, "user")
			} else if err != nil || got != c.want {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestCheckNote(t *testing.T) {
	for _, c := range []struct {
		name, note string
		allowed    bool
	}{
		{"empty", "", true},
		{"kept with white space", "  a\n\tb ", true},
		{"80 bytes", strings.Repeat("x", 80), true},
		{"81 bytes", strings.Repeat("x", 81), false},
		{"80 bytes of two-byte letters", strings.Repeat("ä", 40), true},
		{"82 bytes of two-byte letters", strings.Repeat("ä", 41), false},
		{"81 bytes of three-byte letters", strings.Repeat("€", 27), false},
		{"a control character", "a\x1bb", true},
		{"NUL", "a\x00b", false},
		{"invalid UTF-8", "a\xff", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := CheckNote(c.note); c.allowed {
				wantError(t, err, 0, "")
			} else {
				wantError(t, err, Invalid, "note")
			}
		})
	}
}

func TestCheckURL(t *testing.T) {
	long := func(n int) string { return "https://example.org/" + strings.Repeat("x", n-len("https://example.org/")) }
	for _, c := range []struct {
		name, url string
		allowed   bool
	}{
		{"none", "", true},
		{"http", "http://example.org", true},
		{"https with everything", "https://user@example.org:8443/a/b?c=d&e=%20#f", true},
		{"capital letters", "HTTPS://EXAMPLE.ORG/", true},
		{"an address", "http://[2001:db8::1]:80/", true},
		{"letters of the world", "https://exämple.org/ä?ö#ü", true},
		{"500 bytes", long(500), true},
		{"501 bytes", long(501), false},
		{"another scheme", "ftp://example.org/", false},
		{"a script", "javascript:alert(1)", false},
		{"a script that looks like a link", "javascript://example.org/%0aalert(1)", false},
		{"data", "data:text/html,x", false},
		{"a file", "file:///etc/passwd", false},
		{"no scheme", "example.org", false},
		{"only //", "//example.org/", false},
		{"a path", "/a/b", false},
		{"no host", "http://", false},
		{"no host but a path", "http:///a", false},
		{"no host but a port", "http://:80/", false},
		{"no slashes", "http:example.org", false},
		{"white space before", " http://example.org", false},
		{"white space in the host", "http://exa mple.org", false},
		{"a line break", "http://example.org/\nx", false},
		{"NUL", "http://example.org/\x00", false},
		{"a wrong escape", "http://example.org/%zz", false},
		{"invalid UTF-8", "http://example.org/\xff", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := CheckURL(c.url); c.allowed {
				wantError(t, err, 0, "")
			} else {
				wantError(t, err, Invalid, "url")
			}
		})
	}
}

func TestCheckStatus(t *testing.T) {
	for _, status := range []Status{Public, Private, Closed} {
		if got, err := CheckStatus(string(status)); got != status || err != nil {
			t.Errorf("%s: %q, %v", status, got, err)
		}
	}
	for _, wrong := range []string{"", "open", "Public", " public", "closed\n"} {
		_, err := CheckStatus(wrong)
		wantError(t, err, Invalid, "status")
	}
}

func TestInPublic(t *testing.T) {
	for status, want := range map[Status]Status{Public: Public, Private: Closed, Closed: Closed} {
		if got := status.InPublic(); got != want {
			t.Errorf("%s: %s", status, got)
		}
	}
}

func TestPoint(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Point
		at   int64
		ok   bool // as a time of an announcement
	}{
		{"absolute", Point{N: 5}, 5, true},
		{"the mark", Point{Relative: true}, now, true},
		{"before the mark", Point{true, -60}, now - 60, true},
		{"after the mark", Point{true, 60}, now + 60, true},
		{"1970", Point{N: 0}, 0, true},
		{"before 1970", Point{N: -1}, -1, false},
		{"before 1970, relative", Point{true, -now - 1}, -1, false},
		{"the end of 9999", Point{N: maxTime}, maxTime, true},
		{"the year 10000", Point{N: maxTime + 1}, maxTime + 1, false},
		{"the year 10000, relative", Point{true, maxTime}, now + maxTime, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.p.At(now); got != c.at {
				t.Errorf("At: %d, want %d", got, c.at)
			}
			if _, err := c.p.resolve("from", now); (err == nil) != c.ok {
				t.Errorf("resolve: %v", err)
			}
		})
	}
}

func TestSpan(t *testing.T) {
	p := func(n int64) *Point { return &Point{N: n} }
	for _, c := range []struct {
		name      string
		span      Span
		low, high int64
	}{
		{"none", Span{}, math.MinInt64, math.MaxInt64},
		{"one", Span{p(5), p(5)}, 5, 5},
		{"two", Span{p(5), p(9)}, 5, 9},
		{"two, reversed", Span{p(9), p(5)}, 5, 9},
		{"no beginning", Span{nil, p(9)}, math.MinInt64, 9},
		{"no end", Span{p(5), nil}, 5, math.MaxInt64},
		{"relative", Span{&Point{true, -2}, &Point{Relative: true}}, 98, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			if low, high := c.span.resolve(100); low != c.low || high != c.high {
				t.Errorf("got %d to %d", low, high)
			}
		})
	}
}
