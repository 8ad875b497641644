package admin

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// guard refuses requests of foreign web pages to a listener on loopback. A page in the
// operator's browser can reach such a listener: by a name of its own that resolves to
// 127.0.0.1 (DNS rebinding), which the Host header shows, or by a request whose
// response it cannot read, which Sec-Fetch-Site or Origin shows.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if onLoopback(r) && (!localName(r.Host) || foreign(r)) {
			http.Error(w, "This page can be requested as localhost or by address only, and not by other pages.", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func onLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// localName reports whether a Host is an address or localhost.
func localName(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	name = strings.Trim(name, "[]")
	_, err = netip.ParseAddr(name)
	return err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// foreign reports whether a browser made the request for a page of another site.
func foreign(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "cross-site"
	}
	origin := r.Header.Get("Origin")
	_, rest, ok := strings.Cut(origin, "://")
	return origin == "null" || ok && !localName(rest) // null: a sandboxed frame or a local file
}
