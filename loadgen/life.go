package loadgen

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// againEvery is the time between two tries of a step, againPatience the time in which it
// must succeed.
const (
	againEvery    = 20 * time.Millisecond
	againPatience = 10 * time.Second
)

// life is one peer on its way through a scenario.
type life struct {
	phaseRun *phaseRun
	scenario scenario
	rng      *rand.Rand
	id       wire.PeerID
	peer     *Peer
	second   *Peer // a second connection with the same id, if the scenario has one
	arrival  time.Time
	counters *counters
}

// begin connects the peer and schedules its steps, each when the one before is done.
func (l *life) begin(ctx context.Context, t schedule.Tick) {
	l.arrival = t.Intended
	var err error
	if l.peer, err = l.phaseRun.fleet.connect(ctx, &Peer{id: l.id, dialled: t, watch: l.phaseRun.watch}); err != nil {
		l.counters.failed(l.scenario.name, err)
		return
	}
	l.step(ctx, 0)
}

// step runs step i at once if it is due with the arrival, and schedules it otherwise.
func (l *life) step(ctx context.Context, i int) {
	if i == len(l.scenario.steps) {
		l.counters.landed(l.scenario.name)
		return
	}
	s := l.scenario.steps[i]
	at := l.arrival.Add(s.after)
	if s.after == 0 { // as soon as the connection is there, as shipped clients do
		now := time.Now()
		l.try(ctx, i, schedule.At(now))
		return
	}
	l.phaseRun.schedule.Add(at, func(ctx context.Context, t schedule.Tick) { l.try(ctx, i, t) })
}

// try runs step i, and schedules another try if the step is not possible yet.
func (l *life) try(ctx context.Context, i int, t schedule.Tick) {
	err := l.scenario.steps[i].do(ctx, l, t)
	switch {
	case err == nil:
		l.step(ctx, i+1)
	case !errors.Is(err, errLater) || time.Since(t.Intended) > againPatience:
		l.counters.failed(l.scenario.name, err)
		l.peer.leave(LeaveReset, t)
	default:
		l.phaseRun.schedule.Add(time.Now().Add(againEvery), func(ctx context.Context, again schedule.Tick) {
			l.try(ctx, i, schedule.Tick{Intended: t.Intended, Start: again.Start})
		})
	}
}
