package loadgen

import (
	"context"
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func spikeProfile() profile {
	return profile{
		word:    "spike",
		unpaced: true,
		about:   "all peers lose their connections at once and come back at once, a herd, several times",
		phase: Phase{Peers: 1000, Rate: 200, Duration: 3 * time.Second, Networks: 100, Params: map[string]string{
			"herds": "3", "wait": "1s", "patience": "1m", "leave": LeaveReset.String()}},
		check: func(f *Phase) error {
			if _, err := f.whole("herds", 1, 1000); err != nil {
				return err
			}
			if l, err := parseLeaves(f.Params["leave"]); err != nil || len(l) != 1 || l[0] != LeaveReset && l[0] != LeavePolite {
				return fmt.Errorf("spike: leave is %q, must be %s or %s", f.Params["leave"], LeaveReset, LeavePolite)
			}
			return durations("wait", "patience")(f)
		},
		run: func(ctx context.Context, s *stage) error {
			wait, _ := s.duration("wait") // checked with the plan
			r := newReturners(s, max(wait, time.Millisecond))
			if err := r.gather(ctx); err != nil {
				return err
			}
			herds, _ := s.whole("herds", 1, 1000)
			for i := 1; i <= herds && ctx.Err() == nil; i++ {
				pause(ctx, s.Duration) // between herds
				r.herd(ctx, i)
			}
			return nil
		},
	}
}

// herd has all leave and come back, and notes how that went.
func (r *returners) herd(ctx context.Context, number int) {
	leaves, _ := parseLeaves(r.Params["leave"]) // checked with the plan
	patience, _ := r.duration("patience")
	r.forget()
	r.scatter(leaves[0])
	r.wait(ctx, patience, r.complete)
	n := r.soFar()
	name := fmt.Sprintf("herd %d: ", number)
	r.count(name+"back", n.back.n, fmt.Sprintf("of %d peers", len(r.list)))
	if n.back.n > 0 {
		r.took(name+"spread, from the first greeting to the last", n.back.width())
		r.took(name+"recovery, from the loss to the last greeting", n.back.last.Sub(n.ended.first))
	}
	r.count(name+"failed", n.failed, "attempts")
	if n.failed > 0 {
		r.say(name+"failed because", n.whys)
	}
	if n.here < len(r.list) && ctx.Err() == nil {
		r.run.Doubts = append(r.run.Doubts, verdict.Reason{About: "spike", Do: "look in the log of the target for why it does not take them",
			What: fmt.Sprintf("of %d peers that came back at once %d were not greeted within %s", len(r.list), len(r.list)-n.here, patience)})
	}
}

// scatter ends all connections, and has all come back when they first would.
func (r *returners) scatter(how Leave) {
	now := time.Now()
	r.mu.Lock()
	var peers []*Peer
	for id, own := range r.list {
		if own.here {
			peers = append(peers, own.peer)
			r.endedLocked(own, now)
			r.againLocked(id, own)
		}
	}
	r.mu.Unlock()
	for _, p := range peers {
		p.leave(how, Tick{now, now})
	}
}
