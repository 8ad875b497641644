package loadgen

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
)

func TestNeed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		word           string
		figures        plan.Phase
		url            string
		reuse          bool
		peers, closing int64
	}{
		{"ramp", plan.Phase{Peers: 15_000, Rate: 500}, "ws://192.0.2.1", false, 15_000, 15_000},
		{"ramp", plan.Phase{Peers: 15_000, Rate: 100}, "ws://192.0.2.1", false, 15_000, 6000},
		{"ramp", plan.Phase{Peers: 15_000, Rate: 500}, "ws://127.0.0.1", true, 15_000, 500},
		// of 200 a second, each is there for 500ms + 3s, and 5s more while it closes
		{"churn", plan.Phase{Peers: 1_000_000}, "ws://127.0.0.1", true, 1700 + maxAtOnce, 200},
	} {
		p, err := PlanOf(tt.word)
		if err == nil {
			p, err = With(p, tt.figures)
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := need(p, tt.url, preflight.Limits{TimeWaitReuse: tt.reuse}); n.Peers != tt.peers || n.Closing != tt.closing {
			t.Errorf("%s %+v: %d peers and %d closing, want %d and %d", tt.word, tt.figures, n.Peers, n.Closing, tt.peers, tt.closing)
		}
	}
}

// If the machine does not suffice, a run does not begin and returns the reason. IgnorePreflight makes
// it begin.
func TestPreflightOfRun(t *testing.T) {
	t.Parallel()
	p, err := PlanOf("ramp")
	if err == nil {
		p, err = With(p, plan.Phase{Peers: 2, Rate: 100, Duration: time.Millisecond})
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{URL: (&toyHub{}).start(t), Plan: p, Sources: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}
	var failed *preflight.Error
	if _, err := Run(t.Context(), cfg); !errors.As(err, &failed) || len(failed.List) != 1 || !strings.Contains(err.Error(), "ip address add 192.0.2.1") {
		t.Errorf("got %v, want a preflight error about 192.0.2.1", err)
	}
	cfg.IgnorePreflight = true
	if _, err := Run(t.Context(), cfg); err == nil || errors.As(err, &failed) || !strings.Contains(err.Error(), "no peer can connect") {
		t.Errorf("got %v, want an error from connecting", err)
	}
}

// A search for the capacity takes as many peers as the machine allows, in as large networks.
func TestElasticProfile(t *testing.T) {
	t.Parallel()
	planned, err := PlanOf("capacity")
	if err != nil {
		t.Fatal(err)
	}
	for _, ignore := range []bool{false, true} {
		r, err := newRunner(Config{URL: "ws://127.0.0.1:1", Plan: planned, IgnorePreflight: ignore})
		if err != nil {
			t.Fatal(err)
		}
		r.fit(preflight.Limits{Descriptors: 2256})
		peers, networks := 2000, 200
		if ignore {
			peers, networks = 20_000, 2000
		}
		if f := r.plan.Phases[0]; f.Peers != peers || f.Networks != networks {
			t.Errorf("ignoring the preflight %t: %d peers in %d networks", ignore, f.Peers, f.Networks)
		}
	}
}
