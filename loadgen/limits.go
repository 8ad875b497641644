package loadgen

import (
	"net"
	"net/netip"
)

// readLimits reads what this machine allows, for a target on it or elsewhere.
func readLimits(sources []netip.Addr, loopback bool) Limits {
	l := systemLimits(loopback)
	l.Missing = strangers(sources, isOurs)
	return l
}

// isOurs reports whether this machine has an address.
func isOurs(a netip.Addr) bool {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}
