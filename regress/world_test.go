package regress_test

import (
	"context"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

const hubKey = "the key of hubs"

// quickConfig returns a configuration whose timeouts are short enough to expire in every
// cycle. The first message and the close that follows take three seconds, so no other timeout
// is much shorter: on a slow machine the hub must not end peers that it should keep.
func quickConfig() hub.Config {
	return hub.Config{
		PingInterval: time.Second, PongTimeout: 2 * time.Second, FirstMessageTimeout: 2500 * time.Millisecond,
		MessageTimeout: 2500 * time.Millisecond, ProbeTimeout: 2500 * time.Millisecond, CloseTimeout: 500 * time.Millisecond,
		WriteTimeout: 10 * time.Second, QueueBytes: 256 << 10, MessageRate: -1, DrainWindow: -1, ParkAfter: 20 * time.Millisecond,
		IsHub: true, HubKey: hubKey, MaxSubscriptions: 1000,
		Memory: hub.MemoryConfig{Interval: 200 * time.Millisecond, Sample: 50 * time.Millisecond, Limit: 8 << 30},
	}
}

// filled is how many peers come before the baseline, so that a ring of 4,096 entries is full, and a cache
// of 256 with an entry for each network, of which ten peers share one. A campaign of fewer peers than
// fill it would call it a leak.
const filled = 5000

var filling = map[string]int64{"clean": filled}

// world is a hub and the campaign that tests it.
type world struct {
	target   *hubtest.Target
	watch    *detect.Watch
	staying  *detect.Watch // of the sessions of residents
	campaign *harness.Campaign
	config   hub.Config      // of target
	lasting  context.Context // lasts as long as the campaign
}

// newWorld calls start, which serves a hub over TCP or pipes, and watches its sessions.
func newWorld(cfg hub.Config, seed uint64, start func(hub.Config) (*hubtest.Target, error)) (*world, error) {
	w := &world{watch: detect.NewWatch(), staying: detect.NewWatch(), campaign: &harness.Campaign{}}
	crowd := &w.campaign.Crowd
	visiting, staying := hubtest.Trace(w.watch, crowd.Label), hubtest.Trace(w.staying, crowd.Label)
	cfg.Trace = &hub.Trace{SessionBegin: func(s hub.SessionTrace) {
		if crowd.IsResident(s.PeerID) {
			staying.SessionBegin(s)
		} else {
			visiting.SessionBegin(s)
		}
	}}
	target, err := start(cfg)
	if err != nil {
		return nil, err
	}
	w.target, w.config = target, cfg
	crowd.Target, crowd.Seed, crowd.HubKey, crowd.LifeLimit = target, seed, hubKey, 20*time.Second
	if raceEnabled {
		crowd.AtOnce = 64 // after a larger peak the hub's monitor would rebuild maps while the census reads them
	}
	crowd.Scenarios = slices.Concat(harness.Scenarios(), harness.Patient(), harness.Hubs(), w.ownScenarios(cfg))
	w.watch.Paths, w.watch.Roots = true, target.Roots()
	w.campaign.Name, w.campaign.Peers, w.campaign.Detectors = "regress", doses(60), w.detectors()
	return w, nil
}

// startWorld calls newWorld for a spec, and stops the hub when the spec ends.
func startWorld(cfg hub.Config, start func(hub.Config) (*hubtest.Target, error)) *world {
	GinkgoHelper()
	w, err := newWorld(cfg, uint64(GinkgoRandomSeed()), start)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func(ctx SpecContext) { Expect(w.target.Stop(ctx)).To(Succeed()) }, NodeTimeout(20*time.Second))
	w.campaign.Progress = func(s string) { GinkgoWriter.Println(time.Now().Format("15:04:05.000"), s) }
	return w
}

// doses returns the mean dose of each scenario: mean, or fewer peers if a peer of the
// scenario takes many messages, a timeout or a hub of its own. Doses are distinct primes, so a
// small mean is only approximate.
func doses(mean int) func(string) int {
	few := map[string]int{"stall": 12, "hub": 3, "flood": 5, "reconnect": 5, "start-stop": 8, "cut-off": 8, "full": 8, "unauthorized": 8}
	for _, s := range harness.Patient() {
		if few[s.Name] == 0 {
			few[s.Name] = 12
		}
	}
	return func(scenario string) int {
		if n := few[scenario]; n > 0 {
			return n
		}
		return mean
	}
}

// detectors returns all detectors in the order in which they must read the process:
// descriptors before the forced GC, which would close forgotten ones, and the heap after it.
func (w *world) detectors() []detect.Detector {
	return []detect.Detector{
		&detect.Descriptors{}, &detect.Goroutines{}, &detect.Quiet{}, &detect.Gauges{Target: w.target},
		&detect.Mapped{}, &detect.Unclosed{}, w.watch, &detect.Timers{}, &detect.Sites{},
		&detect.Census{Roots: w.target.Roots(), Label: w.campaign.Crowd.ScenarioOf},
	}
}

// stopLimit is how long a test waits for a hub to shut down.
const stopLimit = time.Minute

// shutDown stops a hub within limit.
func shutDown(target *hubtest.Target, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return target.Stop(ctx)
}
