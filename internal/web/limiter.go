package web

import (
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	failureBurst    = 10              // failed logins that an address may make at once
	failureInterval = 6 * time.Second // after which it may make another
	failureEntries  = 20000           // addresses remembered at most
)

// FailureLimit slows down whoever guesses credentials: ten failures at once and
// ten a minute for each IPv4 address and each IPv6 /64. Guesses made side by side
// all count, so that they are no way around it. Its memory is bounded. The zero
// value is ready.
type FailureLimit struct {
	mu    sync.Mutex
	addrs map[netip.Prefix]*rate.Limiter
}

// Check returns a 429 with Retry-After if the address has failed too often. It
// is asked before credentials are verified.
func (f *FailureLimit) Check(a netip.Addr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	l := f.addrs[Network(a)]
	if l == nil {
		return nil
	}
	missing := 1 - l.Tokens()
	if missing <= 0 {
		return nil
	}
	seconds := int(missing*failureInterval.Seconds()) + 1
	return &Error{Status: http.StatusTooManyRequests, Code: "rate_limited",
		Detail: "Too many failed logins from this address; Retry-After says in how many seconds to try again.",
		Header: http.Header{"Retry-After": {strconv.Itoa(seconds)}}}
}

// Failed counts a failure of the address.
func (f *FailureLimit) Failed(a netip.Addr) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := Network(a)
	l := f.addrs[n]
	if l == nil {
		if f.addrs == nil {
			f.addrs = map[netip.Prefix]*rate.Limiter{}
		}
		f.makeRoom()
		l = rate.NewLimiter(rate.Every(failureInterval), failureBurst)
		f.addrs[n] = l
	}
	l.Reserve() // also below zero
}

// makeRoom forgets addresses that have waited long enough, or any address if
// all are recent.
func (f *FailureLimit) makeRoom() {
	if len(f.addrs) < failureEntries {
		return
	}
	for n, l := range f.addrs {
		if l.Tokens() >= failureBurst {
			delete(f.addrs, n)
		}
	}
	if len(f.addrs) < failureEntries {
		return
	}
	for n := range f.addrs {
		if len(f.addrs) < failureEntries/2 {
			return
		}
		delete(f.addrs, n)
	}
}
