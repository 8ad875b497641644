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
				pause(ctx, s.Duration) // between two herds
				r.herd(ctx, i)
			}
			return nil
		},
	}
}

// herd disconnects all peers, lets them return, and notes the results. A herd is the peers
// that are connected when it begins, and the times are theirs. An absent peer, which the
// target has refused or ended since an earlier herd, tries at the same time, as clients do,
// and is counted separately. The herd is over when all are connected.
func (r *returners) herd(ctx context.Context, number int) {
	leaves, _ := parseLeaves(r.Params["leave"]) // checked with the plan
	patience, _ := r.DurationOf("patience")
	r.forget()
	r.scatter(leaves[0])
	r.wait(ctx, patience, r.complete)
	n := r.soFar()
	r.reportHerd(fmt.Sprintf("herd %d: ", number), n)
	if n.herd.missing()+n.absent.missing() > 0 && ctx.Err() == nil {
		r.evidence.Doubts = append(r.evidence.Doubts, verdict.Reason{About: "spike", Do: "look in the log of the target for why it does not accept them", What: n.unwelcome(patience)})
	}
}

// reportHerd notes the figures of a herd. The failed tries are those of all peers.
func (r *returners) reportHerd(name string, n returns) {
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

// unwelcome says how many peers were not greeted.
func (n returns) unwelcome(patience time.Duration) string {
	what := fmt.Sprintf("of %d peers that came back at once %d were not greeted within %s", n.herd.of, n.herd.missing(), patience)
	if n.absent.of > 0 {
		what += fmt.Sprintf(", and of %d that had been absent before, and came with them, %d", n.absent.of, n.absent.missing())
	}
	return what
}

// scatter ends all connections, and schedules the first tries. It drops the tries that were
// due, and the connections that have not been greeted, so that each peer has one try. No
// peer may be dialling.
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
