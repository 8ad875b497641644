package loadgen

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

func stallProfile() profile {
	return profile{
		word:    "stall",
		unpaced: true,
		whole:   true,
		about:   "peers stop reading, or read slowly, while others send to them: does the target bound its queues, and do bystanders suffer",
		needs:   always(codec.Relays, codec.Pings, codec.NotifiesMembers),
		phase: plan.Phase{Peers: 5, Rate: 4000, Duration: 20 * time.Second, Networks: 1, Params: map[string]string{
			"bystanders": "10", "bytes": "3500", "read": "0", "calm": "3s", "slow": "1s"}},
		check: func(f *plan.Phase) error {
			for _, n := range []struct {
				name      string
				low, high int
			}{{"bystanders", 2, 10_000}, {"bytes", 100, 1_000_000}, {"read", 0, plan.MaxRate}} {
				if _, err := f.IntOf(n.name, n.low, n.high); err != nil {
					return err
				}
			}
			return plan.Durations("calm", "slow")(f)
		},
		run: func(ctx context.Context, s *phaseRun) error { return newStall(s).run(ctx) },
	}
}

// stall is a load of three kinds of peers: some that stop reading, some that send to them,
// and bystanders that expect service.
type stall struct {
	*phaseRun
	read       int           // messages a second that a stalled peer still reads
	resume     chan struct{} // closed when the stalled peers read again
	stalled    []*Peer
	senders    []*Peer
	bystanders []*Peer

	mu      sync.Mutex
	times   latency.Times // of the pings of bystanders, before the flood and then during it
	ended   map[wire.PeerID]time.Time
	sent    int64 // bytes to stalled peers
	failed  int   // messages that could not be sent
	stopped time.Time
}

const (
	perSender   = 80 // messages a second; shipped clients send fewer, and hubs may bound them
	pingsASec   = 50 // of all bystanders
	smallBuffer = 4 << 10
	inKernels   = 10 << 20 // bytes of one connection that the two kernels may hold
)

func newStall(s *phaseRun) *stall {
	x := &stall{phaseRun: s, resume: make(chan struct{}), times: latency.NewTimes(), ended: map[wire.PeerID]time.Time{}}
	x.read, _ = s.IntOf("read", 0, plan.MaxRate) // checked with the plan
	return x
}

func (x *stall) run(ctx context.Context) error {
	n, _ := x.IntOf("bystanders", 2, 10_000) // checked with the plan
	calm, _ := x.DurationOf("calm")
	var err error
	x.stalled, err = x.crowd(ctx, placeStalled, x.Peers, x.halt, nil)
	x.senders, err = x.crowd(ctx, placeSender, int(math.Ceil(x.Rate/perSender)), nil, err)
	x.bystanders, err = x.crowd(ctx, placeBystander, n, x.notice, err)
	if err != nil {
		close(x.resume)
		return fmt.Errorf("stall: %w", err)
	}
	x.awaitDiscovery(ctx)
	x.serve(ctx, calm)
	before := x.swap()
	memory, series := x.memory(ctx)
	x.flood(ctx)
	during := x.swap()
	full, _ := x.memory(ctx)
	close(x.resume)
	x.await(ctx) // the messages of bystanders
	x.checkQueueBound(ctx, full-memory, series)
	x.checkBystanders(before, during)
	return nil
}

// crowd connects n peers to the network of the phase. It returns at once if err is set.
func (x *stall) crowd(ctx context.Context, place uint64, n int, watch func(*Peer, codec.Event) bool, err error) ([]*Peer, error) {
	var list []*Peer
	for i := 0; i < n && err == nil; i++ {
		now := time.Now()
		p := &Peer{id: schedule.PeerID(x.seed, place, uint64(i)), dialled: schedule.At(now), watch: watch, excused: place == placeStalled}
		if p, err = x.fleet.connect(ctx, p); err == nil {
			list = append(list, p)
			err = p.announce(x.networks[0], schedule.At(now))
		}
		if place == placeStalled && err == nil {
			p.sock.shrink(smallBuffer)
		}
	}
	return list, err
}

// halt delays the reader of a stalled peer, and consumes signals.
func (x *stall) halt(_ *Peer, e codec.Event) bool {
	x.mu.Lock()
	begun := !x.stopped.IsZero()
	x.mu.Unlock()
	switch {
	case !begun:
	case x.read == 0:
		<-x.resume
	default:
		timer := time.NewTimer(time.Second / time.Duration(x.read))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-x.resume:
		}
	}
	return e.Kind == codec.EventSignal
}

// notice records the times of the pings of bystanders, and when they hear that a stalled
// peer is gone.
func (x *stall) notice(p *Peer, e codec.Event) bool {
	p.mu.Lock()
	pinged := p.pinged
	p.mu.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case e.Kind == codec.EventPong && !pinged.Start.IsZero():
		x.times.Add(time.Since(pinged.Intended))
	case e.Kind == codec.EventGone && x.ended[e.Peer].IsZero():
		x.ended[e.Peer] = time.Now()
	}
	return false
}

// serve lets bystanders ping, and send offers to each other, for the duration. It has a
// schedule of its own, because the senders of the flood may be blocked.
func (x *stall) serve(ctx context.Context, d time.Duration) {
	a := schedule.New(maxAtOnce, x.fleet.rec.AddSlip)
	a.AddPaced(x.pace(pingsASec, placeServe), int(d.Seconds()*pingsASec), func(_ context.Context, i int, t schedule.Tick) {
		p := x.bystanders[i%len(x.bystanders)]
		_ = p.ping(t) // a peer that cannot send is over, which is counted
		if to := x.bystanders[(i+1)%len(x.bystanders)]; i%2 == 0 && !p.isOver() && !to.isOver() {
			_ = p.signal(wire.KindOffer, to.id, x.networks[0].name, t)
		}
	})
	a.Run(ctx)
}

// flood stops the reading of the stalled peers and lets the senders send to them, for the
// duration or until the target has ended all of them.
func (x *stall) flood(ctx context.Context) {
	bytes, _ := x.IntOf("bytes", 100, 1_000_000) // checked with the plan
	data := []byte(`{"candidate":"` + strings.Repeat("x", bytes) + `"}`)
	x.mu.Lock()
	x.stopped = time.Now()
	x.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, x.Duration)
	defer cancel()
	var both sync.WaitGroup
	both.Go(func() { x.serve(ctx, x.Duration) })
	both.Go(func() {
		defer cancel()
		waitFor(ctx, x.Duration, func() bool { return x.gone() == len(x.stalled) })
	})
	relay := x.fleet.codec.(codec.Relay) // the profile needs it
	x.schedule.AddPaced(x.pace(x.Rate, placeMessage), x.actions(), func(_ context.Context, i int, _ schedule.Tick) {
		from, to := x.senders[i%len(x.senders)], x.stalled[(i/len(x.senders))%len(x.stalled)]
		err := x.fleet.send(from, relay.Signal(wire.KindICECandidate, from.id, to.id, x.networks[0].name, data))
		x.mu.Lock()
		defer x.mu.Unlock()
		if err != nil {
			x.failed++
			return
		}
		x.sent += int64(bytes)
	})
	x.schedule.Run(ctx)
	both.Wait()
}

// gone returns how many stalled peers the target has ended, as they or the bystanders know.
func (x *stall) gone() (n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range x.stalled {
		if !x.ended[p.id].IsZero() || p.isOver() {
			n++
		}
	}
	return n
}

// swap returns the times so far, and begins anew.
func (x *stall) swap() latency.Times {
	x.mu.Lock()
	defer x.mu.Unlock()
	was := x.times
	x.times = latency.NewTimes()
	return was
}
