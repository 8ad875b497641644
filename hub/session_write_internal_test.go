package hub

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// A peer gets its close frame, and CloseTimeout to answer it, however late the batch is
// committed that the frame is in. On a busy machine the connection was closed without one.
func TestCloseFrameOfALateCommit(t *testing.T) {
	t.Parallel()
	const timeout = 200 * time.Millisecond
	h, err := New(Config{CloseTimeout: timeout, Logger: slog.New(slog.DiscardHandler), Memory: MemoryConfig{Interval: -1}})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	defer srv.Close()
	defer h.Close()
	peer, err := wire.Dial(t.Context(), srv.URL, wire.NewPeerID(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	if _, err := peer.Receive(); err != nil { // the session is registered
		t.Fatal(err)
	}
	h.mu.Lock()
	s := h.peers[peer.ID()]
	h.mu.Unlock()
	h.do(func(b *batch) {
		h.beginClose(s, wire.ReasonShutdown, b)
		<-time.After(2 * timeout)
	})
	var closed *wire.CloseError
	if _, err := peer.Receive(); !errors.As(err, &closed) {
		t.Errorf("the peer got %v, want a close frame", err)
	}
}

// The same for a connection that is not written by descriptor: the write has a deadline.
func TestCloseFrameOfALateCommitInAPipe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, _ := memoryHub(t, MemoryConfig{Interval: -1})
		here, there := net.Pipe()
		s := &session{hub: h}
		s.conn = newTransport(there, s)
		got := make(chan []byte)
		go func() {
			b, _ := io.ReadAll(here)
			got <- b
		}()
		h.do(func(b *batch) {
			h.beginClose(s, wire.ReasonShutdown, b)
			time.Sleep(2 * h.Config().CloseTimeout)
		})
		synctest.Wait()
		s.finishWriting()
		if b := <-got; len(b) == 0 {
			t.Error("the peer got nothing, want a close frame")
		}
		here.Close()
	})
}
