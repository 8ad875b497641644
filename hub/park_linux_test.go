//go:build !nopark

package hub_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// soon is Config.ParkAfter of hubs whose peers are to be parked at once.
const soon = 2 * time.Millisecond

// wantParked waits until n sessions are parked.
func (w *world) wantParked(n int) {
	w.Helper()
	w.settle(func(st hub.Stats) string {
		if st.Parked == n {
			return ""
		}
		return fmt.Sprintf("%d sessions of %d are parked, want %d", st.Parked, st.Sessions, n)
	})
	if err := w.hub.CheckInvariants(); err != nil {
		w.Error(err)
	}
}

// Idle peers have no goroutine, and are served as any others when they speak or are
// spoken to.
func TestIdlePeersAreParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{ParkAfter: soon})
	const n = 50
	peers := make([]*peer, n)
	for i := range peers {
		peers[i] = w.join(fmt.Sprint("peer ", i), fmt.Sprint("n", i/2))
	}
	w.wantParked(n)
	w.settle(func(st hub.Stats) string {
		if st.Goroutines <= 2 && st.Sessions == n { // the monitor, and what wakes
			return ""
		}
		return fmt.Sprintf("%d goroutines for %d sessions", st.Goroutines, st.Sessions)
	})
	for i := 0; i < n; i += 2 {
		alice, bob := peers[i], peers[i+1]
		alice.want("peer-discovered")
		for range 3 {
			alice.Signal(wire.KindOffer, bob.ID(), fmt.Sprint("n", i/2), []byte(`1`))
			bob.want("offer")
			w.wantParked(n)
		}
	}
	for i, p := range peers {
		if i%2 == 0 {
			p.Leave(fmt.Sprint("n", i/2))
			p.wantClose(1000, "goodbye")
		} else {
			p.reset()
		}
	}
	w.settle(func(st hub.Stats) string {
		if st.Sessions+st.Parked == 0 {
			return ""
		}
		return fmt.Sprintf("%d sessions are left, %d parked", st.Sessions, st.Parked)
	})
}

// A session with a part of a frame or of a message is not parked: gorilla holds it.
func TestPartsAreNotParked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{ParkAfter: soon})
	message := hostile.TextFrame(`{"type":"ping"}`)
	fragmented := append(hostile.Frame(hostile.Text, []byte(`{"type":`)), hostile.Frame(hostile.Final|hostile.Continuation, []byte(`"ping"}`))...)
	large := hostile.TextFrame(fmt.Sprintf(`{"type":"ping","data":"%0*d"}`, 70_000, 1))
	idle := w.join("idle", "n")
	alice := w.join("alice", "n")
	for _, bytes := range [][]byte{message, fragmented, large} {
		for _, at := range []int{1, 3, 7, len(bytes) / 2, len(bytes) - 1} {
			w.wantParked(2)
			alice.frames(bytes[:at])
			w.wantParked(1) // alice was woken
			// A quiet peer beside alice is woken and parked twice, which takes longer than ParkAfter.
			for range 2 {
				idle.fence()
				w.settle(func(st hub.Stats) string {
					if st.Parked != 1 {
						return fmt.Sprintf("%d of %d bytes: %d sessions are parked, want 1", at, len(bytes), st.Parked)
					}
					return ""
				})
			}
			alice.frames(bytes[at:])
			alice.want("pong")
		}
	}
}

// A parked peer is pinged. One that answers stays, one that does not is ended.
func TestParkedPeersArePinged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{ParkAfter: soon, PingInterval: 50 * time.Millisecond, PongTimeout: 3 * time.Second})
	alice := w.join("alice", "n")
	w.join("mute", "n")
	ended := alice.swallow()
	w.settleWithin(30*time.Second, func(st hub.Stats) string {
		if n := st.Ended[wire.ReasonPingTimeout.String()]; n != 1 || st.Sessions != 1 {
			return fmt.Sprintf("%d sessions ended for their pings, %d are left, want 1 and 1", n, st.Sessions)
		}
		return ""
	})
	pinged := w.hub.Stats().SentBytes + 2*2 // two pings
	w.settleWithin(30*time.Second, func(st hub.Stats) string {
		if st.SentBytes >= pinged && st.Sessions == 1 {
			return ""
		}
		return fmt.Sprintf("%d sessions are left, and %d bytes of pings to come", st.Sessions, pinged-st.SentBytes)
	})
	alice.Close()
	<-ended
}

func TestParkedPeerThatSaysNothingIsEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{ParkAfter: soon, FirstMessageTimeout: 200 * time.Millisecond})
	p := w.connect("silent", "")
	p.wantClose(wire.ReasonFirstMessageTimeout.Code(), wire.ReasonFirstMessageTimeout.Text())
}

// A parked holder of an id keeps it if it lives, and loses it if it does not.
func TestParkedHolderIsProbed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hub.Config{ParkAfter: soon, ProbeTimeout: 2 * time.Second})
	alive, dead := w.join("alive", "n"), w.join("dead", "n")
	ended := alive.swallow()
	w.wantParked(2)
	claim, err := w.dial("claims the id of alive", alive.ID())
	if err != nil {
		t.Fatal(err)
	}
	claim.wantClose(wire.ReasonDuplicatePeer.Code(), wire.ReasonDuplicatePeer.Text())
	w.connect("claims the id of dead", dead.ID()).announce("n")
	w.settle(func(st hub.Stats) string {
		if n := st.Ended[wire.ReasonReplaced.String()]; n != 1 || st.Peers != 2 {
			return fmt.Sprintf("%d sessions were replaced, %d peers are left, want 1 and 2", n, st.Peers)
		}
		return ""
	})
	alive.Close()
	<-ended
}

// Shutdown ends parked sessions: those that answer the close frame, and those that do
// not, after CloseTimeout or when its context ends. Close ends all at once.
func TestShutdownEndsParkedSessions(t *testing.T) {
	t.Parallel()
	const n = 40
	parked := func(t *testing.T, closeTimeout time.Duration, answer bool) *world {
		t.Parallel()
		w := newWorld(t, hub.Config{ParkAfter: soon, CloseTimeout: closeTimeout, DrainWindow: 10 * time.Millisecond})
		w.ended = true
		for i := range n {
			if p := w.join(fmt.Sprint("peer ", i), fmt.Sprint("n", i/4)); answer {
				ended := p.swallow()
				t.Cleanup(func() { <-ended })
			}
		}
		w.wantParked(n)
		return w
	}
	shutDown := func(ctx context.Context, w *world, want error) {
		w.Helper()
		if err := w.hub.Shutdown(ctx); !errors.Is(err, want) {
			w.Errorf("Shutdown returned %v, want %v", err, want)
		}
		w.wantEmpty()
	}
	t.Run("answered", func(t *testing.T) { shutDown(context.Background(), parked(t, time.Minute, true), nil) })
	t.Run("mute", func(t *testing.T) { shutDown(context.Background(), parked(t, 50*time.Millisecond, false), nil) })
	t.Run("cut off", func(t *testing.T) {
		w := parked(t, time.Minute, false)
		ctx, cancel := context.WithCancel(context.Background())
		sub, err := w.hub.Subscribe("test", hub.EventPeerDisconnected)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			defer cancel()
			for range n {
				select {
				case <-sub.Events():
				case <-sub.Done():
				}
			}
		}()
		shutDown(ctx, w, context.Canceled)
	})
	t.Run("closed", func(t *testing.T) {
		w := parked(t, time.Minute, false)
		if err := w.hub.Close(); err != nil {
			t.Error(err)
		}
		w.wantEmpty()
	})
}
