package loadgen

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// returners are peers that reconnect when their connections end, as shipped clients do:
// with their ids, after a second, and after each failure twice as late, without jitter.
// They have a schedule of their own, because all of them may be due at once.
type returners struct {
	*phaseRun
	schedule *schedule.Schedule // of the current herd
	first    time.Duration      // until the first try
	patience time.Duration      // for a try that is neither greeted nor refused

	mu     sync.Mutex
	list   map[wire.PeerID]*returner
	here   int // greeted and connected
	ended  spread
	back   spread
	failed int            // tries
	words  map[string]int // how connections ended
	whys   map[string]int // why tries failed
}

// returner is one of them. The mutex of returners guards its fields.
type returner struct {
	network  *network
	peer     *Peer     // of its last try; nil if that has failed or its connection has ended
	here     bool      // greeted and connected
	absent   bool      // it was not connected when the herd began
	ended    time.Time // end of its last connection; zero before the first
	attempts int       // tries since then
	ends     int       // of its connections
}

// spread is the period in which all of something happened.
type spread struct {
	n           int
	first, last time.Time
}

func (s *spread) add(t time.Time) {
	if s.n++; s.n == 1 {
		s.first = t
	}
	s.last = t
}

func (s *spread) width() time.Duration { return s.last.Sub(s.first) }

// longestBackoff is that of shipped clients.
const longestBackoff = 30 * time.Second

func newReturners(s *phaseRun, first time.Duration) *returners {
	r := &returners{phaseRun: s, schedule: scheduleOfAll(s), first: first, patience: dialTimeout,
		list: map[wire.PeerID]*returner{}, words: map[string]int{}, whys: map[string]int{}}
	for i := range s.Peers {
		if !s.share.has(i) {
			continue
		}
		r.list[schedule.PeerID(s.seed, placePeer, uint64(i))] = &returner{network: s.networks[i%len(s.networks)]}
	}
	return r
}

// scheduleOfAll returns a schedule on which all peers may be due at once.
func scheduleOfAll(s *phaseRun) *schedule.Schedule {
	return schedule.New(max(s.Peers, maxAtOnce), s.fleet.rec.AddSlip)
}

// gather lets all peers connect for the first time, at the rate of the phase.
func (r *returners) gather(ctx context.Context) error {
	r.schedule.AddPacedIf(r.pace(r.Rate, placePeer), r.Peers, r.share.has, func(ctx context.Context, i int, t schedule.Tick) {
		r.counters.planned(r.Profile)
		r.come(ctx, schedule.PeerID(r.seed, placePeer, uint64(i)), t)
	})
	r.wait(ctx, time.Duration(float64(r.Peers)/r.Rate*float64(time.Second))+r.patience, r.complete)
	if !r.complete() && ctx.Err() == nil {
		return fmt.Errorf("%s: only %d of %d peers could connect", r.Profile, r.present(), len(r.list))
	}
	return nil
}

// complete reports whether all peers are connected.
func (r *returners) complete() bool { return r.present() == len(r.list) }

func (r *returners) present() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.here
}

// wait runs the schedule until a condition holds, at most for the patience.
func (r *returners) wait(ctx context.Context, patience time.Duration, is func() bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var look func(context.Context, schedule.Tick)
	look = func(context.Context, schedule.Tick) {
		if is() {
			cancel()
			return
		}
		r.schedule.Add(time.Now().Add(againEvery), look)
	}
	r.schedule.Add(time.Now(), look)
	r.schedule.Run(ctx)
}

// come tries to connect and to announce. The bound of the dialling must be longer than that
// of the waiting for a peer that has not returned.
func (r *returners) come(ctx context.Context, id wire.PeerID, t schedule.Tick) {
	own := r.list[id]
	p := &Peer{id: id, dialled: t, excused: true, watch: r.watch, gone: r.gone}
	r.mu.Lock()
	p.returned = own.ends
	own.peer = p // before it is greeted
	r.mu.Unlock()
	if _, err := r.fleet.connect(ctx, p); err != nil {
		r.missed(p, err)
		return
	}
	if p.isGreeted() { // the protocol has no greeting
		r.greeted(p)
	}
	_ = p.announce(own.network, t) // if the connection has ended, its reader reports it
}

// watch records the greeting.
func (r *returners) watch(p *Peer, e codec.Event) bool {
	if e.Kind == codec.EventGreeting {
		r.greeted(p)
	}
	return false
}

func (r *returners) greeted(p *Peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own, now := r.list[p.id], time.Now()
	if own.here || own.peer != p {
		return
	}
	switch {
	case own.ended.IsZero():
		r.counters.landed(r.Profile)
	case !own.absent: // otherwise it did not try between the herds, and the time is not that of the target
		r.back.add(now)
		r.fleet.rec.Add(latency.HopBack, schedule.At(own.ended))
	}
	own.here, own.attempts = true, 0
	r.here++
}

// gone records an unwanted end, and schedules the next try.
func (r *returners) gone(p *Peer) { r.missed(p, p.reason()) }

func (r *returners) missed(p *Peer, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.list[p.id]
	if own.peer != p {
		return // the next herd has begun, and it has another connection
	}
	own.peer = nil
	if own.here {
		r.endedLocked(own, time.Now())
		r.words[wordOf(why)]++
	} else {
		r.failed++
		r.whys[whyOf(why)]++
		if own.ended.IsZero() {
			r.counters.failed(r.Profile, why)
		}
	}
	r.againLocked(p.id, own)
}

func (r *returners) endedLocked(own *returner, now time.Time) {
	own.here, own.ended = false, now
	own.ends++
	r.here--
	r.ended.add(now)
}

// againLocked schedules the next try.
func (r *returners) againLocked(id wire.PeerID, own *returner) {
	after := min(r.first<<min(own.attempts, 16), longestBackoff)
	own.attempts++
	r.schedule.Add(time.Now().Add(after), func(ctx context.Context, t schedule.Tick) { r.come(ctx, id, t) })
}

// forget begins a new count of ends and returns.
func (r *returners) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended, r.back, r.failed = spread{}, spread{}, 0
	clear(r.words)
	clear(r.whys)
}

// attendance is how many of some peers are connected.
type attendance struct{ here, of int }

func (a *attendance) add(here bool) {
	a.of++
	if here {
		a.here++
	}
}

func (a *attendance) missing() int { return a.of - a.here }

// returns are the results of the ends since the last forget.
type returns struct {
	here        int        // connected now
	herd        attendance // of the peers that were connected when it began
	absent      attendance // of the others
	ended, back spread     // of the herd
	failed      int
	words, whys string
}

// soFar returns the results so far. Readers go on adding to them.
func (r *returners) soFar() returns {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := returns{here: r.here, ended: r.ended, back: r.back, failed: r.failed, words: listed(r.words), whys: listed(r.whys)}
	for _, own := range r.list {
		if own.absent {
			n.absent.add(own.here)
		} else {
			n.herd.add(own.here)
		}
	}
	return n
}

// whyOf returns why a try failed.
func whyOf(err error) string {
	var c *websocket.CloseError
	if err == nil || errors.As(err, &c) {
		return wordOf(err)
	}
	return withoutAddress(err).Error()
}

// listed writes counts, the largest first.
func listed(counts map[string]int) string {
	var list []string
	for _, text := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return counts[b] - counts[a] }) {
		list = append(list, fmt.Sprintf("%d %s", counts[text], text))
	}
	return strings.Join(list, ", ")
}

// wordOf returns how a connection ended.
func wordOf(err error) string {
	var c *websocket.CloseError
	if errors.As(err, &c) && c.Code != websocket.CloseAbnormalClosure {
		return fmt.Sprintf("close code %d %s", c.Code, c.Text)
	}
	return "no close frame"
}
