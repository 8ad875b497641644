package loadgen

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
)

// sources holds the addresses that peers connect from, in turn. Without addresses the
// system chooses one, whose ports bound the connections to one target.
type sources struct {
	addresses []netip.Addr
	next      atomic.Uint64
}

// address returns the next address, nil for the choice of the system.
func (s *sources) address() net.Addr {
	if len(s.addresses) == 0 {
		return nil
	}
	a := s.addresses[(s.next.Add(1)-1)%uint64(len(s.addresses))]
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
}

// dialFrom dials from an address, or from any if it is nil.
func dialFrom(ctx context.Context, from net.Addr, network, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: from}
	if from != nil {
		d.Control = portLater
	}
	return d.DialContext(ctx, network, address)
}
