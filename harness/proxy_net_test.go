package harness_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// badNet is a hub of ours behind a proxy.
type badNet struct {
	*testing.T
	*harness.Proxy
	direct harness.Target // past the proxy
	hub    *hub.Hub
	ctx    context.Context
}

// newBadNet is over pipes, for a bubble, or over TCP; then it fails the test if a
// goroutine or descriptor is left at its end.
func newBadNet(t *testing.T, pipes bool, cfg hub.Config) *badNet {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	start, proxy := hubtest.StartPipes, harness.NewPipeProxy
	if !pipes {
		wantNothingLeft(t)
		start, proxy = hubtest.Start, harness.NewProxy
	}
	target, err := start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	p, err := proxy(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop, cancelStop := context.WithTimeout(context.Background(), time.Minute)
		defer cancelStop()
		if err := p.Stop(stop); err != nil {
			t.Error(err)
		}
		if n := p.Conns(); n != 0 {
			t.Errorf("%d connections are left after Stop", n)
		}
		cancel()
	})
	return &badNet{T: t, Proxy: p, direct: target, hub: target.Hub, ctx: ctx}
}

// wantNothingLeft compares goroutines and descriptors at the end of the test with
// those of now. Not for parallel tests.
func wantNothingLeft(t *testing.T) {
	t.Helper()
	goroutines := goleak.IgnoreCurrent()
	before, err := harness.ReadDescriptors(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := goleak.Find(goroutines); err != nil {
			t.Error(err)
		}
		after, err := harness.ReadDescriptors(0)
		if err != nil || len(after) > len(before) {
			t.Errorf("descriptors: %d before, then %v: %v", len(before), after, err)
		}
	})
}

func (n *badNet) ok(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

func (n *badNet) join(name string) *harness.Peer {
	n.Helper()
	p := harness.NewPeer(n, name, wire.NewPeerID())
	n.ok(p.Join(n.ctx, "n"))
	n.Cleanup(func() { p.Drop() })
	return p
}

// wantSessions waits until the hub has so many sessions, and returns how long that
// took.
func (n *badNet) wantSessions(want int) time.Duration {
	n.Helper()
	began := time.Now()
	n.ok(harness.Settle(n.ctx, func() error {
		if got := n.hub.Sessions(); got != want {
			return errors.New("the hub has other sessions")
		}
		return nil
	}))
	return time.Since(began)
}

// behindProxy runs a test over TCP and in a bubble.
func behindProxy(t *testing.T, test func(n *badNet)) {
	t.Run("tcp", func(t *testing.T) { test(newBadNet(t, false, hub.Config{DrainWindow: -1})) })
	t.Run("pipes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(newBadNet(t, true, hub.Config{DrainWindow: -1})) })
	})
}
