package loadgen

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func drainProfile() profile {
	return profile{
		word:    "drain",
		unpaced: true,
		about:   "peers signal while the target is restarted, by its operator or, if loadgen has started it, by loadgen: spread of the ends and of the returns, recovery, lost messages",
		whole:   true,
		needs:   always(codec.Sends),
		phase: plan.Phase{Peers: 200, Rate: 100, Duration: 3 * time.Second, Networks: 20, Params: map[string]string{
			"wait": "10m", "patience": "2m", "backoff": "1s"}},
		check: plan.Durations("wait", "patience", "backoff"),
		run: func(ctx context.Context, s *phaseRun) error {
			backoff, _ := s.DurationOf("backoff") // checked with the plan
			d := &drain{returners: newReturners(s, max(backoff, time.Millisecond))}
			if err := d.gather(ctx); err != nil {
				return err
			}
			return d.run(ctx)
		},
	}
}

// drain is a restart of the target as its peers see it.
type drain struct {
	*returners
	wentAway bool
	unsent   int
}

// run lets the peers signal while the target goes away and returns.
func (d *drain) run(ctx context.Context) error {
	signalling, stop := context.WithCancel(ctx)
	defer stop()
	over := make(chan struct{})
	go func() {
		defer close(over)
		d.signals(signalling)
	}()
	restarted := d.restart(ctx)
	before := d.fleet.ledger.Totals()
	d.awaitRestart(ctx)
	stop()
	<-over
	d.await(ctx)
	err := <-restarted
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("drain: the target could not be restarted: %w", err)
	}
	d.report(before)
	return nil
}

// signals lets connected peers send offers to others, at the rate of the phase, until ctx
// ends.
func (d *drain) signals(ctx context.Context) {
	ids := slices.Sorted(maps.Keys(d.list))
	d.phaseRun.schedule.AddPaced(d.pace(d.Rate, placeMessage), plan.MaxPeers, func(_ context.Context, i int, t schedule.Tick) {
		d.mu.Lock()
		own := d.list[ids[schedule.Mix(d.seed, placeMessage, uint64(i))%uint64(len(ids))]]
		from, here := own.peer, own.here
		d.mu.Unlock()
		if !here {
			return
		}
		to := own.network.other(from, d.stream(placeMessage, uint64(i)))
		if to != nil && from.signal(wire.KindOffer, to.id, own.network.name, t) != nil {
			d.mu.Lock()
			d.unsent++
			d.mu.Unlock()
		}
	})
	d.phaseRun.schedule.Run(ctx)
}

// restart restarts the target after a while if it can, and asks the operator for it
// otherwise.
func (d *drain) restart(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	if d.target.restart == nil {
		d.log.Info("restart the target now", "waiting_at_most", d.Params["wait"])
		done <- nil
		return done
	}
	go func() {
		pause(ctx, d.Duration)
		d.log.Info("restarting the target")
		done <- d.target.restarted(ctx)
	}()
	return done
}

// awaitRestart waits until half of the peers have lost their connections, and then until
// all are connected again.
func (d *drain) awaitRestart(ctx context.Context) {
	wait, _ := d.DurationOf("wait") // checked with the plan
	patience, _ := d.DurationOf("patience")
	end := time.Now().Add(wait)
	d.wait(ctx, wait+patience, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.wentAway && d.ended.n >= (len(d.list)+1)/2 {
			d.wentAway, end = true, time.Now().Add(patience)
		}
		return time.Now().After(end) || d.wentAway && d.here == len(d.list)
	})
}

// report notes what the peers saw of the restart.
func (d *drain) report(before delivery.Counts) {
	n := d.soFar()
	if !d.wentAway {
		d.evidence.Problems = append(d.evidence.Problems, verdict.Reason{About: "drain", Do: "restart it while loadgen waits",
			What: fmt.Sprintf("the target did not go away: %d of %d connections ended", n.ended.n, len(d.list))})
		return
	}
	d.count("connections ended", n.ended.n, fmt.Sprintf("of %d", len(d.list)))
	d.say("ended by", n.words)
	d.took("ended within, from the first to the last", n.ended.width())
	d.count("peers back", n.here, fmt.Sprintf("of %d", len(d.list)))
	if n.back.n > 0 {
		d.took("away, from the first end to the first greeting", n.back.first.Sub(n.ended.first))
		d.took("back within, from the first greeting to the last", n.back.width())
		d.took("recovery, from the first end to the last greeting", n.back.last.Sub(n.ended.first))
	}
	d.count("failed", n.failed, "attempts")
	if n.failed > 0 {
		d.say("failed because", n.whys)
	}
	after := d.fleet.ledger.Totals()
	lost := after.Explained + after.Lost - before.Explained - before.Lost
	d.count("messages lost in the restart", int(lost)+d.unsent, fmt.Sprintf("of %d", after.Sent-before.Sent+int64(d.unsent)))
	if missing := len(d.list) - n.here; missing > 0 {
		d.evidence.Failures = append(d.evidence.Failures, verdict.Reason{About: "drain", Do: "look in the log of the target for why it does not take them",
			What: fmt.Sprintf("of %d peers %d were not back %s after the target went away", len(d.list), missing, d.Params["patience"])})
	}
}
