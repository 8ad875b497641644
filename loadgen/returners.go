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

// returners are peers that come back when their connections end, as shipped clients do:
// with their ids, after a second, and when that fails after twice as long each time,
// without jitter. They have an agenda of their own, for they may all be due at once.
type returners struct {
	*phaseRun
	schedule *schedule.Schedule // of the herd, or of the only one
	first    time.Duration      // before the first attempt
	patience time.Duration      // for an attempt that is neither greeted nor refused

	mu     sync.Mutex
	list   map[wire.PeerID]*returner
	here   int // greeted, and connected still
	ended  spread
	back   spread
	failed int            // attempts
	words  map[string]int // in which connections ended
	whys   map[string]int // of attempts that failed
}

// returner is one of them. Its fields are guarded by the mutex of all.
type returner struct {
	network  *network
	peer     *Peer     // of its last attempt; nil: that has failed or its connection has ended
	here     bool      // greeted, and connected still
	absent   bool      // it was not here when the herd began
	ended    time.Time // its last connection; zero: it has not had one
	attempts int       // since then
}

// spread is the times between which all of something happened.
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

// scheduleOfAll is one on which all peers may be due at once.
func scheduleOfAll(s *phaseRun) *schedule.Schedule {
	return schedule.New(max(s.Peers, maxAtOnce), s.fleet.rec.AddSlip)
}

// gather has all come for the first time, at the rate of the stage.
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

// complete reports whether all are here.
func (r *returners) complete() bool { return r.present() == len(r.list) }

func (r *returners) present() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.here
}

// wait runs the agenda until something is so, or for so long.
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

// come is an attempt to connect, to announce and to be greeted. What the dialling is
// bounded by must outlive the waiting for who is not back.
func (r *returners) come(ctx context.Context, id wire.PeerID, t schedule.Tick) {
	own := r.list[id]
	p := &Peer{id: id, dialled: t, excused: true, watch: r.watch, gone: r.gone}
	r.mu.Lock()
	own.peer = p // before it is greeted
	r.mu.Unlock()
	if _, err := r.fleet.connect(ctx, p); err != nil {
		r.missed(p, err)
		return
	}
	if p.isGreeted() { // by no more than that it is connected
		r.greeted(p)
	}
	_ = p.announce(own.network, t) // if the connection has ended, its reader says so
}

// watch notes the greeting.
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
	case !own.absent: // else it did not try between herds: that time is not the target's
		r.back.add(now)
		r.fleet.rec.Add(latency.HopBack, schedule.At(own.ended))
	}
	own.here, own.attempts = true, 0
	r.here++
}

// gone notes an end that the peer did not want, and has it come back.
func (r *returners) gone(p *Peer) { r.missed(p, p.reason()) }

func (r *returners) missed(p *Peer, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.list[p.id]
	if own.peer != p {
		return // the next herd was quicker: it comes back already
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
	r.here--
	r.ended.add(now)
}

// againLocked puts the next attempt on the agenda.
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

// attendance is how many of some peers are here.
type attendance struct{ here, of int }

func (a *attendance) add(here bool) {
	a.of++
	if here {
		a.here++
	}
}

func (a *attendance) missing() int { return a.of - a.here }

// returns are what came of the ends since they were forgotten.
type returns struct {
	here        int        // now
	herd        attendance // of those that were here when it began
	absent      attendance // of the others
	ended, back spread     // of the herd
	failed      int
	words, whys string
}

// soFar returns what came of the ends so far: readers go on noting more.
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

// whyOf says why an attempt failed.
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

// wordOf says how a connection ended.
func wordOf(err error) string {
	var c *websocket.CloseError
	if errors.As(err, &c) && c.Code != websocket.CloseAbnormalClosure {
		return fmt.Sprintf("close code %d %s", c.Code, c.Text)
	}
	return "no close frame"
}
