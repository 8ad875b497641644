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
			limit, probe := 30*time.Second, 10*time.Second // which a machine that stalls does not reach
			if s.Waits {
				limit, probe = 2*time.Second, 700*time.Millisecond
			}
			target, err := hubtest.Start(hub.Config{
				FirstMessageTimeout: 2 * limit, PingInterval: limit, PongTimeout: limit,
				ProbeTimeout: probe, CloseTimeout: 500 * time.Millisecond, MessageTimeout: limit,
				WriteTimeout: time.Second, QueueBytes: 256 << 10, MessageRate: -1, DrainWindow: -1, HubKey: key, IsHub: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
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
	for deadline := time.Now().Add(time.Minute); target.Hub.Sessions() > 0; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%d sessions are left: %+v", target.Hub.Sessions(), target.Hub.Stats())
		}
	}
	if err := target.Check(); err != nil {
		t.Error(err)
	}
}
