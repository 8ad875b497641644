package hub

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// clientAddress returns the address that a request comes from, without its port.
func clientAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return strings.Clone(host)
}

// ip returns the address of the session for hub/admission: invalid, and so without
// limits, if the connection is not of TCP.
func (s *session) ip() netip.Addr {
	addr, _ := netip.ParseAddr(s.address)
	return addr
}
