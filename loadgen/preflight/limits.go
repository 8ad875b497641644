package preflight

import (
	"net"
	"net/netip"
)

// ReadLimits reads the limits of this machine. Loopback is whether the target is on it.
func ReadLimits(sources []netip.Addr, loopback bool) Limits {
	l := SystemLimits(loopback)
	l.Missing = strangers(sources, IsOurs)
	return l
}

// IsOurs reports whether an address is of this machine.
func IsOurs(a netip.Addr) bool {
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// strangers returns the addresses that this machine does not have.
func strangers(list []netip.Addr, has func(netip.Addr) bool) []netip.Addr {
	var missing []netip.Addr
	for _, a := range list {
		if !has(a) {
			missing = append(missing, a)
		}
	}
	return missing
}
