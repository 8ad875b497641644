package hub

import (
	"runtime"
	"sync"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// batch collects what follows once no lock is held: queues to flush and sessions
// to cut. A session's reader fills one while it has bytes to handle and commits it
// before it blocks, so that a burst of messages to one peer becomes one write.
type batch struct {
	dirty  []*session
	cuts   []cut
	frames int    // queued since the last commit
	frame  []byte // room to build the frame in that is sent next
}

// full reports whether the batch is to be committed before the reader blocks.
func (b *batch) full() bool { return b.frames > 1000 || len(b.cuts) > 0 }

// cut is a session to close, and why.
type cut struct {
	session *session
	why     wire.CloseReason
}

var batches = sync.Pool{New: func() any { return new(batch) }}

// gatherFrom is the number of queues above which commit yields to other readers
// before it flushes. When many peers announce at once, each announce writes to
// every member. Readers that are ready first fill the same queues, and one write
// per member serves them all.
const gatherFrom = 16

// commit cuts sessions, then flushes queues. Cutting a session notifies the members
// of its network, which may fill further queues and add cuts: hence the loop. The
// caller holds no lock.
func (h *Hub) commit(b *batch) {
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

// reset empties the batch, so that a pooled one retains no session.
func (b *batch) reset() {
	const keep, keepBytes = 1024, 16 << 10
	b.frames = 0
	if cap(b.dirty) > keep || cap(b.cuts) > keep || cap(b.frame) > keepBytes {
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
	defer func() { // after a panic, too: the sessions in b are flushed by no other batch
		h.commit(b)
		batches.Put(b)
	}()
	f(b)
}
