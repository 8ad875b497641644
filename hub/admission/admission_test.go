package admission_test

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/deptest"
	"github.com/pigeonhub/pigeonhub/hub/admission"
)

func TestDeps(t *testing.T) {
	t.Parallel()
	deptest.Ours(t)
	deptest.Others(t)
	deptest.Never(t, "net/http")
}

// enter has n sessions of an address begin and returns how many were let in.
func enter(l *admission.Limiter, addr string, n int) (in int) {
	for range n {
		if l.Enter(netip.MustParseAddr(addr)) {
			in++
		}
	}
	return in
}

func TestSessionsAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ first, same, neighbor, far string }{
		"IPv4":   {"192.0.2.1", "192.0.2.1", "192.0.2.200", "192.0.3.1"},
		"IPv6":   {"2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1", "2001:db8:1::1"},
		"mapped": {"::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.200", "192.0.3.1"},
	} {
		t.Run(name, func(t *testing.T) {
			l := admission.New(admission.Config{Sessions: 5, PrefixSessions: 8})
			want := func(addr string, n, in int) {
				t.Helper()
				if got := enter(l, addr, n); got != in {
					t.Errorf("%d of %d sessions of %s got in, want %d", got, n, addr, in)
				}
			}
			want(tc.first, 3, 3)
			want(tc.same, 10, 2)
			want(tc.neighbor, 10, 3) // its prefix is full
			want(tc.far, 10, 5)
			l.Leave(netip.MustParseAddr(tc.first))
			want(tc.same, 10, 1)
			for range 5 {
				l.Leave(netip.MustParseAddr(tc.first))
				l.Leave(netip.MustParseAddr(tc.far))
			}
			for range 3 {
				l.Leave(netip.MustParseAddr(tc.neighbor))
			}
			if _, sessions := l.Count(); sessions != 0 {
				t.Errorf("%d sessions are counted after all have left", sessions)
			}
			if l.Sweep(); l.Enter(netip.MustParseAddr(tc.first)) {
				if sources, _ := l.Count(); sources != 2 {
					t.Errorf("%d sources are known, want one address and its prefix", sources)
				}
			}
		})
	}
}

// An address that connects too often is refused until it has paused, and is forgotten
// once it has done so.
func TestNewSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := admission.New(admission.Config{Rate: 2, Burst: 10})
		addr := netip.MustParseAddr("198.51.100.7")
		for range 30 {
			if l.Enter(addr) {
				l.Leave(addr)
			}
		}
		if in := enter(l, "198.51.100.7", 1); in != 0 {
			t.Error("the burst is used up, but another session got in")
		}
		if l.Sweep(); !known(l, 1) {
			t.Error("an address that owes is forgotten")
		}
		time.Sleep(time.Second)
		if in := enter(l, "198.51.100.7", 10); in != 2 {
			t.Errorf("%d got in after a second, want 2", in)
		}
		l.Leave(addr)
		l.Leave(addr)
		time.Sleep(5 * time.Second)
		if l.Sweep(); !known(l, 0) {
			t.Error("an address without sessions that owes nothing is still known")
		}
	})
}

func known(l *admission.Limiter, want int) bool {
	sources, _ := l.Count()
	return sources == want
}

func TestExempt(t *testing.T) {
	t.Parallel()
	l := admission.New(admission.Config{Sessions: 1, PrefixSessions: 1, Rate: 1, Burst: 1})
	for _, addr := range []string{"127.0.0.1", "127.9.9.9", "10.1.2.3", "172.17.0.1", "192.168.0.9", "::1", "fd00::1", "fe80::1%eth0", "::ffff:127.0.0.1"} {
		if in := enter(l, addr, 5); in != 5 {
			t.Errorf("%d of 5 sessions of %s got in: it is exempt", in, addr)
		}
	}
	if !l.Enter(netip.Addr{}) || !known(l, 0) {
		t.Error("exempt addresses are counted")
	}
	none := admission.New(admission.Config{Sessions: 1, Exempt: []netip.Prefix{}})
	if in := enter(none, "127.0.0.1", 5); in != 1 {
		t.Errorf("%d of 5 got in, want 1: nothing is exempt", in)
	}
}

// However many addresses there are, the table has a bound, and all get in.
func TestTableIsBounded(t *testing.T) {
	t.Parallel()
	l := admission.New(admission.Config{Sessions: 1, Rate: 0.001, Burst: 1})
	for i := range 140_000 {
		addr := netip.MustParseAddr(fmt.Sprintf("2001:db8:%x:%x::1", i>>12, i&0xfff))
		if !l.Enter(addr) {
			t.Fatalf("address %d is refused", i)
		}
		l.Leave(addr)
	}
	if sources, _ := l.Count(); sources > 1<<17 {
		t.Errorf("%d sources are known", sources)
	}
}

// A reserved id is for its address and the network of one subscriber around it, for a
// while, and no table grows without bound.
func TestReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := admission.New(admission.Config{Reserve: time.Minute})
		may := func(id, addr string, want bool) {
			t.Helper()
			if l.MayHold(id, netip.MustParseAddr(addr)) != want {
				t.Errorf("%s may hold %s: %v", addr, id, !want)
			}
		}
		l.Reserve("a", netip.MustParseAddr("2001:db8::1"))
		l.Reserve("b", netip.MustParseAddr("127.0.0.1")) // exempt
		may("a", "192.0.2.1", false)
		may("a", "10.0.0.1", false) // exempt, but not the one that held it
		may("b", "192.0.2.1", true)
		may("a", "2001:db8::2", true)
		may("a", "192.0.2.1", true) // its peer is back, and holds it
		l.Reserve("a", netip.MustParseAddr("192.0.2.1"))
		time.Sleep(time.Minute)
		may("a", "192.0.2.2", true)
		for i := range 1 << 15 {
			l.Reserve(fmt.Sprint(i), netip.MustParseAddr("192.0.2.1"))
		}
		if n := l.Reserved(); n != 1<<14 {
			t.Errorf("%d ids are reserved", n)
		}
		time.Sleep(time.Minute)
		if l.Sweep(); l.Reserved() != 0 {
			t.Errorf("%d ids are reserved after a sweep", l.Reserved())
		}
	})
}

// New limits apply to the next session. An address that used up its burst is forgotten once
// there is no rate.
func TestSetLimits(t *testing.T) {
	t.Parallel()
	l := admission.New(admission.Config{Rate: 0.001, Burst: 5})
	addr := netip.MustParseAddr("198.51.100.7")
	if in := enter(l, "198.51.100.7", 9); in != 5 {
		t.Fatalf("%d sessions got in, want 5", in)
	}
	l.SetLimits(admission.Config{Rate: -1, Burst: 5, Sessions: 7})
	if in := enter(l, "198.51.100.7", 9); in != 2 {
		t.Errorf("%d more sessions got in, want 2", in)
	}
	for range 7 {
		l.Leave(addr)
	}
	if l.Sweep(); !known(l, 0) {
		t.Error("an address without sessions is still known, although there is no rate")
	}
}
