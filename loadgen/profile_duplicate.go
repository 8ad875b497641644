package loadgen

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// The states of an old session when its id connects a second time.
const (
	oldAlive    = "alive"
	oldVanished = "vanished" // it does not answer
	oldReset    = "reset"    // its RST is sent just before the second session connects
)

var oldStates = []string{oldAlive, oldVanished, oldReset}

func duplicateProfile() profile {
	return profile{
		word:  "duplicate",
		about: "peers connect a second time while the session of their id is there: alive, vanished, reset, or mixed",
		needs: always(codec.Relays),
		phase: plan.Phase{Peers: 500, Rate: 50, Networks: 10, Params: map[string]string{"old": mixed, "stay": "500ms", "patience": "15s"}},
		check: func(f *plan.Phase) error {
			if _, err := oldStatesOf(f.Params["old"]); err != nil {
				return err
			}
			return plan.Durations("stay", "patience")(f)
		},
		run: func(ctx context.Context, s *phaseRun) error {
			states, err := oldStatesOf(s.Params["old"])
			if err != nil {
				return err
			}
			return newDuplicates(s, states).run(ctx)
		},
	}
}

func oldStatesOf(text string) ([]string, error) {
	for _, state := range oldStates {
		if text == state {
			return []string{state}, nil
		}
	}
	if text == mixed {
		return oldStates, nil
	}
	return nil, fmt.Errorf("duplicate: no state of the old session %q; there are %s and %s", text, strings.Join(oldStates, ", "), mixed)
}

// duplicates counts how a target treats second sessions.
type duplicates struct {
	*phaseRun
	states   []string
	patience time.Duration
	callers  []*Peer // a member of each network, which signals to the second session

	mu     sync.Mutex
	counts map[string]int
}

func newDuplicates(s *phaseRun, states []string) *duplicates {
	d := &duplicates{phaseRun: s, states: states, counts: map[string]int{}}
	d.patience, _ = s.DurationOf("patience") // checked with the plan
	return d
}

// Outcomes of a second session.
const (
	wasRefused = "the newcomer was refused"
	tookOver   = "the newcomer took over"
	bothLive   = "both live"
	noneLives  = "neither lives"
	unanswered = "the newcomer was neither greeted nor refused"
	unreached  = "the newcomer took over, and signals do not reach it"
)

var duplicateOutcomes = []string{wasRefused, tookOver, bothLive, noneLives, unanswered, unreached}

func (d *duplicates) run(ctx context.Context) error {
	stay, _ := d.DurationOf("stay") // checked with the plan
	if err := d.witnesses(ctx, nil); err != nil {
		return err
	}
	for _, r := range d.networks {
		d.callers = append(d.callers, r.all()...)
	}
	d.arrive(placePeer, d.Peers, func(i int) scenario {
		state := d.states[i%len(d.states)]
		return scenario{name: "duplicate-" + state, steps: []step{{0, moveTo(i)}, {0, pinging}, {stay, d.meet(state, d.callers[i%len(d.callers)])}}}
	})
	d.schedule.Run(ctx)
	d.report()
	return nil
}

// meet connects the second session, and counts the outcome.
func (d *duplicates) meet(state string, caller *Peer) func(context.Context, *life, schedule.Tick) error {
	return func(ctx context.Context, l *life, t schedule.Tick) error {
		switch {
		case l.peer.isOver():
			return errCut
		case !l.peer.isGreeted() || l.peer.isWaiting():
			return errLater // the target has not read all that the old session sent
		}
		l.peer.excuse()
		switch state {
		case oldVanished:
			l.peer.leave(LeaveVanish, t)
		case oldReset:
			l.peer.leave(LeaveReset, t)
		}
		err := second(ctx, l, t)
		if err == nil {
			outcome := d.outcome(ctx, l, state == oldAlive, caller)
			d.mu.Lock()
			d.counts[state+": "+outcome]++
			d.mu.Unlock()
		}
		l.endBoth(t)
		return err
	}
}

// settleDuplicate is the time after the greeting in which the end of one session is still
// caused by the other.
const settleDuplicate = 300 * time.Millisecond

// outcome waits until it is clear what became of the two sessions. lives says whether the
// old one is alive.
func (d *duplicates) outcome(ctx context.Context, l *life, lives bool, caller *Peer) string {
	if l.second == nil {
		return wasRefused
	}
	if !waitFor(ctx, d.patience, func() bool { return l.second.isGreeted() || l.second.isOver() }) {
		return unanswered
	}
	d.awaitPong(ctx, l.second) // the target has read its announce
	if lives {
		d.awaitPong(ctx, l.peer)
	}
	// Greeted or not, it may be ended a moment later, and so may the old one.
	waitFor(ctx, settleDuplicate, func() bool { return l.second.isOver() || lives && l.peer.isOver() })
	old, young := lives && !l.peer.isOver(), !l.second.isOver()
	switch {
	case old && young:
		return bothLive
	case lives && !old && !young:
		return noneLives
	case !young:
		return wasRefused
	case !d.reached(ctx, caller, l.second):
		return unreached
	}
	return tookOver
}

// reached reports whether a signal reaches a peer.
func (d *duplicates) reached(ctx context.Context, caller, p *Peer) bool {
	now := time.Now()
	if caller.signal(wire.KindICECandidate, p.id, caller.in().name, schedule.At(now)) != nil {
		return false
	}
	return waitFor(ctx, d.target.waits.delivery, func() bool { return p.signals() > 0 })
}

// report notes the counts, and doubts a target for which a peer has two sessions or none.
func (d *duplicates) report() {
	for _, state := range d.states {
		for _, outcome := range duplicateOutcomes {
			n := d.counts[state+": "+outcome]
			if n == 0 {
				continue
			}
			d.count("old session "+state+": "+outcome, n, "peers")
			if outcome != wasRefused && outcome != tookOver {
				d.evidence.Doubts = append(d.evidence.Doubts, verdict.Reason{About: "duplicate",
					What: fmt.Sprintf("of peers that came again, their old session %s, %d: %s", state, n, outcome),
					Do:   "look at how the target ends a session whose id connects again"})
			}
		}
	}
}
