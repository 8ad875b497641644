package regress_test

import (
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// BenchmarkVerdict measures the time from the end of the last of 10,000 peers to the written
// verdict, for a clean hub and for one that retains each session.
func BenchmarkVerdict(b *testing.B) {
	for _, leaking := range []bool{false, true} {
		b.Run(map[bool]string{false: "clean", true: "leak"}[leaking], func(b *testing.B) {
			for b.Loop() {
				b.ReportMetric(timeToVerdict(b, leaking).Seconds(), "s/verdict")
			}
		})
	}
}

// keeper is a planted leak: once it is on, it retains every session.
type keeper struct {
	mu   sync.Mutex
	on   bool
	kept []any
}

func (k *keeper) keep(session any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.on {
		k.kept = append(k.kept, session)
	}
}

func (k *keeper) turnOn() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.on = true
}

// timeToVerdict runs a campaign and returns the time from its last reading to the written
// verdict.
func timeToVerdict(b *testing.B, leaking bool) time.Duration {
	b.Helper()
	k := &keeper{}
	w, err := newWorld(patientConfig(), 1, func(cfg hub.Config) (*hubtest.Target, error) {
		begin := cfg.Trace.SessionBegin
		cfg.Trace.SessionBegin = func(s hub.SessionTrace) {
			begin(s)
			k.keep(s.Object)
		}
		return hubtest.StartPipes(cfg)
	})
	if err != nil {
		b.Fatal(err)
	}
	var last time.Time
	c := w.campaign
	c.Uncontrolled, c.Cycles = true, 3
	c.Crowd.Scenarios = harness.Scenarios()[:2]
	c.Peers = func(string) int { return 1667 }
	c.Progress = func(what string) {
		switch {
		case what == "baseline" && leaking:
			k.turnOn()
		case what == "reading":
			last = time.Now()
		}
	}
	run, err := c.Run(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	v := verdict.Judge(run)
	if err := report.Text(io.Discard, v); err != nil {
		b.Fatal(err)
	}
	took := time.Since(last)
	if leaked := v.Outcome == verdict.Leaking; leaked != leaking {
		b.Fatalf("the verdict is %s:\n%s", v.Outcome, LeakNothing().FailureMessage(v))
	}
	runtime.KeepAlive(k)
	if err := shutDown(w.target, stopLimit); err != nil {
		b.Fatal(err)
	}
	return took
}

// BenchmarkRelayWatched relays offers between two peers, with and without detect.Watch on the
// sessions.
func BenchmarkRelayWatched(b *testing.B) {
	for _, watched := range []bool{false, true} {
		b.Run(fmt.Sprintf("watched=%v", watched), func(b *testing.B) {
			defer heap.PauseRecording()()
			cfg := patientConfig()
			if watched {
				cfg.Trace = hubtest.Trace(detect.NewWatch(), nil)
			}
			target, err := hubtest.Start(cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer target.Stop(b.Context())
			relayBetween(b, target)
		})
	}
}

// relayBetween relays offers from one peer to another.
func relayBetween(b *testing.B, target harness.Target) {
	b.Helper()
	alice, bob := harness.NewPeer(target, "alice", wire.NewPeerID()), harness.NewPeer(target, "bob", wire.NewPeerID())
	for _, p := range []*harness.Peer{alice, bob} {
		if err := p.Join(b.Context(), "n"); err != nil {
			b.Fatal(err)
		}
		defer p.Drop()
	}
	offer := harness.Offer()
	b.ReportAllocs()
	for b.Loop() {
		if err := alice.Signal(wire.KindOffer, bob.ID, offer); err != nil {
			b.Fatal(err)
		}
		if _, err := bob.Want(b.Context(), wire.KindOffer); err != nil {
			b.Fatal(err)
		}
	}
}
