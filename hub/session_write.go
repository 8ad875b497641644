package hub

import (
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// flush writes what waits. It hands over to a writeLoop when the socket takes no more.
func (s *session) flush() {
	for out := s.take(); out != nil; out = s.retake() {
		n, full, err := s.writeSome(out, s.conn.tryWrite)
		switch {
		case err != nil:
			s.writeFailed()
			return
		case !s.putBack(out, n, 0):
			return
		case full:
			s.startLoop()
			return
		}
	}
}

// take makes the caller the writer and returns what to write. It returns nil if
// nothing waits or there is a writer already.
func (s *session) take() *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dirty && s.ending { // the close frame is not written yet
		s.startCloseLocked()
	}
	s.dirty = false
	if s.writing || s.gone || s.out == nil {
		return nil
	}
	s.writing = true
	out := s.out
	s.out = nil
	return out
}

// retake returns what the writer is to write next, nil if it was dropped.
func (s *session) retake() *pending {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.out
	s.out = nil
	return out
}

// writeSome writes once what comes first in out and drops what is written, or, after
// an error, all. It reports full if the socket did not take all.
func (s *session) writeSome(out *pending, write func([]byte) (int, error)) (n int, full bool, err error) {
	next := out.only()
	if next == nil {
		step := gathered.Get().(*[writeStep]byte)
		defer gathered.Put(step)
		next = out.gather(step[:0], s.id)
	}
	n, err = s.written.by(write, next)
	if err != nil {
		out.clear()
		out.free()
		return n, true, err
	}
	full = n < len(next)
	out.advance(n)
	return n, full, nil
}

// putBack returns to the queue what the writer has not written: out, which may be
// nil, and the lent bytes that it is going to write from memory of its own. It reports
// whether anything waits. If not, the caller is no longer the writer.
func (s *session) putBack(out *pending, written, lent int) bool {
	s.hub.counters.sentBytes.Add(uint64(written))
	s.mu.Lock()
	defer s.mu.Unlock()
	if out != nil {
		if s.gone { // dropped while the writer had it
			out.clear()
		} else if s.overfull {
			out.truncate()
		}
		if s.out != nil {
			out.join(s.out)
		}
		s.out = out
	}
	s.lent = lent
	s.recountLocked()
	if s.timed.end > 0 {
		s.endTimedLocked()
	}
	if s.bytes > 0 {
		return true
	}
	s.stopWritingLocked()
	return false
}

// recountLocked accounts for what has left the queue, which a writer may have taken:
// then it is counted again when it is put back.
func (s *session) recountLocked() {
	held, bytes := s.lent, s.lent
	if out := s.out; out != nil && out.bytes == 0 {
		s.out = nil
		out.free()
	} else if out != nil {
		held += out.capacity()
		bytes += out.bytes
	}
	s.hub.queued.add(held - s.held)
	s.held, s.bytes = held, bytes
	s.forgetSharesLocked()
}

func (s *session) stopWritingLocked() {
	s.writing = false
	if s.armed && !s.ending {
		s.conn.Conn.SetWriteDeadline(time.Time{}) // once passed, it would fail the next flush, which sets none
	}
	s.armed = false
	if s.idle != nil {
		s.idle <- struct{}{}
		s.idle = nil
	}
}

// writeFailed drops the queue and closes the connection, which the reader notices.
func (s *session) writeFailed() {
	s.mu.Lock()
	s.lent = 0
	s.dropLocked()
	s.stopWritingLocked()
	s.mu.Unlock()
	s.abort(wire.ReasonWriteFailed)
}

// dropLocked drops all that waits. Nothing is queued or written after it.
func (s *session) dropLocked() {
	s.gone = true
	if s.out != nil {
		s.out.clear()
	}
	s.recountLocked()
}

// startLoop starts a writeLoop. The reader joins it in joinWriter.
func (s *session) startLoop() {
	s.hub.gate.hold()
	s.hub.stalled.add(s)
	go func() {
		defer s.hub.gate.leave()
		defer s.hub.stalled.remove(s)
		s.writeLoop()
	}()
}

// writeLoop writes until the queue is empty, with a deadline for each writeStep.
func (s *session) writeLoop() {
	write := s.writeWhenReady
	if s.conn.raw == nil {
		write = s.writeBlocking
	}
	for due, more := 0, true; more; {
		if due <= 0 {
			s.armWrite(time.Now().Add(s.hub.policy().WriteTimeout))
			due = writeStep
		}
		var n int
		var err error
		if n, more, err = write(); err != nil {
			s.writeFailed()
			return
		}
		due -= n
	}
}

// writeWhenReady waits until the socket takes bytes and writes once. It holds no
// memory while it waits, so that the queue can be dropped meanwhile.
func (s *session) writeWhenReady() (n int, more bool, err error) {
	waited := s.conn.raw.Write(func(fd uintptr) bool {
		out := s.retake()
		if out != nil {
			if n, _, err = s.writeSome(out, func(p []byte) (int, error) { return writeOnce(fd, p) }); err != nil {
				return true
			}
		}
		more = s.putBack(out, n, 0)
		return n > 0 || !more
	})
	if err == nil {
		err = waited
	}
	return n, more, err
}

// writeBlocking writes once to a connection that has no descriptor of its own. The
// bytes are copied, so that the rest of the queue can be dropped meanwhile.
func (s *session) writeBlocking() (n int, more bool, err error) {
	var next []byte
	out := s.retake()
	if out != nil {
		next = out.gather(make([]byte, 0, min(out.bytes, blockingStep)), s.id)
		out.advance(len(next))
	}
	more = s.putBack(out, 0, cap(next))
	if len(next) == 0 {
		return 0, more, nil
	}
	s.written.add(len(next)) // before the write, which may block after some of them
	if n, err = s.conn.Conn.Write(next); err != nil {
		s.written.add(n - len(next))
		return n, true, err
	}
	return n, s.putBack(nil, n, 0), nil
}

// armWrite sets the deadline of the next writes. Holding s.mu keeps it from
// overwriting the deadline that queueClose sets.
func (s *session) armWrite(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.armed = true
		s.conn.Conn.SetWriteDeadline(at)
	}
}

// abort closes the connection without a close frame. The reader then ends the session.
func (s *session) abort(why wire.CloseReason) {
	s.mu.Lock()
	if s.why == wire.ReasonNone {
		s.why = why
	}
	s.mu.Unlock()
	s.conn.Close()
}

// queueClose queues the close frame, after which nothing is sent, and gives the
// peer CloseTimeout to answer it. If no frame can be sent it closes the connection.
// Only the first call has an effect. The caller does not hold s.mu.
func (s *session) queueClose(why wire.CloseReason, code int, text string, b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return
	}
	if s.why == wire.ReasonNone {
		s.why = why
	}
	if s.gone {
		s.conn.Close()
		return
	}
	if code != 0 {
		frame := wire.AppendClose(nil, code, text)
		s.addLocked(b, frame, ref{}, len(frame))
	}
	s.ending = true
	s.startCloseLocked()
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
