package web_test

import (
	"encoding/binary"
	"errors"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"stint/internal/web"
)

// retryAfter is the wait that the limit asks of an address, 0 for none.
func retryAfter(t *testing.T, f *web.FailureLimit, address string) time.Duration {
	t.Helper()
	err := f.Check(netip.MustParseAddr(address))
	if err == nil {
		return 0
	}
	var refused *web.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusTooManyRequests || refused.Code != "rate_limited" {
		t.Fatalf("got %v, want a 429", err)
	}
	seconds, err := strconv.Atoi(refused.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		t.Fatalf("Retry-After: %q", refused.Header.Get("Retry-After"))
	}
	return time.Duration(seconds) * time.Second
}

func fail(f *web.FailureLimit, address string, times int) {
	for range times {
		f.Failed(netip.MustParseAddr(address))
	}
}

func TestFailureLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f web.FailureLimit
		if wait := retryAfter(t, &f, "192.0.2.1"); wait != 0 {
			t.Errorf("a stranger has to wait %v", wait)
		}
		fail(&f, "192.0.2.1", 9)
		if wait := retryAfter(t, &f, "192.0.2.1"); wait != 0 {
			t.Errorf("after nine failures: wait %v", wait)
		}
		fail(&f, "192.0.2.1", 1)
		wait := retryAfter(t, &f, "192.0.2.1")
		if wait < 6*time.Second || wait > 7*time.Second {
			t.Errorf("after ten failures: wait %v, want about 6 s", wait)
		}
		if other := retryAfter(t, &f, "192.0.2.2"); other != 0 {
			t.Errorf("another address has to wait %v", other)
		}
		time.Sleep(wait)
		if again := retryAfter(t, &f, "192.0.2.1"); again != 0 {
			t.Errorf("after the wait that was asked for: wait %v", again)
		}
		fail(&f, "192.0.2.1", 1)
		if again := retryAfter(t, &f, "192.0.2.1"); again == 0 {
			t.Error("one more failure is not counted")
		}
		time.Sleep(time.Minute)
		fail(&f, "192.0.2.1", 9)
		if again := retryAfter(t, &f, "192.0.2.1"); again != 0 {
			t.Errorf("a minute later nine failures: wait %v", again)
		}
	})
}

// TestFailuresSideBySide guesses with many connections that are all checked
// before the first of them fails.
func TestFailuresSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f web.FailureLimit
		fail(&f, "192.0.2.1", 110)
		wait := retryAfter(t, &f, "192.0.2.1")
		if wait < 600*time.Second || wait > 620*time.Second {
			t.Errorf("wait %v, want ten minutes for a hundred failures too many", wait)
		}
		time.Sleep(wait)
		if again := retryAfter(t, &f, "192.0.2.1"); again != 0 {
			t.Errorf("after the wait that was asked for: wait %v", again)
		}
	})
}

func TestFailureLimitNetworks(t *testing.T) {
	for _, c := range []struct {
		name, failed, other string
		shared              bool
	}{
		{"one IPv4 address", "192.0.2.1", "192.0.2.1", true},
		{"neighbours over IPv4", "192.0.2.1", "192.0.2.2", false},
		{"one /64", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true},
		{"two /64", "2001:db8:0:1::1", "2001:db8:0:2::1", false},
		{"one link", "fe80::1%eth0", "fe80::2%eth1", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f web.FailureLimit
			fail(&f, c.failed, 10)
			if shared := retryAfter(t, &f, c.other) > 0; shared != c.shared {
				t.Errorf("shared: %v", shared)
			}
		})
	}
	t.Run("no address", func(t *testing.T) {
		var f web.FailureLimit
		for range 10 {
			f.Failed(netip.Addr{})
		}
		if f.Check(netip.Addr{}) == nil {
			t.Error("connections without an address are not limited")
		}
	})
}

// TestFailureLimitMemory fails from 100,000 networks.
func TestFailureLimitMemory(t *testing.T) {
	var f web.FailureLimit
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	var a [16]byte
	for i := range uint32(100_000) {
		a[0] = 0x20
		binary.BigEndian.PutUint32(a[4:], i)
		f.Failed(netip.AddrFrom16(a))
	}
	if grown := int64(heap()) - int64(before); grown > 8<<20 {
		t.Errorf("%d bytes for 100,000 networks", grown)
	}
	runtime.KeepAlive(&f)
}

func TestFailureLimitTogether(t *testing.T) {
	var f web.FailureLimit
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 100 {
				fail(&f, "192.0.2."+strconv.Itoa(i%5), 1)
				f.Check(netip.MustParseAddr("192.0.2.1"))
			}
		})
	}
	wg.Wait()
	if retryAfter(t, &f, "192.0.2.4") == 0 {
		t.Error("failures were lost")
	}
}
