package loadgen

import (
	"context"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// visits are ways to come, each for one peer that comes before the blocks, alone, and leaves
// politely. While many peers come and go, what a leak adds to a count hides that it falls.
var visits = []struct {
	needs codec.Capabilities
	come  func(context.Context, *life, schedule.Tick) error
}{{nil, announce}, {needsNetworks, enterOwn("")}, {needsHubs, claim(true)}}

// visitPatience bounds each wait of a visit.
const visitPatience = time.Second

// idleReadings is the number of readings before the first peer.
const idleReadings = 10

// readIdle reads the target before the first peer comes: what moves by itself is not waited
// for later.
func (e *experiment) readIdle(ctx context.Context) {
	e.target.idle.Store(true)
	defer e.target.idle.Store(false)
	for range idleReadings {
		_, _ = e.target.read(ctx, false) // what cannot be read does not move
		pause(ctx, pollEvery)
	}
}

// visit makes the visits, and reads the target while each peer is there and after it has left.
func (e *experiment) visit(ctx context.Context) {
	for i, v := range visits {
		if len(v.needs.MissingIn(e.fleet.codec)) > 0 || ctx.Err() != nil {
			continue
		}
		now := schedule.At(time.Now())
		p, err := e.fleet.dial(ctx, schedule.PeerID(e.seed, placeVisit, uint64(i)), now)
		if err != nil {
			return // the blocks report that
		}
		l := &life{phaseRun: e.phaseRun, id: p.id, peer: p, rng: e.stream(placeVisit, uint64(i)), counters: e.counters}
		if waitFor(ctx, visitPatience, p.isGreeted) && v.come(ctx, l, now) == nil {
			e.awaitPong(ctx, p)
			_, _ = e.target.read(ctx, false) // what cannot be read was not seen to fall
		}
		p.leave(LeavePolite, now)
		waitFor(ctx, visitPatience, func() bool {
			now, err := e.target.read(ctx, false)
			return p.isOver() && err == nil && isBack(now, e.target.resting(e.first))
		})
	}
}

// awaitPong waits until the target has answered a ping, and so has handled what came before.
func (e *experiment) awaitPong(ctx context.Context, p *Peer) {
	if codec.Pings.In(e.fleet.codec) && p.ping(schedule.At(time.Now())) == nil {
		waitFor(ctx, visitPatience, func() bool { return !p.isWaiting() })
	}
}
