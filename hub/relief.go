package hub

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// gauge is a sum to which is added and from which is taken concurrently. Both are
// counted, so that a reader can see whether it changed meanwhile.
type gauge struct{ added, taken atomic.Int64 }

func (g *gauge) add(n int) {
	if n >= 0 {
		g.added.Add(int64(n))
	} else {
		g.taken.Add(int64(-n))
	}
}

func (g *gauge) load() int64 {
	taken := g.taken.Load() // before added, so that the sum is never too small
	return g.added.Load() - taken
}

// changes returns a number that every change of the gauge increases.
func (g *gauge) changes() int64 { return g.added.Load() + g.taken.Load() }

// queuedBytes returns the memory of all that waits, each notice counted once.
func (h *Hub) queuedBytes() int64 { return h.queued.load() + h.loose.Load() }

// fits reports whether Config.QueueBytesTotal has room for n bytes more.
func (h *Hub) fits(n int) bool {
	return h.queuedBytes()+h.announced.Load()+int64(n) <= h.policy().QueueBytesTotal
}

// holders is a set of sessions that hold memory for others to see: Hub.stalled has the
// ones with a writeLoop, because their sockets are full. Their queues hold nearly all
// that waits: any other is written with the next commit. Hub.receiving has the ones
// with an incoming. The mutex is locked after Hub.mu and before the one of a queue.
type holders struct {
	mu       sync.Mutex
	sessions map[*session]int // how often it was added, twice while one writeLoop takes over from another
}

func (l *holders) add(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions == nil {
		l.sessions = make(map[*session]int)
	}
	l.sessions[s]++
}

func (l *holders) remove(s *session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sessions[s]--; l.sessions[s] == 0 {
		delete(l.sessions, s)
	}
	if len(l.sessions) == 0 {
		l.sessions = nil // a map does not shrink
	}
}

func (l *holders) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.sessions)
}

// heaviestLocked returns the sessions whose weight is not 0, the heaviest first.
func (l *holders) heaviestLocked(weigh func(*session) float64) []*session {
	weights := make(map[*session]float64, len(l.sessions))
	for s := range l.sessions {
		if w := weigh(s); w > 0 {
			weights[s] = w
		}
	}
	return slices.SortedFunc(maps.Keys(weights), func(a, b *session) int { return cmp.Compare(weights[b], weights[a]) })
}

// relieve drops the queues in which most waits, until all together are down to
// seven eighths of Config.QueueBytesTotal, and adds their sessions to the cuts. It
// takes those that hold the bytes, not the one that is being sent to. The caller may
// hold Hub.mu, but no queue's mutex.
func (h *Hub) relieve(b *batch) {
	h.stalled.mu.Lock()
	defer h.stalled.mu.Unlock()
	enough := int(h.policy().QueueBytesTotal / 8)
	if h.fits(enough) {
		return // another goroutine was here before
	}
	for _, s := range h.stalled.heaviestLocked(func(s *session) float64 { return float64(s.waiting()) }) {
		if h.fits(enough) {
			return
		}
		s.shed(b)
	}
}

// shed drops the queue of a session, which is cut as a slow consumer. What is left of
// a frame that is written in part stays, so that the close frame can follow it.
func (s *session) shed(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shedLocked(b)
}

func (s *session) shedLocked(b *batch) {
	if s.ending || s.gone || s.overfull {
		return
	}
	s.overfull = true
	b.cuts = append(b.cuts, cut{s, wire.ReasonSlowConsumer})
	if s.out == nil {
		return
	}
	s.out.truncate()
	if s.out.bytes > writeStep { // too much to be written only for a close frame to follow it
		s.dropLocked()
	}
	s.recountLocked()
}
