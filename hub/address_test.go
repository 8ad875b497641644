package hub_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// fromConn is a connection that comes from an address.
type fromConn struct {
	net.Conn
	from net.Addr
}

func (c fromConn) RemoteAddr() net.Addr { return c.from }

// newAddressWorld is newPipeWorld with connections that come from *from.
func newAddressWorld(t *testing.T, cfg hub.Config, from *string) *world {
	t.Helper()
	ln := newPipeListener()
	return serveWorld(t, cfg, ln, func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		addr := net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(*from), 4711))
		ln.conns <- fromConn{there, addr}
		return here, nil
	})
}

// One address cannot take every place, and gets 429 before the upgrade. Its places are
// given back, and it is forgotten.
func TestSessionsOfAnAddressAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := "198.51.100.7"
		w := newAddressWorld(t, hub.Config{AddressSessions: 3, PrefixSessions: 4}, &from)
		var in []*peer
		for range 3 {
			in = append(in, w.join("greedy", "n"))
		}
		refused := func() {
			t.Helper()
			if _, err := w.dial("greedy", ""); err == nil || !strings.Contains(err.Error(), "429") {
				t.Errorf("one more of %s: %v, want status 429", from, err)
			}
		}
		refused()
		from = "198.51.100.8"
		in = append(in, w.join("neighbor", "n"))
		refused() // the prefix is full
		from = "203.0.113.9"
		in = append(in, w.join("bob", "n"))
		w.wantCount("refused", func(st hub.Stats) uint64 { return st.RefusedHTTP["address"] }, 2)
		in[0].Close()
		synctest.Wait()
		from = "198.51.100.7"
		in = append(in, w.join("greedy", "n"))
		for _, p := range in {
			p.Close()
		}
		time.Sleep(time.Minute) // the memory monitor sweeps
		if st := w.hub.Stats(); st.Addresses != 0 {
			t.Errorf("%d addresses are known after all have left", st.Addresses)
		}
	})
}

// An address that connects again and again is slowed down, a rejoin does not begin anew.
func TestRateOfAnAddress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		from := "2001:db8::1"
		w := newAddressWorld(t, hub.Config{AddressRate: 1, AddressBurst: 5}, &from)
		for range 5 {
			w.join("restless", "n").Close()
		}
		if _, err := w.dial("restless", ""); err == nil {
			t.Error("a sixth session got in at once")
		}
		time.Sleep(time.Second)
		w.join("restless", "n")
	})
}

// Behind a trusted proxy each client has the limits of an address, whatever it writes
// into the header itself.
func TestLimitsGoByTheClientBehindAProxy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proxy := "10.0.0.1"
		w := newAddressWorld(t, hub.Config{AddressSessions: 2, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, &proxy)
		let := func(forwarded string, want bool) {
			t.Helper()
			c, err := wire.Dial(t.Context(), w.url, wire.NewPeerID(), &wire.DialOptions{
				NetDialContext: w.dialer, Header: http.Header{"X-Forwarded-For": {forwarded}},
			})
			if got := err == nil; got != want {
				t.Errorf("a session of %s: %v", forwarded, err)
			}
			if err == nil {
				w.Cleanup(func() { c.Close() })
			}
		}
		let("203.0.113.5", true)
		let("198.51.100.1, 203.0.113.5", true)
		let("198.51.100.2, 203.0.113.5", false)
		let("203.0.113.6", true)
		if st := w.hub.Stats(); st.Addresses != 3 {
			t.Errorf("%d addresses and prefixes are known, want two clients and their prefix", st.Addresses)
		}
	})
}
