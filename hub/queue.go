package hub

import (
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// writeStep is how many bytes one write deadline covers.
const writeStep = 64 << 10

// buffer is the unsent bytes of one session: whole frames, one after the other.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 2<<10)} }}

// free gives the buffer back, unless one large message made it large.
func (o *buffer) free() {
	if cap(o.b) <= writeStep {
		o.b = o.b[:0]
		buffers.Put(o)
	}
}

// queue is the outbound half of a session. Whoever has something for the peer
// appends the frame and notes the session in its batch; whoever commits the batch
// writes all that waits with one write that does not block. Only when the socket
// is full does a goroutine, the writeLoop, take over, until the queue is empty.
// At most one of them writes at a time (writing), and nobody notes a session that
// somebody else will look after (dirty).
type queue struct {
	mu       sync.Mutex
	out      *buffer // nil when nothing waits
	bytes    int     // in out and in the write under way
	dirty    bool    // in somebody's batch
	writing  bool
	overfull bool      // in a batch's cuts as a slow consumer: nothing is queued any more
	ending   bool      // the close frame is queued: nothing may follow it
	gone     bool      // nothing is written any more: a write failed, or the session has left
	endBy    time.Time // when the wait for the peer's half ends; set with ending
	why      wire.CloseReason
	idle     chan struct{} // where leave waits for the writer; nil when it does not

	probed chan bool // where a newcomer with our id waits for a sign of life, else nil: see listen
}

// send queues one frame. It reports false if the session is ending, or would hold
// more than it may: then it goes into the batch's cuts. A frame that finds nothing
// waiting is let in whatever its size, or one large message would cut a peer that
// reads.
func (s *session) send(b *batch, add func([]byte) []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.gone || s.overfull {
		return false
	}
	waited := s.bytes
	s.appendLocked(b, add)
	cfg := &s.hub.cfg
	total := s.hub.queued.Load()
	if total > cfg.QueueBytesTotal {
		b.shed = true
	}
	total += s.hub.queuedEnding.Load()
	// Relief comes with the commit. Until then a herd may queue more, but not
	// without end: at twice the bound who has more than an equal share is cut.
	if waited > 0 && (s.bytes > cfg.QueueBytes ||
		total > 2*cfg.QueueBytesTotal && int64(s.bytes) > cfg.QueueBytesTotal/max(1, s.hub.sockets.Load())) {
		s.overfull = true
		b.cuts = append(b.cuts, cut{s, wire.ReasonSlowConsumer})
		return false
	}
	return true
}

// waiting returns how many bytes wait, 0 for a session that is ending already.
func (s *session) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.gone {
		return 0
	}
	return s.bytes
}

func (s *session) appendLocked(b *batch, add func([]byte) []byte) {
	if s.out == nil {
		s.out = buffers.Get().(*buffer)
	}
	was := len(s.out.b)
	s.out.b = add(s.out.b)
	grown := len(s.out.b) - was
	s.bytes += grown
	b.frames++
	s.hub.queued.Add(int64(grown))
	if !s.dirty && !s.writing {
		s.dirty = true
		b.dirty = append(b.dirty, s)
	}
}

// ping sends a ping frame. Its answer is free: see onPong.
func (s *session) ping(b *batch) {
	if s.send(b, wire.AppendPing) {
		s.pings.Add(1)
	}
}

func (s *session) sendNotice(n wire.Notice, at int64, b *batch) bool {
	return s.send(b, func(dst []byte) []byte { return n.AppendTo(dst, s.id, at) })
}

// flush writes what waits, as far as the socket takes it at once.
func (s *session) flush() {
	for out := s.take(); out != nil; out = s.next(out) {
		n, err := s.conn.tryWrite(out.b)
		if err != nil {
			s.writeFailed()
			return
		}
		if n < len(out.b) {
			s.startLoop(out, n)
			return
		}
	}
}

// take makes the caller the writer and returns what to write; nil if there is
// nothing or another writes.
func (s *session) take() *buffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dirty = false
	if s.writing || s.gone || s.out == nil {
		return nil
	}
	s.writing = true
	out := s.out
	s.out = nil
	return out
}

// next books what the writer has written and returns what came meanwhile; with
// nil the caller is the writer no more.
func (s *session) next(written *buffer) *buffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone { // else all is booked
		s.uncountLocked(len(written.b))
	}
	s.hub.counters.sentBytes.Add(uint64(len(written.b)))
	written.free()
	out := s.out
	if s.out = nil; out == nil {
		s.stopWritingLocked()
	}
	return out
}

func (s *session) stopWritingLocked() {
	s.writing = false
	if s.idle != nil {
		s.idle <- struct{}{}
		s.idle = nil
	}
}

// writeFailed is the end of a writer: the session can send no more. The closed
// connection tells its reader.
func (s *session) writeFailed() {
	s.mu.Lock()
	s.dropLocked()
	s.stopWritingLocked()
	s.mu.Unlock()
	s.abort(wire.ReasonWriteFailed)
}

// dropLocked drops all that waits; nothing is queued or written any more.
func (s *session) dropLocked() {
	s.gone = true
	s.uncountLocked(s.bytes)
	s.out = nil
}

func (s *session) uncountLocked(n int) {
	s.bytes -= n
	if s.ending {
		s.hub.queuedEnding.Add(int64(-n))
	} else {
		s.hub.queued.Add(int64(-n))
	}
}

// startLoop hands the rest to a goroutine. The session waits for it before it
// leaves.
func (s *session) startLoop(out *buffer, off int) {
	s.hub.gate.hold()
	go func() {
		defer s.hub.gate.leave()
		s.writeLoop(out, off)
	}()
}

// writeLoop writes, with a deadline on every write, until the queue is empty.
func (s *session) writeLoop(out *buffer, off int) {
	for ; out != nil; out, off = s.next(out), 0 {
		for off < len(out.b) {
			s.armWrite(time.Now().Add(s.hub.cfg.WriteTimeout))
			n, err := s.conn.Conn.Write(out.b[off:min(off+writeStep, len(out.b))])
			if err != nil {
				s.writeFailed()
				return
			}
			off += n
			s.progressAt.Store(time.Now().UnixNano())
			s.answerProbe()
		}
		s.armWrite(time.Time{}) // or it would end the next write of anybody
	}
}

// armWrite sets the deadline of the next write. The lock makes it either see that
// the session is ending or be overruled by end.
func (s *session) armWrite(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.conn.Conn.SetWriteDeadline(at)
	}
}

// fail closes the connection, at which the reader ends the session.
func (s *session) abort(why wire.CloseReason) {
	s.mu.Lock()
	if s.why == wire.ReasonNone {
		s.why = why
	}
	s.mu.Unlock()
	s.conn.Close()
}

// end queues the close frame, after which nothing is sent, and bounds what is
// left of the session: the reader waits for the peer's half until then. A slow
// consumer's queue is dropped. Only the first call counts. No lock is held.
func (s *session) queueClose(why wire.CloseReason, code int, text string, b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.gone {
		return
	}
	if s.why == wire.ReasonNone {
		s.why = why
	}
	if why == wire.ReasonSlowConsumer && s.out != nil {
		s.uncountLocked(len(s.out.b))
		s.out = nil
	}
	if code != 0 {
		s.appendLocked(b, func(dst []byte) []byte { return wire.AppendClose(dst, code, text) })
	}
	s.ending = true
	s.hub.queued.Add(int64(-s.bytes))
	s.hub.queuedEnding.Add(int64(s.bytes))
	s.endBy = time.Now().Add(s.hub.cfg.CloseTimeout)
	s.conn.Conn.SetDeadline(s.endBy)
}

// leave releases the queue for good, joins the writer and returns why the session
// ended. The close frame of an orderly end goes out first, within the deadline
// that end has set.
func (s *session) finishWriting() wire.CloseReason {
	if s.isEnding() {
		s.flush()
		s.joinWriter()
	}
	s.mu.Lock()
	s.dropLocked()
	if s.probed != nil {
		s.probed <- false
		s.probed = nil
	}
	why := s.why
	s.mu.Unlock()
	s.conn.Close()
	s.joinWriter()
	return why
}

// joinWriter waits until nobody writes. Only the reader calls it.
func (s *session) joinWriter() {
	s.mu.Lock()
	if !s.writing {
		s.mu.Unlock()
		return
	}
	idle := make(chan struct{}, 1)
	s.idle = idle
	s.mu.Unlock()
	<-idle
}
