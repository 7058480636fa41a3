package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks whose X-Forwarded-For and X-Forwarded-Proto headers
// are believed. Nobody else's are.
type Proxies []netip.Prefix

func (p Proxies) trusted(a netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(a) {
			return true
		}
	}
	return false
}

// Addr returns the client's address: the peer's, or, behind trusted proxies,
// the last address in X-Forwarded-For that is not one of theirs. It is invalid
// when the connection has no IP address.
func (p Proxies) Addr(r *http.Request) netip.Addr {
	peer := peer(r)
	if len(p) == 0 || !p.trusted(peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := parseHop(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		peer = hop.Unmap()
		if !p.trusted(peer) {
			break
		}
	}
	return peer
}

// parseHop reads an address, which some proxies send with the port.
func parseHop(text string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(strings.Trim(text, "[]")); err == nil {
		return a, true
	}
	with, err := netip.ParseAddrPort(text)
	return with.Addr(), err == nil
}

// Private says whether what the client sends crossed no network in the clear:
// over TLS ended here or at a trusted proxy, or on the loopback interface of this
// machine without a proxy between.
func (p Proxies) Private(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	peer := peer(r)
	if p.trusted(peer) && r.Header.Get("X-Forwarded-Proto") != "" {
		return r.Header.Get("X-Forwarded-Proto") == "https"
	}
	return peer.IsLoopback() && r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == ""
}

// Secure says whether the client speaks TLS, with this server or with a trusted
// proxy.
func (p Proxies) Secure(r *http.Request) bool {
	return r.TLS != nil || p.trusted(peer(r)) && r.Header.Get("X-Forwarded-Proto") == "https"
}

func peer(r *http.Request) netip.Addr {
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

// Network is the part of an address that one client can be taken to own: an
// IPv4 address, or the /64 of an IPv6 address.
func Network(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}
