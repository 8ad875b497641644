package detect_test

import (
	"net"
	"testing"
)

// tcpPair returns both ends of a connection over loopback.
func tcpPair(t *testing.T, l net.Listener) (client, server net.Conn) {
	t.Helper()
	client, err := new(net.Dialer).DialContext(t.Context(), l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		server.Close()
	})
	return client, server
}
