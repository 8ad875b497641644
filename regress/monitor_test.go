package regress_test

import (
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// The memory monitor works while a hub is at rest, and a census takes no lock of the hub. Under the
// race detector the test fails if the monitor writes what a census reads.
func TestCensusBesideMonitor(t *testing.T) {
	cfg := hub.Config{Memory: hub.MemoryConfig{Interval: 10 * time.Millisecond, Sample: 10 * time.Millisecond}}
	target, err := hubtest.StartPipes(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := target.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	census := &detect.Census{Roots: target.Roots()}
	for noted := false; !noted; noted = len(target.Hub.History()) > 0 {
		if _, err := census.Count(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
