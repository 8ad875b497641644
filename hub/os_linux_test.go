package hub

import (
	"io"
	"net"
	"testing"
)

// A peer that does not read costs the system about unsentLimit and what it has announced
// to take, not the megabytes to which a send buffer grows.
func TestUnsentBytesAreBounded(t *testing.T) {
	t.Parallel()
	h, _ := memoryHub(t, MemoryConfig{Interval: -1})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	peer, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	const window, write = 64 << 10, 16 << 10
	if err := peer.(*net.TCPConn).SetReadBuffer(window); err != nil {
		t.Fatal(err)
	}
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := &session{hub: h}
	s.conn = newTransport(conn, s)
	var taken int64
	for n := write; n == write; {
		if n, err = s.conn.tryWrite(make([]byte, write)); err != nil {
			t.Fatal(err)
		}
		taken += int64(n)
	}
	if held := s.conn.unacked(); held > unsentLimit+write+window {
		t.Errorf("the system holds %d bytes for a peer that reads nothing", held)
	}
	if _, err := io.CopyN(io.Discard, peer, taken); err != nil {
		t.Errorf("of %d bytes: %v", taken, err)
	}
}
