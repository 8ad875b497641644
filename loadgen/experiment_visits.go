package loadgen

import (
	"context"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// visit is a way to come for peers that come before the blocks, stay until the target has been
// read, and leave politely.
type visit struct {
	needs codec.Capabilities
	come  func(context.Context, *life, schedule.Tick) error
}

// visits are made by one peer each: while many peers come and go, what a leak adds to a count
// hides that it falls. The first one is also that of the crowd.
var visits = []visit{{nil, announce}, {needsNetworks, enterOwn("")}, {needsHubs, claim(true)}}

// crowdSize is the number of peers that show together which counts see peers.
const crowdSize = 20

// fallPatience bounds the wait for what a leak would prevent.
const fallPatience = time.Second

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

// visit makes the visits. It reads the target while each peer is there and after it has left.
// Then it lets a crowd come, and notes which counts see it.
func (e *experiment) visit(ctx context.Context) {
	place := uint64(0)
	for _, v := range visits {
		if len(v.needs.MissingIn(e.fleet.codec)) > 0 {
			continue
		}
		peers := e.come(ctx, v, place, 1)
		if len(peers) == 0 || ctx.Err() != nil {
			return // the blocks report that
		}
		place++
		_, _ = e.target.read(ctx, false) // what cannot be read was not seen to fall
		e.leave(ctx, peers)
	}
	before, _ := e.target.read(ctx, false) // what cannot be read does not rise
	peers := e.come(ctx, visits[0], place, min(crowdSize, e.Peers))
	if len(peers) == 0 || ctx.Err() != nil {
		return
	}
	e.look(ctx, before, peers)
	e.leave(ctx, peers)
}

// come lets n peers come, at the rate of the phase. It returns those that the target has
// accepted, once it has handled their messages.
func (e *experiment) come(ctx context.Context, v visit, place uint64, n int) []*Peer {
	var all, accepted []*Peer
	for i := range n {
		if i > 0 {
			pause(ctx, time.Duration(float64(time.Second)/e.Rate))
		}
		if p, err := e.fleet.dial(ctx, schedule.PeerID(e.seed, placeVisit, place+uint64(i)), schedule.At(time.Now())); err == nil {
			all = append(all, p)
		}
	}
	e.await(ctx, all, (*Peer).isGreeted)
	for i, p := range all {
		if !p.isGreeted() || p.isOver() {
			continue
		}
		accepted = append(accepted, p)
		l := &life{phaseRun: e.phaseRun, id: p.id, peer: p, rng: e.stream(placeVisit, place+uint64(i)), counters: e.counters}
		if v.come(ctx, l, schedule.At(time.Now())) == nil && codec.Pings.In(e.fleet.codec) {
			_ = p.ping(schedule.At(time.Now())) // to one that is over
		}
	}
	e.await(ctx, accepted, func(p *Peer) bool { return !p.isWaiting() })
	return accepted
}

// await waits until something holds for each peer that is still connected.
func (e *experiment) await(ctx context.Context, peers []*Peer, holds func(*Peer) bool) {
	waitFor(ctx, e.target.waits.answer, func() bool {
		return !slices.ContainsFunc(peers, func(p *Peer) bool { return !holds(p) && !p.isOver() })
	})
}

// leave lets peers leave, and waits until the counts have fallen, unless they do not.
func (e *experiment) leave(ctx context.Context, peers []*Peer) {
	for _, p := range peers {
		p.leave(LeavePolite, schedule.At(time.Now()))
	}
	waitFor(ctx, fallPatience, func() bool {
		now, err := e.target.read(ctx, false)
		return staying(peers) == 0 && err == nil && isBack(now, e.target.resting(e.first))
	})
}

// look reads the target until a count has risen by half of the peers that are there, because a
// page may show what was a while ago. It waits for the other counts as long as for what a leak
// would prevent: not every count is of peers.
func (e *experiment) look(ctx context.Context, before reading, peers []*Peer) {
	e.peak, e.sighted = reading{}, nil
	all := func() bool {
		now, _ := e.target.read(ctx, false) // what cannot be read does not rise
		e.seen = staying(peers)
		hidden := 0
		for name, v := range now {
			e.peak[name] = max(e.peak[name], v)
			switch k := report.KindOf(name); {
			case !k.Strict || k.Skip || slices.Contains(e.sighted, name):
			case v-before.value(name) >= float64(e.seen)/2:
				e.sighted = append(e.sighted, name)
			default:
				hidden++
			}
		}
		return hidden == 0
	}
	waitFor(ctx, e.target.waits.answer, func() bool { return all() || len(e.sighted) > 0 })
	waitFor(ctx, fallPatience, all)
}

// staying returns how many peers are connected.
func staying(peers []*Peer) (n int) {
	for _, p := range peers {
		if !p.isOver() {
			n++
		}
	}
	return n
}
