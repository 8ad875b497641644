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
	mu      sync.Mutex
	out     *buffer // nil when nothing waits
	bytes   int     // in out and in the write under way
	dirty   bool    // in somebody's batch
	writing bool
	ending  bool // the close frame is queued: nothing may follow it
	gone    bool // the session has left: nothing is written any more
	why     wire.CloseReason
	closeBy time.Time
	loop    sync.WaitGroup // the writeLoop

	probed []chan bool // newcomers with our id that wait for a sign of life: see listen
}

// send queues one frame. It reports false if the session is ending. A session
// that holds more than it may goes into the batch's cuts.
func (s *session) send(b *batch, add func([]byte) []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.gone {
		return false
	}
	s.appendLocked(b, add)
	cfg := &s.hub.cfg
	if s.bytes > cfg.QueueBytes ||
		s.hub.queued.Load() > cfg.QueueBytesTotal && int64(s.bytes) > cfg.QueueBytesTotal/max(1, s.hub.sockets.Load()) {
		b.cuts = append(b.cuts, cut{s, wire.ReasonSlowConsumer})
	}
	return true
}

func (s *session) appendLocked(b *batch, add func([]byte) []byte) {
	if s.out == nil {
		s.out = buffers.Get().(*buffer)
	}
	was := len(s.out.b)
	s.out.b = add(s.out.b)
	grown := len(s.out.b) - was
	s.bytes += grown
	s.hub.queued.Add(int64(grown))
	if !s.dirty && !s.writing {
		s.dirty = true
		b.dirty = append(b.dirty, s)
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
			s.fail(wire.ReasonWriteFailed)
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
	if s.gone {
		return nil // leave has booked everything
	}
	s.bookLocked(len(written.b))
	written.free()
	out := s.out
	s.out = nil
	s.writing = out != nil
	return out
}

func (s *session) bookLocked(n int) {
	s.bytes -= n
	s.hub.queued.Add(int64(-n))
}

// startLoop hands the rest to a goroutine of the session, which waits for it
// before it leaves.
func (s *session) startLoop(out *buffer, off int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		s.loop.Go(func() { s.writeLoop(out, off) })
	}
}

// writeLoop writes, with a deadline on every write, until the queue is empty.
func (s *session) writeLoop(out *buffer, off int) {
	for ; out != nil; out, off = s.next(out), 0 {
		for off < len(out.b) {
			s.armWrite()
			n, err := s.conn.Conn.Write(out.b[off:min(off+writeStep, len(out.b))])
			if err != nil {
				s.fail(wire.ReasonWriteFailed)
				return
			}
			off += n
		}
	}
}

// armWrite sets the deadline of the next write. The lock makes it either see that
// the session is ending or be overruled by end.
func (s *session) armWrite() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.conn.Conn.SetWriteDeadline(time.Now().Add(s.hub.cfg.WriteTimeout))
	}
}

// fail closes the connection, at which the reader ends the session.
func (s *session) fail(why wire.CloseReason) {
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
func (s *session) end(why wire.CloseReason, code int, text string, b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.gone {
		return
	}
	if s.why == wire.ReasonNone {
		s.why = why
	}
	if why == wire.ReasonSlowConsumer && s.out != nil {
		s.bookLocked(len(s.out.b))
		s.out = nil
	}
	if code != 0 {
		s.appendLocked(b, func(dst []byte) []byte { return wire.AppendClose(dst, code, text) })
	}
	s.ending = true
	s.closeBy = time.Now().Add(s.hub.cfg.CloseTimeout)
	s.conn.Conn.SetDeadline(s.closeBy)
}

// leave releases the queue for good and returns why the session ended. The close
// frame of an orderly end gets until closeBy to leave first.
func (s *session) leave() wire.CloseReason {
	s.mu.Lock()
	orderly := s.ending
	s.mu.Unlock()
	if orderly {
		s.loop.Wait()
	}
	s.mu.Lock()
	s.gone = true
	s.bookLocked(s.bytes)
	s.out = nil
	for _, c := range s.probed {
		c <- false
	}
	s.probed = nil
	why := s.why
	s.mu.Unlock()
	s.conn.Close()
	s.loop.Wait()
	return why
}
