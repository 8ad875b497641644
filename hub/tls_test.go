package hub_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// newTLSWorld serves a hub over TLS, where sockets cannot be read and written by
// descriptor. Peers have a small receive buffer.
func newTLSWorld(t *testing.T, cfg hub.Config) *world {
	t.Helper()
	borrowed := httptest.NewUnstartedServer(nil)
	borrowed.StartTLS() // for its certificate
	config := borrowed.TLS.Clone()
	config.NextProtos = nil
	borrowed.Close()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveWorld(t, cfg, tls.NewListener(ln, config), func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		c.(*net.TCPConn).SetReadBuffer(4 << 10)
		return tls.Client(c, &tls.Config{InsecureSkipVerify: true}), nil
	})
}

func TestOverTLS(t *testing.T) {
	t.Parallel()
	w := newTLSWorld(t, hub.Config{})
	alice, bob := w.join("alice", "n"), w.join("bob", "n")
	for range 20 {
		bob.Signal(wire.KindOffer, alice.ID(), "n", []byte(`1`))
	}
	for range 20 {
		alice.want("offer")
	}
	alice.Leave("n")
	alice.wantClose(1000, "goodbye")
	bob.want("peer-disconnected")
}
