package loadgen

import (
	"strconv"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

func TestNetworks(t *testing.T) {
	t.Parallel()
	r := runProfile(t, ourHub(t, hub.Config{}), "networks", plan.Phase{Peers: 60, Rate: 300, Params: map[string]string{"stay": "50ms"}})
	wantWell(t, &r, 60)
	if n := r.Latencies.Hops[latency.HopDiscoveryFirst].Latency.Count(); n > 0 {
		t.Errorf("%d peers were heard of by others", n)
	}
}

// The hub ends a connection that announces a network with too long a name. That counts neither as a
// cut connection nor as a failed life.
func TestNetworksOfLongNames(t *testing.T) {
	t.Parallel()
	long := strconv.Itoa(2 * wire.MaxNetworkNameBytes)
	r := runProfile(t, ourHub(t, hub.Config{}), "networks", plan.Phase{Peers: 30, Rate: 300, Params: map[string]string{"stay": "50ms", "name": long}})
	wantWell(t, &r, 30)
	if r.Cut != 0 {
		t.Errorf("%d connections count as cut", r.Cut)
	}
}
