package hub

import (
	"io"
	"net"
	"testing"
)

// delivered never falls, because what a peer has acknowledged it has acknowledged. It
// fell when it was asked amid a write; a holder that was gone then made progress
// between two looks and kept its id.
func TestDeliveredNeverFalls(t *testing.T) {
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
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := &session{hub: h}
	s.conn = newTransport(conn, s)

	const message, messages = 100, 5000
	written := make(chan struct{})
	go func() {
		defer close(written)
		for range messages {
			h.do(func(b *batch) { s.send(b, make([]byte, message)) })
			if _, err := io.CopyN(io.Discard, peer, message); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for before, done := s.delivered(), false; !done; {
		select {
		case <-written:
			done = true
		default:
		}
		now := s.delivered()
		if now < before {
			t.Errorf("%d bytes are delivered, %d were before", now, before)
			<-written
			return
		}
		before = now
	}
}
