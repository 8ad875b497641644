package hub

import (
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// writeStep is how many bytes one write deadline covers.
const writeStep = 64 << 10

// buffer holds the unsent bytes of one session: whole frames, one after the other.
// It also holds a message while it is read.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 2<<10)} }}

// free returns the buffer to the pool, unless a large message has made it large.
func (o *buffer) free() {
	if cap(o.b) <= writeStep {
		o.b = o.b[:0]
		buffers.Put(o)
	}
}

// queue is the outbound half of a session; session_write.go has its methods. A
// goroutine that has a frame for the peer appends it and adds the session to its
// batch. Committing the batch writes all that waits with one write that does not
// block. Only if the socket is full does a goroutine of its own, the writeLoop,
// take over until the queue is empty. At most one goroutine writes at a time
// (writing), and a session is in at most one batch (dirty).
type queue struct {
	mu       sync.Mutex
	out      *buffer // nil when nothing waits
	bytes    int     // in out and in the write under way
	position int64   // bytes queued since the session began
	dirty    bool    // in a batch
	writing  bool
	overfull bool      // in a batch's cuts as a slow consumer: nothing more is queued
	ending   bool      // the close frame is queued: nothing may follow it
	gone     bool      // nothing more is written: a write failed, or the session is torn down
	endBy    time.Time // when the wait for the peer's close frame ends; set with ending
	why      wire.CloseReason
	idle     chan struct{} // receives a value when the writer stops; nil unless joinWriter waits
}
