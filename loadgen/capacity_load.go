package loadgen

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// load puts a level of load on the target: so many peers, which send messages at a rate for a
// while. It returns what was measured meanwhile, nil if the time was up.
func (c *capacity) load(ctx context.Context, peers int, rate float64) *report.Result {
	if c.shaken {
		c.calm(ctx)
	}
	c.dismiss(ctx, c.fleet.size()-peers)
	before, lagged := measured(c.fleet, c.counters), c.own.lags()
	late := c.populate(ctx, peers)
	c.awaitDiscovery(ctx)
	c.send(ctx, max(1, int(rate*c.hold.Seconds())), rate)
	now, err := c.target.read(ctx, false)
	if ctx.Err() != nil {
		return nil
	}
	c.await(ctx)
	after := measured(c.fleet, c.counters)
	r := after.Since(&before)
	r.Generator.Lag99 = unknownLag // in a worker
	if lags := c.own.lags().Since(lagged); lags.Count() > 0 {
		r.Generator.Lag99 = lags.Quantile(.99)
	}
	r.Verdict.Run.Lives = int64(peers) // most of them came at a lower level
	if late > 0 {
		r.Errors[fmt.Sprintf("not greeted within %s", c.target.waits.delivery)] = late
	}
	row, order := map[string]float64{report.ColumnConnections: float64(c.fleet.size())}, []string{report.ColumnConnections}
	for name, v := range now {
		if err == nil {
			row[report.TargetColumn(name)], order = v, append(order, report.TargetColumn(name))
		}
	}
	r.Timeline.Add(time.Since(c.fleet.base).Seconds(), row, order)
	return &r
}

// unknownLag is the lag of a process that does not measure it.
const unknownLag = -1

// populate lets peers arrive until so many are connected. It returns how many of them the
// target has not greeted in time.
func (c *capacity) populate(ctx context.Context, peers int) (late int) {
	missing := peers - c.fleet.size()
	c.dismiss(ctx, -missing)
	var mu sync.Mutex
	var came []*Peer
	free, first := c.vacant(missing), c.arrived
	c.arrived += len(free)
	c.schedule.AddPaced(c.pace(c.rate, placePeer), len(free), func(ctx context.Context, i int, t schedule.Tick) {
		p, err := c.fleet.dial(ctx, schedule.PeerID(c.seed, placePeer, uint64(first+i)), t)
		if err == nil {
			mu.Lock()
			came = append(came, p)
			mu.Unlock()
			err = p.announce(free[i], t)
		}
		if err != nil && ctx.Err() == nil {
			c.counters.failed("arrive", err)
		}
	})
	c.schedule.Run(ctx)
	for _, p := range came {
		if !waitFor(ctx, c.target.waits.delivery, func() bool { return p.isGreeted() || p.isOver() }) {
			late++
		}
	}
	return late
}

// vacant returns a network for each of n peers. The networks are filled one after the other, so
// that the members of a network are as many at each level.
func (c *capacity) vacant(n int) (free []*network) {
	members := max(2, (c.Peers+len(c.networks)-1)/len(c.networks))
	for _, r := range c.networks {
		for range members - len(r.all()) {
			if len(free) >= n {
				return free
			}
			free = append(free, r)
		}
	}
	return free
}

// dismiss lets n peers leave politely, those of the last networks first.
func (c *capacity) dismiss(ctx context.Context, n int) {
	if n <= 0 {
		return
	}
	var leaving []*Peer
	for i := len(c.networks) - 1; i >= 0; i-- {
		for _, p := range c.networks[i].all() {
			if len(leaving) < n {
				leaving = append(leaving, p)
			}
		}
	}
	c.schedule.AddPaced(c.pace(c.rate, placeLeave), len(leaving), func(_ context.Context, i int, t schedule.Tick) {
		leaving[i].leave(LeavePolite, t)
	})
	c.schedule.Run(ctx)
	waitFor(ctx, closePatience, func() bool { return !anyOpen(leaving) })
}

// send sends n messages at a rate, each from one member of a network to another.
func (c *capacity) send(ctx context.Context, n int, rate float64) {
	pairs := c.pairs()
	if len(pairs) == 0 {
		return
	}
	c.schedule.AddPaced(c.pace(rate, placeMessage), n, func(_ context.Context, i int, t schedule.Tick) {
		p := pairs[schedule.Mix(c.seed, placeMessage, uint64(i))%uint64(len(pairs))]
		_ = p.from.signal(wire.KindICECandidate, p.to.id, p.in.name, t) // what cannot be sent is not counted: the connection has ended
	})
	c.schedule.Run(ctx)
}

// What a target that is at leisure again can do.
const (
	calmMessages = 64
	calmWithin   = 500 * time.Millisecond
)

// calm waits until a target that did not hold a level has done what it owes, so that the next
// level does not suffer from it.
func (c *capacity) calm(ctx context.Context) {
	for end := time.Now().Add(c.target.waits.settle); time.Now().Before(end) && ctx.Err() == nil; {
		begin := time.Now()
		c.send(ctx, calmMessages, 10*calmMessages/calmWithin.Seconds())
		c.await(ctx)
		if time.Since(begin) < calmWithin {
			return
		}
	}
}

// anyOpen reports whether a connection of the peers is open.
func anyOpen(peers []*Peer) bool {
	return slices.ContainsFunc(peers, func(p *Peer) bool { return !p.isOver() })
}
