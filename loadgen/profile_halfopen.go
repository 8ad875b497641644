package loadgen

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func halfopenProfile() profile {
	return profile{
		word:  "halfopen",
		about: "peers vanish without a FIN: how long until the target notices and notifies the others, at most the duration",
		needs: always(codec.NotifiesMembers),
		phase: plan.Phase{Peers: 200, Rate: 100, Duration: time.Minute, Networks: 10, Params: map[string]string{"stay": "1s"}},
		check: plan.Durations("stay"),
		run: func(ctx context.Context, s *phaseRun) error {
			h := &halfopen{phaseRun: s, silent: map[wire.PeerID]time.Time{}}
			if err := s.witnesses(ctx, h.hear); err != nil {
				return err
			}
			h.vanish(ctx)
			return nil
		},
	}
}

// halfopen records how soon a target notices peers that have fallen silent.
type halfopen struct {
	*phaseRun

	mu     sync.Mutex
	silent map[wire.PeerID]time.Time // since when; without the peers that were noticed
	seen   notices
}

// notices are what a target noticed of the peers that vanished.
type notices struct {
	vanished int
	noticed  int
	first    time.Duration // from the silence to the notice
	last     time.Duration
}

// hear records a leave notice.
func (h *halfopen) hear(_ *Peer, e codec.Event) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	since, ok := h.silent[e.Peer]
	if e.Kind != codec.EventGone || !ok {
		return false
	}
	delete(h.silent, e.Peer)
	h.fleet.rec.Add(latency.HopTimeout, schedule.At(since))
	n, took := &h.seen, time.Since(since)
	if n.noticed++; n.noticed == 1 {
		n.first = took
	}
	n.first, n.last = min(n.first, took), max(n.last, took)
	return false
}

// vanish lets the peers come and fall silent, and waits until the target has noticed all,
// at most for the duration.
func (h *halfopen) vanish(ctx context.Context) {
	stay, _ := h.DurationOf("stay") // checked with the plan
	h.arrive(placePeer, h.Peers, func(int) scenario {
		return scenario{name: h.Profile, steps: []step{{0, announce}, {stay, h.fallSilent}}}
	})
	h.schedule.Run(ctx)
	waitFor(ctx, h.Duration, func() bool { return h.unnoticed() == 0 })
	n, left := h.close()
	for _, p := range h.fleet.peers() {
		if p.isKept() {
			p.end()
		}
	}
	h.count("noticed", n.noticed, fmt.Sprintf("of %d peers that vanished", n.vanished))
	if n.noticed > 0 {
		h.took("noticed first, after", n.first)
		h.took("noticed last, after", n.last)
	}
	if left > 0 && ctx.Err() == nil {
		h.evidence.Doubts = append(h.evidence.Doubts, verdict.Reason{About: "halfopen", Do: "have the target ping its peers and end those that do not answer, or give it more time with --duration",
			What: fmt.Sprintf("of %d peers that vanished %d were not noticed within %s", n.vanished, left, h.Duration)})
	}
}

func (h *halfopen) unnoticed() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.silent)
}

// close returns what was noticed, and how many peers were not. Later notices do not count,
// because they are caused by the resets at the end.
func (h *halfopen) close() (seen notices, left int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	left = len(h.silent)
	clear(h.silent)
	return h.seen, left
}

// fallSilent vanishes once the target has greeted the peer.
func (h *halfopen) fallSilent(ctx context.Context, l *life, t schedule.Tick) error {
	h.mu.Lock()
	h.silent[l.id] = time.Now()
	h.mu.Unlock()
	err := leaving(LeaveVanish)(ctx, l, t)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		delete(h.silent, l.id)
		return err
	}
	h.seen.vanished++
	return nil
}
