package web_test

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"stint/internal/web"
)

var proxies = web.Proxies{
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("127.0.0.1/32"),
	netip.MustParsePrefix("fd00::/8"),
}

func request(peer string, headers ...string) *http.Request {
	r := &http.Request{RemoteAddr: peer, Header: http.Header{}}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestAddr(t *testing.T) {
	const forwarded = "X-Forwarded-For"
	for _, c := range []struct {
		name    string
		proxies web.Proxies
		request *http.Request
		want    string // "" for none
	}{
		{"no proxy", nil, request("192.0.2.1:99"), "192.0.2.1"},
		{"nobody is trusted", nil, request("192.0.2.1:99", forwarded, "198.51.100.7"), "192.0.2.1"},
		{"IPv6", nil, request("[2001:db8::1]:99"), "2001:db8::1"},
		{"IPv4 in IPv6", nil, request("[::ffff:192.0.2.1]:99"), "192.0.2.1"},
		{"a Unix socket", nil, request("@"), ""},
		{"a Unix socket cannot be trusted", proxies, request("", forwarded, "198.51.100.7"), ""},
		{"a stranger's header", proxies, request("192.0.2.1:99", forwarded, "198.51.100.7"), "192.0.2.1"},
		{"behind a proxy", proxies, request("10.1.2.3:99", forwarded, "198.51.100.7"), "198.51.100.7"},
		{"behind a proxy in IPv4 in IPv6", proxies, request("[::ffff:10.1.2.3]:99", forwarded, "198.51.100.7"), "198.51.100.7"},
		{"behind a proxy over IPv6", proxies, request("[fd00::1]:99", forwarded, "2001:db8::7"), "2001:db8::7"},
		{"behind two proxies", proxies, request("127.0.0.1:99", forwarded, "198.51.100.7, 10.9.9.9"), "198.51.100.7"},
		{"two headers", proxies, request("127.0.0.1:99", forwarded, "198.51.100.7", forwarded, "10.9.9.9"), "198.51.100.7"},
		{"what the client made up is ignored", proxies, request("10.1.2.3:99", forwarded, "203.0.113.5, 198.51.100.7"), "198.51.100.7"},
		{"made up as a proxy", proxies, request("10.1.2.3:99", forwarded, "10.4.4.4, 198.51.100.7"), "198.51.100.7"},
		{"made up in a first header", proxies, request("10.1.2.3:99", forwarded, "203.0.113.5", forwarded, "198.51.100.7"), "198.51.100.7"},
		{"only proxies", proxies, request("10.1.2.3:99", forwarded, "10.4.4.4"), "10.4.4.4"},
		{"nonsense before the proxy", proxies, request("10.1.2.3:99", forwarded, "nonsense"), "10.1.2.3"},
		{"nonsense further away", proxies, request("10.1.2.3:99", forwarded, "nonsense, 10.9.9.9"), "10.9.9.9"},
		{"with a port", proxies, request("10.1.2.3:99", forwarded, "198.51.100.7:1234"), "198.51.100.7"},
		{"IPv6 with a port", proxies, request("10.1.2.3:99", forwarded, "[2001:db8::7]:1234"), "2001:db8::7"},
		{"IPv6 in brackets", proxies, request("10.1.2.3:99", forwarded, "[2001:db8::7]"), "2001:db8::7"},
		{"a port that is none", proxies, request("10.1.2.3:99", forwarded, "198.51.100.7:port"), "10.1.2.3"},
		{"empty", proxies, request("10.1.2.3:99", forwarded, ""), "10.1.2.3"},
		{"empty at the end", proxies, request("10.1.2.3:99", forwarded, "198.51.100.7,"), "10.1.2.3"},
		{"white space", proxies, request("10.1.2.3:99", forwarded, "  198.51.100.7\t"), "198.51.100.7"},
		{"IPv4 in IPv6, forwarded", proxies, request("10.1.2.3:99", forwarded, "::ffff:198.51.100.7"), "198.51.100.7"},
		{"other headers do not count", proxies, request("10.1.2.3:99", "X-Real-Ip", "198.51.100.7", "Forwarded", "for=198.51.100.7"), "10.1.2.3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := c.proxies.Addr(c.request)
			if c.want == "" {
				if got.IsValid() {
					t.Errorf("got %v, want none", got)
				}
				return
			}
			if got != netip.MustParseAddr(c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestPrivate(t *testing.T) {
	const proto, forwarded = "X-Forwarded-Proto", "X-Forwarded-For"
	overTLS := func(r *http.Request) *http.Request { r.TLS = &tls.ConnectionState{}; return r }
	for _, c := range []struct {
		name    string
		request *http.Request
		want    bool
	}{
		{"TLS ends here", overTLS(request("192.0.2.1:99")), true},
		{"a stranger in the clear", request("192.0.2.1:99"), false},
		{"a stranger who claims TLS", request("192.0.2.1:99", proto, "https"), false},
		{"TLS ends at the proxy", request("10.1.2.3:99", proto, "https", forwarded, "192.0.2.1"), true},
		{"in the clear to the proxy", request("10.1.2.3:99", proto, "http", forwarded, "192.0.2.1"), false},
		{"a proxy that does not say", request("10.1.2.3:99", forwarded, "192.0.2.1"), false},
		{"loopback", request("127.0.0.1:99"), true},
		{"loopback over IPv6", request("[::1]:99"), true},
		{"a proxy on this machine", request("127.0.0.1:99", forwarded, "192.0.2.1"), false},
		{"a proxy on this machine that is not trusted", request("[::1]:99", forwarded, "192.0.2.1", proto, "https"), false},
		{"a proxy with the new header", request("127.0.0.1:99", "Forwarded", "for=192.0.2.1"), false},
		{"a proxy on this machine with TLS", request("127.0.0.1:99", forwarded, "192.0.2.1", proto, "https"), true},
		{"no address", request("@"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := proxies.Private(c.request); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1/32",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
	} {
		if got := web.Network(netip.MustParseAddr(address)); got != netip.MustParsePrefix(want) {
			t.Errorf("%s: got %v, want %v", address, got, want)
		}
	}
	if got := web.Network(netip.Addr{}); got.IsValid() {
		t.Errorf("no address: got %v", got)
	}
}

// FuzzAddr holds Addr to what makes it safe: the address is the peer's or one
// that stands in the header, and of the header only what trusted proxies added
// counts, however long what the client made up before it is.
func FuzzAddr(f *testing.F) {
	for _, seed := range []string{"198.51.100.7", "10.4.4.4, 10.5.5.5", "::ffff:198.51.100.7", "fe80::1%eth0", ",,,", "nonsense, 10.1.1.1", ""} {
		f.Add("10.1.2.3:99", seed)
		f.Add("192.0.2.1:99", seed)
	}
	f.Fuzz(func(t *testing.T, peer, header string) {
		direct := web.Proxies(nil).Addr(request(peer))
		got := proxies.Addr(request(peer, "X-Forwarded-For", header))
		if got != direct {
			named := false
			for hop := range strings.SplitSeq(header, ",") {
				a, err := netip.ParseAddr(strings.TrimSpace(hop))
				named = named || err == nil && a.Unmap() == got
			}
			if !named {
				t.Fatalf("%q, %q: %v comes from nowhere", peer, header, got)
			}
		}
		honest := proxies.Addr(request(peer, "X-Forwarded-For", "198.51.100.7"))
		spoofed := proxies.Addr(request(peer, "X-Forwarded-For", header+",198.51.100.7"))
		if honest != spoofed {
			t.Fatalf("%q: %q in front makes %v of %v", peer, header, spoofed, honest)
		}
		web.Network(got)
		proxies.Private(request(peer, "X-Forwarded-For", header, "X-Forwarded-Proto", header))
	})
}
