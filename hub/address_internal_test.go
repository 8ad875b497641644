package hub

import (
	"net/http"
	"net/netip"
	"testing"
)

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// A request has the address that the nearest trusted proxy saw. What the client wrote
// itself, and what an untrusted connection says, changes nothing.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	const proxy, chained, forwarded, single = "10.0.0.1:4000", "X-Forwarded-For", "Forwarded", "Fly-Client-Ip"
	for _, tt := range []struct {
		name, header, remote string
		values               []string
		want                 string
	}{
		{"no header", chained, proxy, nil, "10.0.0.1"},
		{"one proxy", chained, proxy, []string{"203.0.113.5"}, "203.0.113.5"},
		{"forged before it", chained, proxy, []string{"198.51.100.1, 203.0.113.5"}, "203.0.113.5"},
		{"forged in a line of its own", chained, proxy, []string{"198.51.100.1", "203.0.113.5"}, "203.0.113.5"},
		{"two proxies", chained, proxy, []string{"198.51.100.1, 203.0.113.5, 10.9.9.9"}, "203.0.113.5"},
		{"only proxies", chained, proxy, []string{"10.1.1.1, 10.2.2.2"}, "10.0.0.1"},
		{"not an address", chained, proxy, []string{"203.0.113.5, unknown"}, "10.0.0.1"},
		{"a port", chained, proxy, []string{"203.0.113.5:1234"}, "203.0.113.5"},
		{"IPv6", chained, proxy, []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv6 by an IPv6 proxy", chained, "[2001:db8:ffff::1]:4000", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv4 in IPv6", chained, "[::ffff:10.0.0.1]:4000", []string{"::ffff:203.0.113.5"}, "203.0.113.5"},
		{"not a proxy", chained, "192.0.2.9:4000", []string{"203.0.113.5"}, "192.0.2.9"},
		{"another header", chained, proxy, nil, "10.0.0.1"},
		{"RFC 7239", forwarded, proxy, []string{`for=198.51.100.1, for="[2001:db8::7]:99";proto=https`}, "2001:db8::7"},
		{"RFC 7239 obfuscated", forwarded, proxy, []string{`for=_hidden`}, "10.0.0.1"},
		{"single", single, proxy, []string{"203.0.113.5"}, "203.0.113.5"},
		{"single, not a proxy", single, "192.0.2.9:4000", []string{"203.0.113.5"}, "192.0.2.9"},
		{"no TCP", chained, "@", []string{"203.0.113.5"}, "@"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := newClientAddresses(prefixes("10.0.0.0/8", "2001:db8:ffff::/48"), tt.header)
			if err != nil {
				t.Fatal(err)
			}
			r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{tt.header: tt.values}}
			if got := a.of(r); got != tt.want {
				t.Errorf("%s: %v from %s is %s, want %s", tt.header, tt.values, tt.remote, got, tt.want)
			}
		})
	}
}

// Whatever a header holds, a request has an address, and without a trusted proxy that of
// the connection.
func FuzzClientAddress(f *testing.F) {
	f.Add("203.0.113.5, 10.0.0.1", true)
	f.Add(`for="[2001:db8::7]:99";proto=https, for=_x`, false)
	trusting, _ := newClientAddresses(prefixes("10.0.0.0/8"), "X-Forwarded-For")
	rfc, _ := newClientAddresses(prefixes("10.0.0.0/8"), "Forwarded")
	f.Fuzz(func(t *testing.T, value string, standard bool) {
		a, header := trusting, "X-Forwarded-For"
		if standard {
			a, header = rfc, "Forwarded"
		}
		r := &http.Request{RemoteAddr: "10.0.0.1:4000", Header: http.Header{header: {value}}}
		if got := a.of(r); !ipOf(got).IsValid() {
			t.Errorf("%q gives %q, which is no address", value, got)
		}
		r.RemoteAddr = "192.0.2.9:4000"
		if got := a.of(r); got != "192.0.2.9" {
			t.Errorf("%q of a stranger gives %q", value, got)
		}
	})
}
