package harness_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestProxyForwards(t *testing.T) {
	behindProxy(t, func(n *badNet) {
		alice, bob := n.join("alice"), n.join("bob")
		n.ok(alice.WantPeer(n.ctx, bob.ID))
		big := []byte(`"` + strings.Repeat("x", 900_000) + `"`)
		sent := make(chan error, 1)
		go func() { sent <- bob.Signal(wire.KindOffer, alice.ID, big) }()
		m, err := alice.Want(n.ctx, wire.KindOffer)
		n.ok(errors.Join(err, <-sent))
		if string(m.Data) != string(big) {
			n.Errorf("%d bytes came of %d, or others", len(m.Data), len(big))
		}
		n.ok(bob.Leave(n.ctx))
		n.ok(alice.WantGone(n.ctx, bob.ID))
		n.ok(alice.Reset())
		n.wantSessions(0)
		n.ok(harness.Settle(n.ctx, func() error {
			if n.Conns() > 0 {
				return errors.New("the proxy keeps connections that have ended")
			}
			return nil
		}))
	})
}

// The hub gives a frozen peer up by itself, and what it said meanwhile arrives when
// the network is back.
func TestProxyFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newBadNet(t, true, hub.Config{})
		alice, bob := n.join("alice"), harness.NewPeer(n.direct, "bob", wire.NewPeerID())
		n.ok(bob.Join(n.ctx, "n"))
		n.Freeze(true)
		n.ok(bob.Signal(wire.KindOffer, alice.ID, harness.Offer()))
		n.ok(bob.Leave(n.ctx))
		if took := n.wantSessions(0); took < 20*time.Second || took > 35*time.Second {
			t.Errorf("given up after %v, want ping and pong timeouts: 30 to 35s", took)
		}
		got := make(chan error, 2)
		go func() {
			for range cap(got) {
				_, err := alice.Want(n.ctx, wire.KindOffer)
				got <- err
			}
		}()
		synctest.Wait()
		select {
		case err := <-got:
			t.Fatalf("through a frozen proxy came %v", err)
		default:
		}
		n.Heal()
		n.ok(<-got)
		if err := <-got; err == nil {
			t.Error("the end did not arrive")
		}
	})
}

// To the target, a peer that connects to a frozen proxy does not exist.
func TestProxyFreezeBeforeTheDial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newBadNet(t, true, hub.Config{})
		n.Freeze(true)
		alice := harness.NewPeer(n, "alice", wire.NewPeerID())
		joined := make(chan error, 1)
		go func() { joined <- alice.Join(n.ctx, "n") }()
		synctest.Wait()
		if st := n.hub.Stats(); st.Sessions != 0 || n.Conns() != 1 {
			t.Errorf("%d sessions, %d connections", st.Sessions, n.Conns())
		}
		n.Freeze(false)
		n.ok(<-joined)
		n.ok(alice.Drop())
	})
}

func TestProxyCut(t *testing.T) {
	behindProxy(t, func(n *badNet) {
		alice, bob := n.join("alice"), n.join("bob")
		n.Cut()
		for _, p := range []*harness.Peer{alice, bob} {
			_, err := p.Want(n.ctx, wire.KindOffer)
			if tcp := n.Name() == "TestProxyCut/tcp"; err == nil || tcp && !errors.Is(err, syscall.ECONNRESET) {
				n.Errorf("%s got %v", p.Name, err)
			}
		}
		n.wantSessions(0)
		n.join("carol") // who comes later fares well
	})
}

// A connection that breaks in the middle of a message ends the session; the next
// one breaks as well, until the fault is taken back.
func TestProxyCutAfter(t *testing.T) {
	behindProxy(t, func(n *badNet) {
		alice := n.join("alice")
		n.CutAfter(harness.ToTarget, 10)
		n.ok(alice.SendRaw([]byte(`{"type":"ping","pad":"` + strings.Repeat("x", 100) + `"}`)))
		if _, err := alice.Want(n.ctx, wire.KindPong); err == nil {
			n.Error("the message got through whole")
		}
		n.wantSessions(0)
		bob := harness.NewPeer(n, "bob", wire.NewPeerID())
		if err := bob.Connect(n.ctx); err == nil {
			n.Error("ten bytes were enough for a handshake")
		}
		n.CutAfter(harness.ToTarget, -1)
		n.join("carol")
	})
}

func TestProxyLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newBadNet(t, true, hub.Config{})
		alice := n.join("alice")
		for _, latency := range []time.Duration{3 * time.Second, 0} {
			n.Latency(latency)
			began := time.Now()
			_, err := alice.Fence(n.ctx)
			n.ok(err)
			if took := time.Since(began); took != 2*latency {
				t.Errorf("latency %v: a ping took %v", latency, took)
			}
		}
	})
}

// A message that trickles in is cut by the hub's own timeout.
func TestProxyBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newBadNet(t, true, hub.Config{})
		alice := n.join("alice")
		n.Bandwidth(1)
		n.ok(alice.SendRaw([]byte(`{"type":"ping","pad":"` + strings.Repeat("x", 200) + `"}`)))
		// The hub minds the age of a message when a read times out, each 30s.
		if took := n.wantSessions(0); took < 29*time.Second || took > 65*time.Second {
			t.Errorf("cut after %v, want 30s to a minute and 2s for the close", took)
		}
	})
}

func TestProxyHalfClose(t *testing.T) {
	for _, d := range []harness.Direction{harness.ToTarget, harness.ToPeer} {
		t.Run([]string{"to target", "to peer"}[d], func(t *testing.T) {
			n := newBadNet(t, false, hub.Config{DrainWindow: -1})
			alice := n.join("alice")
			n.ok(n.HalfClose(d))
			if _, err := alice.Want(n.ctx, wire.KindOffer); err == nil {
				t.Error("the end did not arrive")
			}
			if d == harness.ToTarget {
				n.wantSessions(0)
				return
			}
			// The other direction goes on: what the peer says arrives.
			before := n.hub.Stats().ReceivedBytes
			n.ok(alice.SendRaw([]byte(`{"type":"ping"}`)))
			n.ok(harness.Settle(n.ctx, func() error {
				if n.hub.Stats().ReceivedBytes == before {
					return errors.New("the hub heard nothing")
				}
				return nil
			}))
		})
	}
}

func TestProxyHalfCloseOfAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newBadNet(t, true, hub.Config{})
		n.join("alice")
		if err := n.HalfClose(harness.ToTarget); !errors.Is(err, harness.ErrNoHalfClose) {
			t.Errorf("got %v", err)
		}
	})
}

func TestProxyRefuse(t *testing.T) {
	behindProxy(t, func(n *badNet) {
		alice := n.join("alice")
		n.Refuse(true)
		bob := harness.NewPeer(n, "bob", wire.NewPeerID())
		want := syscall.ECONNRESET
		if strings.HasSuffix(n.Name(), "pipes") {
			want = syscall.ECONNREFUSED
		}
		if err := bob.Connect(n.ctx); !errors.Is(err, want) {
			n.Errorf("got %v, want %v", err, want)
		}
		_, err := alice.Fence(n.ctx) // who is in stays
		n.ok(err)
		n.Heal()
		n.ok(bob.Join(n.ctx, "n"))
		n.ok(bob.Drop())
	})
}

// What is sent to a frozen proxy is held up to a bound; then the sender waits.
func TestProxyHoldsNoMoreThanItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newBadNet(t, true, hub.Config{})
		n.Freeze(true)
		conn, err := n.Dial(t.Context(), "", "")
		n.ok(err)
		n.Freeze(false) // it has a target now,
		synctest.Wait()
		n.Freeze(true) // and is frozen
		conn.SetWriteDeadline(time.Now().Add(time.Minute))
		sent, err := io.Copy(conn, io.LimitReader(zeros{}, 10<<20))
		if ne := net.Error(nil); !errors.As(err, &ne) || !ne.Timeout() || sent < 500<<10 || sent > 2<<20 {
			t.Errorf("%d bytes went in: %v", sent, err)
		}
		conn.Close()
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// Close ends everything in the middle of all faults at once.
func TestProxyCloseUnderFaults(t *testing.T) {
	wantNothingLeft(t)
	target, err := hubtest.Start(hub.Config{DrainWindow: -1})
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := harness.NewProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			p := harness.NewPeer(proxy, "peer", wire.NewPeerID())
			if p.Join(ctx, "n") == nil { // or one of the faults came first
				p.Listen(ctx)
			}
			if p.Connected() {
				p.Drop()
			}
		})
	}
	for i := range 200 {
		proxy.Latency(time.Duration(i%3) * time.Millisecond)
		proxy.Freeze(i%2 == 0)
		proxy.Bandwidth(int64(i % 5 * 1000))
		if i%50 == 0 {
			proxy.Cut()
		}
	}
	for range 2 {
		if err := proxy.Close(); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	if err := proxy.Stop(ctx); err != nil {
		t.Error(err)
	}
}
