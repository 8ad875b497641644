package hubtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Each scenario happens as it is described, and a hub that is right holds nothing
// of its peers afterwards.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, s := range append(harness.Scenarios(), harness.Patient()...) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			target, err := hubtest.Start(hub.Config{
				FirstMessageTimeout: 500 * time.Millisecond, PingInterval: 500 * time.Millisecond, PongTimeout: 500 * time.Millisecond,
				ProbeTimeout: 200 * time.Millisecond, CloseTimeout: 500 * time.Millisecond, DrainWindow: -1,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var wg sync.WaitGroup
			for i := range 20 {
				v := &harness.Visit{
					Peer:  harness.NewPeer(target, fmt.Sprintf("%s %d", s.Name, i), wire.NewPeerID()),
					Index: i, Rand: rand.New(rand.NewPCG(1, uint64(i))), Home: fmt.Sprint(s.Name, i/10),
				}
				wg.Go(func() {
					if err := s.Live(ctx, v); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			settle(t, target)
			if err := target.Stop(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// settle waits until the hub holds nothing, and checks it.
func settle(t *testing.T, target *hubtest.Target) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); target.Hub.Sessions() > 0; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are left: %+v", target.Hub.Sessions(), target.Hub.Stats())
		}
	}
	if err := target.Check(); err != nil {
		t.Error(err)
	}
}
