package hub_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
)

// heldConn delivers nothing to its reader while hold is full: what its peer sends
// waits, as it does in the socket of a hub that has no time to read.
type heldConn struct {
	net.Conn
	hold chan struct{}
}

func (c heldConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.hold <- struct{}{}
	<-c.hold
	return n, err
}

// newHeldWorld is newPipeWorld with a hub that can be held up in reading from the
// first connection.
func newHeldWorld(t *testing.T, cfg hub.Config) (*world, chan struct{}) {
	t.Helper()
	ln, hold := newPipeListener(), make(chan struct{}, 1)
	first := true
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		var end net.Conn = there
		if first {
			end, first = heldConn{there, hold}, false
		}
		ln.conns <- end
		return here, nil
	}
	return serveWorld(t, cfg, ln, dial), hold
}

// Bytes that a peer sent before its connection broke are no answer to the probe, even
// if the hub reads them only after it has sent the probe. The peer was refused its own
// id for them.
func TestBytesFromBeforeTheProbeAreNoSignOfLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, hold := newHeldWorld(t, hub.Config{PingInterval: time.Hour, WriteTimeout: time.Hour})
		old := w.join("old", "")
		synctest.Wait() // until the hub has noticed what old has read
		hold <- struct{}{}
		old.raw(`{"type":"cleanup"}`) // and never reads again
		began := time.Now()
		dialed := make(chan *peer, 1)
		go func() {
			p, err := w.dial("reborn", old.ID())
			if err != nil {
				t.Error(err)
			}
			dialed <- p
		}()
		synctest.Wait() // until the hub waits for the answer to its probe
		<-hold
		reborn := <-dialed
		if m := reborn.next(); m.Type != "connected" {
			t.Errorf("got %+v, want connected", m)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took the id over after %v, want the probe timeout of 5s", took)
		}
	})
}

// A peer that reads slowly, but steadily, is alive, although its answer to a ping has to
// wait until it has read what is ahead of the ping. Most of that is in the socket's send
// buffer, where the hub's own queue does not show it.
func TestSlowReaderIsAlive(t *testing.T) {
	t.Parallel()
	const pause, message = time.Second, 900 << 10
	id := digits("a")
	offer := []byte(`{"type":"offer","networkName":"n","targetPeerId":"` + string(id) + `","data":` + string(offerOf(message)) + `}`)
	w := newWorld(t, hub.Config{PingInterval: pause, PongTimeout: pause, ProbeTimeout: pause})
	alice, bob := w.joinAs("alice", id, "n"), w.join("bob", "n")
	conn := alice.NetConn().(*net.TCPConn)
	conn.SetReadBuffer(16 << 10)
	sent := make(chan error, 1)
	go func() { sent <- bob.SendRaw(offer) }()
	var thief *peer
	pace := time.NewTicker(10 * time.Millisecond)
	defer pace.Stop()
	began, got, part := time.Now(), 0, make([]byte, 3<<10)
	for got < message {
		<-pace.C
		n, err := conn.Read(part)
		if err != nil {
			t.Fatalf("alice is cut after %v and %d bytes: %v", time.Since(began), got, err)
		}
		if got += n; thief == nil && got > message/10 {
			if thief, err = w.dial("thief", id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took < 2*pause {
		t.Fatalf("all is read within %v: no ping was late", took)
	}
	thief.wantClose(1008, "Peer already connected")
}
