package loadgen

import (
	"context"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func spikeProfile() profile {
	return profile{
		word:    "spike",
		unpaced: true,
		about:   "all peers lose their connections at once and come back at once, a herd, several times",
		phase: plan.Phase{Peers: 1000, Rate: 200, Duration: 3 * time.Second, Networks: 100, Params: map[string]string{
			"herds": "3", "wait": "1s", "patience": "1m", "leave": LeaveReset.String()}},
		check: func(f *plan.Phase) error {
			if _, err := f.IntOf("herds", 1, 1000); err != nil {
				return err
			}
			if l, err := parseLeaves(f.Params["leave"]); err != nil || len(l) != 1 || l[0] != LeaveReset && l[0] != LeavePolite {
				return fmt.Errorf("spike: leave is %q, must be %s or %s", f.Params["leave"], LeaveReset, LeavePolite)
			}
			return plan.Durations("wait", "patience")(f)
		},
		run: func(ctx context.Context, s *phaseRun) error {
			wait, _ := s.DurationOf("wait") // checked with the plan
			r := newReturners(s, max(wait, time.Millisecond))
			if err := r.gather(ctx); err != nil {
				return err
			}
			herds, _ := s.IntOf("herds", 1, 1000)
			for i := 1; i <= herds && ctx.Err() == nil; i++ {
				pause(ctx, s.Duration) // between herds
				r.herd(ctx, i)
			}
			return nil
		},
	}
}

// herd has all leave and come back, and notes how that went. A herd is those that are
// here when it begins: the times are theirs. Who is absent, because the target did not
// take it with an earlier herd or has ended it since, comes at the same time, as clients
// go on trying, and is counted apart. The herd is over when all are here.
func (r *returners) herd(ctx context.Context, number int) {
	leaves, _ := parseLeaves(r.Params["leave"]) // checked with the plan
	patience, _ := r.DurationOf("patience")
	r.forget()
	r.scatter(leaves[0])
	r.wait(ctx, patience, r.complete)
	n := r.soFar()
	r.tellHerd(fmt.Sprintf("herd %d: ", number), n)
	if n.herd.missing()+n.absent.missing() > 0 && ctx.Err() == nil {
		r.evidence.Doubts = append(r.evidence.Doubts, verdict.Reason{About: "spike", Do: "look in the log of the target for why it does not take them", What: n.unwelcome(patience)})
	}
}

// tellHerd notes the figures of a herd. Failed are the attempts of all.
func (r *returners) tellHerd(name string, n returns) {
	r.count(name+"back", n.herd.here, fmt.Sprintf("of %d peers", n.herd.of))
	if n.absent.of > 0 {
		r.count(name+"absent when it began, and now back", n.absent.here, fmt.Sprintf("of %d peers", n.absent.of))
	}
	if n.back.n > 0 {
		r.took(name+"spread, from the first greeting to the last", n.back.width())
		r.took(name+"recovery, from the loss to the last greeting", n.back.last.Sub(n.ended.first))
	}
	r.count(name+"failed", n.failed, "attempts")
	if n.failed > 0 {
		r.say(name+"failed because", n.whys)
	}
}

// unwelcome says who was not greeted.
func (n returns) unwelcome(patience time.Duration) string {
	what := fmt.Sprintf("of %d peers that came back at once %d were not greeted within %s", n.herd.of, n.herd.missing(), patience)
	if n.absent.of > 0 {
		what += fmt.Sprintf(", and of %d that had been absent before, and came with them, %d", n.absent.of, n.absent.missing())
	}
	return what
}

// scatter ends all connections, and has all come when they first would. The attempts
// that were due before are void, and so are connections that have not been greeted: of
// each peer there is one attempt. Nobody must be dialling.
func (r *returners) scatter(how Leave) {
	now := time.Now()
	r.mu.Lock()
	r.schedule = scheduleOfAll(r.phaseRun)
	var peers []*Peer
	for id, own := range r.list {
		if own.peer != nil {
			peers = append(peers, own.peer)
		}
		own.peer, own.absent, own.attempts = nil, !own.here, 0
		if own.here {
			r.endedLocked(own, now)
		}
		r.againLocked(id, own)
	}
	r.mu.Unlock()
	for _, p := range peers {
		p.leave(how, schedule.At(now))
	}
}
