package hubtest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// story is two peers that meet, talk and part.
func story(t *testing.T, target *hubtest.Target) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	alice, bob := harness.NewPeer(target, "alice", wire.NewPeerID()), harness.NewPeer(target, "bob", wire.NewPeerID())
	for _, step := range []func() error{
		func() error { return alice.Join(ctx, "n") },
		func() error { return bob.Join(ctx, "n") },
		func() error { return alice.WantPeer(ctx, bob.ID) },
		func() error { return bob.Signal(wire.KindOffer, alice.ID, harness.Offer()) },
		func() error { _, err := alice.Want(ctx, wire.KindOffer); return err },
		func() error { return bob.Leave(ctx) },
		func() error { return alice.WantGone(ctx, bob.ID) },
		func() error { return alice.Reset() },
		func() error { return target.Stop(ctx) },
		target.Check,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	gauges, err := target.Gauges()
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range gauges {
		if v != 0 {
			t.Errorf("after Stop %s is %v", name, v)
		}
	}
}

func TestStart(t *testing.T) {
	t.Parallel()
	target, err := hubtest.Start(hub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	story(t, target)
}

func TestStartPipesInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target, err := hubtest.StartPipes(hub.Config{})
		if err != nil {
			t.Fatal(err)
		}
		story(t, target)
	})
}
