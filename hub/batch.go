package hub

import (
	"runtime"
	"slices"
	"sync"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// batch collects what is to be done once the locks are free: queues to flush and
// sessions to cut. A session's reader fills one while bytes are at hand and
// commits it before it blocks, so that a burst of messages to one peer becomes
// one write.
type batch struct {
	dirty  []*session
	cuts   []cut
	frames int  // queued since the last commit
	shed   bool // all queues together hold more than they may
}

// full reports whether the batch should not wait for the reader to block.
func (b *batch) full() bool { return b.frames > 1000 || b.shed || len(b.cuts) > 0 }

type cut struct {
	session *session
	why     wire.CloseReason
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// gatherFrom is the number of queues from which on a flush lets other readers
// run first. In a herd of announces each of them would write once to every
// member; this way those that are ready fill the same queues, and one write per
// member serves them all.
const gatherFrom = 16

// commit cuts, then flushes. Cutting a session tells the members of its network,
// which may fill further queues: hence the loop. No lock may be held.
func (h *Hub) commit(b *batch) {
	if b.shed {
		h.shedQueues(b)
	}
	for len(b.cuts) > 0 {
		c := b.cuts[len(b.cuts)-1]
		b.cuts = b.cuts[:len(b.cuts)-1]
		h.beginClose(c.session, c.why, b)
	}
	if len(b.dirty) >= gatherFrom {
		runtime.Gosched()
	}
	for _, s := range b.dirty {
		s.flush()
	}
	b.reset()
}

// reset forgets the sessions the batch held, so that a pooled one keeps none.
func (b *batch) reset() {
	const keep = 1024
	b.frames, b.shed = 0, false
	if cap(b.dirty) > keep || cap(b.cuts) > keep {
		*b = batch{}
		return
	}
	clear(b.dirty)
	clear(b.cuts[:cap(b.cuts)])
	b.dirty, b.cuts = b.dirty[:0], b.cuts[:0]
}

// do runs f with a batch and commits it.
func (h *Hub) do(f func(*batch)) {
	b := batches.Get().(*batch)
	defer func() { // also in a panic: nobody else would flush what b has noted
		h.commit(b)
		batches.Put(b)
	}()
	f(b)
}

// relieve cuts the sessions that hold most until seven eighths of what all queues
// may hold is left: those that hold the bytes, not those that happen to be sent to.
func (h *Hub) shedQueues(b *batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	type holder struct {
		s     *session
		bytes int
	}
	total, holders := 0, []holder(nil)
	for s := range h.sessions {
		if n := s.waiting(); n > 0 {
			total += n
			holders = append(holders, holder{s, n})
		}
	}
	if int64(total) <= h.cfg.QueueBytesTotal {
		return // somebody else has cut them
	}
	slices.SortFunc(holders, func(a, b holder) int { return b.bytes - a.bytes })
	for _, x := range holders {
		if int64(total) <= h.cfg.QueueBytesTotal*7/8 {
			break
		}
		total -= x.bytes
		b.cuts = append(b.cuts, cut{x.s, wire.ReasonSlowConsumer})
	}
}
