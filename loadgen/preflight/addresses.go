package preflight

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
)

// maxSources bounds the addresses of a list.
const maxSources = 1 << 16

// ParseSources reads addresses and prefixes such as 192.0.2.16/28. A prefix stands for
// all its hosts. The list may have at most 65,536 addresses.
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

// appendHosts appends the hosts of a prefix until the list is too long. The first and the
// last address of an IPv4 network are not hosts.
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

// LoopbackSources returns the first n addresses of 127/8. Every machine has all of them.
func LoopbackSources(n int) []netip.Addr {
	a := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	list := make([]netip.Addr, 0, n)
	for ; len(list) < n; a = a.Next() {
		list = append(list, a)
	}
	return list
}

// IsHere reports whether the host of a URL is this machine, by its name or address. It
// does not resolve names.
func IsHere(target string) bool {
	u, err := url.Parse(target)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && a.IsLoopback()
}

// IsLoopback4 reports whether the host of a URL is this machine, reached over IPv4.
func IsLoopback4(target string) bool {
	u, err := url.Parse(target)
	return err == nil && IsHere(target) && !strings.Contains(u.Hostname(), ":")
}
