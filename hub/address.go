package hub

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/realclientip/realclientip-go"
)

// clientAddresses finds the address that a request comes from. A client may write any
// header, so only what a trusted proxy added is believed.
type clientAddresses struct {
	proxies []netip.Prefix
	header  realclientip.Strategy
}

// newClientAddresses returns an error if the header cannot be read. X-Forwarded-For and
// Forwarded (RFC 7239) hold a list, to which each proxy appends. Of it the last address
// counts that is not of a trusted proxy. Any other header holds one address.
func newClientAddresses(proxies []netip.Prefix, header string) (a clientAddresses, err error) {
	a.proxies = proxies
	switch header = http.CanonicalHeaderKey(header); header {
	case "X-Forwarded-For", "Forwarded":
		var trusted []net.IPNet
		for _, p := range proxies {
			trusted = append(trusted, net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
		}
		a.header, err = realclientip.NewRightmostTrustedRangeStrategy(header, trusted)
	default:
		a.header, err = realclientip.NewSingleIPHeaderStrategy(header)
	}
	if err != nil {
		return a, fmt.Errorf("AddressHeader is %.50q: %w", header, err)
	}
	return a, nil
}

// of returns the address of a request's client, without its port. It is the address of
// the connection if that is of no trusted proxy, or the proxy names no client.
func (a clientAddresses) of(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	direct := ipOf(host)
	if slices.ContainsFunc(a.proxies, func(p netip.Prefix) bool { return p.Contains(direct) }) {
		if client := ipOf(a.header.ClientIP(r.Header, r.RemoteAddr)); client.IsValid() {
			return client.String()
		}
	}
	return strings.Clone(host)
}

// ip returns the address of the session for hub/admission: invalid, and so without
// limits, if the connection is not of TCP.
func (s *session) ip() netip.Addr { return ipOf(s.address) }

func ipOf(text string) netip.Addr {
	addr, _ := netip.ParseAddr(text)
	return addr.Unmap().WithZone("")
}
