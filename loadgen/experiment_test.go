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
		if f := e.stage.run.Failures; len(f) != 1 || !strings.Contains(f[0].What, "does not answer any more") {
			t.Errorf("failures %v", f)
		}
	})
}

// keeping is an experiment with a target that has kept ten of each block for so long,
// and whose time is up in a block without peers.
func keeping(late time.Duration) *experiment {
	start := time.Now()
	target := &target{quiet: quietFor, start: start, died: func() error { return nil }}
	target.add(probe.Probe{Name: "health", Read: func(context.Context) (map[string]float64, error) {
		if time.Since(start) > late {
			return map[string]float64{"peers": 1}, nil
		}
		return map[string]float64{"peers": 61}, nil
	}})
	f := newFleet("", PeerPigeon{})
	e := &experiment{
		stage: &stage{
			Phase:  Phase{Rate: 1, Duration: 10 * time.Second, Params: map[string]string{"off": "30s", "confirm": "1m"}},
			target: target, fleet: f, tally: newTally(), run: &verdict.Run{}, agenda: newAgenda(1, f.rec.AddSlip),
			log: slog.New(slog.DiscardHandler), board: newBoard(start),
		},
		pairs: 7, lives: 60, planned: []verdict.Cycle{{}}, rng: stream(1),
	}
	for k := range 6 {
		before, after := reading{"health.peers": float64(1 + 10*k)}, reading{"health.peers": float64(11 + 10*k)}
		e.blocks = append(e.blocks, block{dose: 10, before: before, after: after}, block{before: after, after: after})
		e.cycles = append(e.cycles, verdict.Cycle{Doses: map[string]int64{"rst": 10}})
	}
	return e
}
