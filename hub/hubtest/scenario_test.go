package hubtest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// Each scenario happens as it is described, and a hub that is right holds nothing
// of its peers afterwards.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(harness.Scenarios(), harness.Patient(), harness.Hubs()) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			const key = "of hubs"
			target, err := hubtest.Start(hub.Config{
				FirstMessageTimeout: 500 * time.Millisecond, PingInterval: 500 * time.Millisecond, PongTimeout: 500 * time.Millisecond,
				ProbeTimeout: 200 * time.Millisecond, CloseTimeout: 500 * time.Millisecond, MessageTimeout: 500 * time.Millisecond,
				WriteTimeout: time.Second, QueueBytes: 64 << 10, MessageRate: -1, DrainWindow: -1, HubKey: key, IsHub: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			crowd := &harness.Crowd{Target: target, Scenarios: []harness.Scenario{s}, Seed: 1, HubKey: key}
			for cycle := range 2 {
				if err := crowd.Send(ctx, cycle, map[string]int64{s.Name: 20}).Err(); err != nil {
					t.Error(err)
				}
				settle(t, target)
			}
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
