package loadgen

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
)

// sources are the addresses that peers connect from, in turn. None lets the system
// choose: one address, whose ports bound how many connections there can be to one
// target.
type sources struct {
	addresses []netip.Addr
	next      atomic.Uint64
}

// address returns the next address, nil for the system's choice.
func (s *sources) address() net.Addr {
	if len(s.addresses) == 0 {
		return nil
	}
	a := s.addresses[(s.next.Add(1)-1)%uint64(len(s.addresses))]
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0))
}

// maxSources bounds how many addresses a prefix stands for.
const maxSources = 1 << 16

// ParseSources reads addresses and prefixes (192.0.2.16/28), which stand for all hosts
// in them, at most 65,536 in all.
func ParseSources(list []string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if !strings.Contains(text, "/") {
			var a netip.Addr
			a, err = netip.ParseAddr(text)
			p = netip.PrefixFrom(a, a.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("source: %q is neither an address nor a prefix such as 192.0.2.16/28", text)
		}
		all = appendHosts(all, p.Masked())
		if len(all) > maxSources {
			return nil, fmt.Errorf("source: %q makes more than %d addresses", text, maxSources)
		}
	}
	return all, nil
}

// appendHosts appends the hosts of a prefix, until there are too many. Of an IPv4 network
// the first and the last address are not hosts.
func appendHosts(list []netip.Addr, p netip.Prefix) []netip.Addr {
	network := p.Addr().Is4() && p.Bits() < 31
	for a := p.Addr(); p.Contains(a) && len(list) <= maxSources; a = a.Next() {
		if network && (a == p.Addr() || !p.Contains(a.Next())) {
			continue
		}
		list = append(list, a)
	}
	return list
}

// loopbackSources are the first addresses of 127/8, all of which a machine has without
// anybody's doing.
func loopbackSources(n int) []netip.Addr {
	a := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	list := make([]netip.Addr, 0, n)
	for ; len(list) < n; a = a.Next() {
		list = append(list, a)
	}
	return list
}

// IsHere reports whether the host of a URL is this machine, by its name or address. No
// resolver is asked.
func IsHere(target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.IsLoopback()
}

// isLoopback4 reports whether it is this machine by IPv4.
func isLoopback4(target string) bool {
	u, err := url.Parse(target)
	return err == nil && IsHere(target) && !strings.Contains(u.Hostname(), ":")
}

// dialFrom dials from an address, nil for any.
func dialFrom(ctx context.Context, from net.Addr, network, address string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: from}
	if from != nil {
		d.Control = portLater
	}
	return d.DialContext(ctx, network, address)
}
