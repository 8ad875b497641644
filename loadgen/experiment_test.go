package loadgen

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/probe"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// What is let go after the time of an experiment is up is no leak either: whether it is
// can be waited for all the same.
func TestConfirmedAfterTheTimeIsUp(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		late time.Duration
		want verdict.Outcome
	}{"late": {20 * time.Second, verdict.Inconclusive}, "never": {time.Hour, verdict.Leaking}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := keeping(tt.late)
				if err := e.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(e.trends) != 1 || e.trends[0].Outcome != tt.want {
					t.Errorf("trends %+v", e.trends)
				}
			})
		})
	}
}

// A target that hangs when the time of an experiment is up is a failure as well.
func TestHangsWhenTheTimeIsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := keeping(time.Hour)
		read, start := e.target.probes[0].Read, time.Now()
		e.target.probes[0].Read = func(ctx context.Context) (map[string]float64, error) {
			if time.Since(start) > 5*time.Second {
				return nil, context.DeadlineExceeded
			}
			return read(ctx)
		}
		if err := e.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f := e.evidence.Failures; len(f) != 1 || !strings.Contains(f[0].What, "does not answer any more") {
			t.Errorf("failures %v", f)
		}
	})
}

// keeping is an experiment with a target that has kept ten of each block for so long,
// and whose time is up in a block without peers.
func keeping(late time.Duration) *experiment {
	start := time.Now()
	target := &target{waits: usualWaits, quiet: usualWaits.quiet, start: start, died: func() error { return nil }}
	target.add(probe.Probe{Name: "health", Read: func(context.Context) (map[string]float64, error) {
		if time.Since(start) > late {
			return map[string]float64{"peers": 1}, nil
		}
		return map[string]float64{"peers": 61}, nil
	}})
	f := newFleet("", codec.PeerPigeon{})
	e := &experiment{
		phaseRun: &phaseRun{
			Phase:  plan.Phase{Rate: 1, Duration: 10 * time.Second, Params: map[string]string{"off": "30s", "confirm": "1m"}},
			target: target, fleet: f, counters: newCounters(), evidence: &verdict.Run{}, schedule: schedule.New(1, f.rec.AddSlip),
			log: slog.New(slog.DiscardHandler), progress: newProgress(start),
		},
		pairs: 7, lives: 60, planned: []verdict.Cycle{{}}, rng: schedule.Stream(1),
	}
	for k := range 6 {
		before, after := reading{"health.peers": float64(1 + 10*k)}, reading{"health.peers": float64(11 + 10*k)}
		e.blocks = append(e.blocks, block{dose: 10, before: before, after: after}, block{before: after, after: after})
		e.cycles = append(e.cycles, verdict.Cycle{Doses: map[string]int64{"rst": 10}})
	}
	return e
}

// runnerToCutOff is of a check whose blocks are long.
func runnerToCutOff(t *testing.T, seed uint64, figures plan.Phase) *runner {
	t.Helper()
	planned, err := With(quickCheck(t, seed), figures)
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRunner(Config{URL: (&toyHub{patient: true}).start(t), Plan: planned})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// If the time of an experiment ends within a block, the next phase begins without connected peers,
// and messages in flight to the peers of that block do not count as lost.
func TestCutOffExperimentLeavesNobody(t *testing.T) {
	t.Parallel()
	// The time suffices for peers to connect on a busy machine, and they stay for longer.
	r := runnerToCutOff(t, 33, plan.Phase{Duration: 10 * time.Second, Params: map[string]string{"stay": "1m"}})
	defer r.fleet.closeAll(0)
	r.target = discover(t.Context(), r.cfg)
	if err := r.phase(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if n := r.fleet.size(); n != 0 || r.fleet.lives() == 0 {
		t.Errorf("%d of %d peers are connected still", n, r.fleet.lives())
	}
	if n := r.fleet.ledger.UnderWay(); n != 0 || r.fleet.ledger.Totals().Lost != 0 {
		t.Errorf("%d messages are under way, %+v", n, r.fleet.ledger.Totals())
	}
}

// orderLink is the link of a worker without a coordinator.
type orderLink struct{}

func (orderLink) Send(cluster.Parcel) error        { return nil }
func (orderLink) Receive() (cluster.Parcel, error) { select {} }
func (orderLink) Close(time.Duration)              {}
func (orderLink) Name() string                     { return "test" }

// The same of a worker.
func TestCutOffExperimentOfAWorkerLeavesNobody(t *testing.T) {
	t.Parallel()
	r := runnerToCutOff(t, 34, plan.Phase{Params: map[string]string{"stay": "20s"}})
	defer r.fleet.closeAll(0)
	r.share = share{0, 1}
	w := &worker{link: orderLink{}, runner: r, orders: make(chan cluster.Order), cursor: cursor{fleet: r.fleet, counters: r.counters}}
	over := make(chan error)
	go func() { over <- w.phase(t.Context(), 0) }()
	place := uint64(warmUp)
	w.orders <- cluster.Order{Block: &place}
	waitFor(t.Context(), 10*time.Second, func() bool { return r.fleet.size() > 0 })
	w.mu.Lock()
	w.cancel()
	w.mu.Unlock()
	w.orders <- cluster.Order{End: true}
	if err := <-over; err != nil {
		t.Fatal(err)
	}
	if n := r.fleet.size(); n != 0 || r.fleet.lives() == 0 {
		t.Errorf("%d of %d peers are connected still", n, r.fleet.lives())
	}
}
