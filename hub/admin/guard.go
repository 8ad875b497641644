package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard keeps web pages out of a listener on loopback. A page that the operator
// visits runs on the operator's machine, and can reach what listens there: under a
// name of its own that it has pointed to 127.0.0.1 (DNS rebinding), or blindly.
// The first shows in the Host header, the second in what browsers say of where a
// request comes from.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onLoopback(r) && (!localName(r.Host) || foreign(r)) {
			http.Error(w, "This page answers to localhost and to addresses, and to no other page.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func onLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// localName reports whether a Host is an address, or a name that is always this
// machine.
func localName(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.Trim(name, "[]")
	_, err = netip.ParseAddr(name)
	return err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// foreign reports whether a browser says that another site asks.
func foreign(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "cross-site"
	}
	_, rest, ok := strings.Cut(r.Header.Get("Origin"), "://")
	return ok && !localName(rest)
}
