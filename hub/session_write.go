package hub

import (
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// send queues one frame. It reports false if the session is ending, or if its
// queue is full: then the session goes into the batch's cuts. A frame that finds
// the queue empty is accepted whatever its size, so that one large message does
// not cut a peer that reads.
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
	// The commit sheds. Until then many readers may queue more, but only up to
	// twice the bound: above it a session with more than its equal share is cut.
	if waited > 0 && (s.bytes > cfg.QueueBytes ||
		total > 2*cfg.QueueBytesTotal && int64(s.bytes) > cfg.QueueBytesTotal/max(1, s.hub.sockets.Load())) {
		s.overfull = true
		b.cuts = append(b.cuts, cut{s, wire.ReasonSlowConsumer})
		return false
	}
	return true
}

func (s *session) sendNotice(n wire.Notice, at int64, b *batch) bool {
	return s.send(b, func(dst []byte) []byte { return n.AppendTo(dst, s.id, at) })
}

func (s *session) appendLocked(b *batch, add func([]byte) []byte) {
	if s.out == nil {
		s.out = buffers.Get().(*buffer)
	}
	was := len(s.out.b)
	s.out.b = add(s.out.b)
	grown := len(s.out.b) - was
	s.bytes += grown
	s.position += int64(grown)
	b.frames++
	s.hub.queued.Add(int64(grown))
	if !s.dirty && !s.writing {
		s.dirty = true
		b.dirty = append(b.dirty, s)
	}
}

// waiting returns how many bytes wait, 0 for a session that is ending.
func (s *session) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending || s.gone {
		return 0
	}
	return s.bytes
}

// flush writes what waits. It hands over to a writeLoop when the socket takes no
// more.
func (s *session) flush() {
	for out := s.take(); out != nil; out = s.next(out) {
		n, err := s.conn.tryWrite(out.b)
		s.written.Add(int64(n))
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

// take makes the caller the writer and returns what to write. It returns nil if
// nothing waits or there is a writer already.
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

// next frees what the writer has written and returns what was queued meanwhile.
// After nil the caller is no longer the writer.
func (s *session) next(written *buffer) *buffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone { // dropLocked has uncounted all
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

// writeFailed drops the queue and closes the connection, which the reader notices.
func (s *session) writeFailed() {
	s.mu.Lock()
	s.dropLocked()
	s.stopWritingLocked()
	s.mu.Unlock()
	s.abort(wire.ReasonWriteFailed)
}

// dropLocked drops all that waits. Nothing is queued or written after it.
func (s *session) dropLocked() {
	s.gone = true
	s.uncountLocked(s.bytes)
	s.out = nil
}

// uncountLocked subtracts n bytes that wait no longer from the gauges.
func (s *session) uncountLocked(n int) {
	s.bytes -= n
	if s.ending {
		s.hub.queuedEnding.Add(int64(-n))
	} else {
		s.hub.queued.Add(int64(-n))
	}
}

// startLoop starts a writeLoop for out from offset off on. The reader joins it
// in joinWriter.
func (s *session) startLoop(out *buffer, off int) {
	s.hub.gate.hold()
	go func() {
		defer s.hub.gate.leave()
		s.writeLoop(out, off)
	}()
}

// writeLoop writes until the queue is empty, with a deadline on each write.
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
			s.written.Add(int64(n))
		}
		s.armWrite(time.Time{}) // a deadline that has passed would fail the next flush, which sets none
	}
}

// armWrite sets the deadline of the next write. Holding s.mu keeps it from
// overwriting the deadline that queueClose sets.
func (s *session) armWrite(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.conn.Conn.SetWriteDeadline(at)
	}
}

// abort closes the connection without a close frame. The reader then ends the
// session.
func (s *session) abort(why wire.CloseReason) {
	s.mu.Lock()
	if s.why == wire.ReasonNone {
		s.why = why
	}
	s.mu.Unlock()
	s.conn.Close()
}

// queueClose queues the close frame, after which nothing is sent, and gives the
// peer CloseTimeout to answer it. The queue of a slow consumer is dropped. Only
// the first call has an effect. The caller does not hold s.mu.
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

// finishWriting closes the connection, joins the writer and returns why the
// session ended. What an orderly close has queued is written first, within the
// deadline that queueClose has set. All else is dropped.
func (s *session) finishWriting() wire.CloseReason {
	if s.isEnding() {
		s.flush()
		s.joinWriter()
	}
	s.mu.Lock()
	s.dropLocked()
	s.answerProbe(s.probed.Load(), false)
	why := s.why
	s.mu.Unlock()
	s.conn.Close()
	s.joinWriter()
	return why
}

// joinWriter returns when no goroutine writes. Only the reader calls it.
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
