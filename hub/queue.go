package hub

import (
	"net/netip"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// writeStep is how many bytes one write gathers at most, unless one notice has more,
// and how many one write deadline covers.
const writeStep = 64 << 10

// blockingStep is how many bytes a write that blocks gathers at most, unless one notice
// has more.
const blockingStep = 16 << 10

// gathered is where the writer puts together what is in several pieces. It holds one
// only while it is in a write that does not block.
var gathered = sync.Pool{New: func() any { return new([writeStep]byte) }}

// queue is the outbound half of a session; session_write.go has its methods. A
// goroutine that has a frame for the peer adds it and adds the session to its
// batch. Committing the batch writes what waits without blocking. Only if the socket
// is full does a goroutine of its own, the writeLoop, take over until the queue is
// empty. At most one goroutine writes at a time (writing), and a session is in at most
// one batch (dirty). The writer takes out for the time of one write that does not
// block, and puts back what is left, so that relieve can drop what a full socket does
// not take.
type queue struct {
	mu       sync.Mutex
	out      *pending             // nil when nothing waits, or while the writer has it
	bytes    int                  // in out and with the writer
	held     int                  // memory of out, counted in Hub.queued
	shares   map[netip.Prefix]int // bytes queued by each source while much waits; see mayFill
	lent     int                  // bytes that a write blocks with, counted in held
	position int64                // bytes queued since the session began

	messagesIn, bytesIn int64 // received; here because of mu

	incoming *incoming // what has arrived of a large message; here because of mu
	partial  bool      // pieces of incoming were dropped: the message is not handled
	dirty    bool      // in a batch
	writing  bool
	armed    bool // the connection has a write deadline
	overfull bool // in a batch's cuts as a slow consumer: nothing more is queued
	ending   bool // the close frame is queued: nothing may follow it
	gone     bool // nothing more is written: a write failed, or the session is torn down
	why      wire.CloseReason
	due      time.Duration // Hub.clock when onDeadline has to decide, at the latest
	idle     chan struct{} // receives a value when the writer stops; nil unless joinWriter waits
	timed    timed         // the relayed message whose latency is measured
}
