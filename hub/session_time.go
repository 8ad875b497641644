package hub

import (
	"math/rand/v2"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// noteRead records that bytes arrived.
func (s *session) noteRead() {
	s.pinged = 0
	s.heardAt.Store(int64(s.hub.clock()))
	if p := s.probed.Load(); p != nil && p.dry {
		s.answerProbe(p, true)
	}
}

// onDeadline decides what the silence means each time the read deadline passes.
// Only onDeadline and arm move the deadline, so a message costs no timer. An error
// means that the session is over.
func (s *session) onDeadline() error {
	cfg, now, clock := s.hub.policy(), time.Now(), s.hub.clock()
	silence := clock - time.Duration(s.heardAt.Load())
	switch due, ending := s.dueAt(); {
	case clock < due && !ending && s.mayPark(silence):
		return errQuiet
	case clock < due:
		s.rearm()
	case ending:
		return s.onEndDeadline()
	case !s.spoke && clock-s.greeted >= cfg.FirstMessageTimeout:
		s.beginClose(wire.ReasonFirstMessageTimeout)
	case !s.messageBegan.IsZero() && now.Sub(s.messageBegan) >= cfg.MessageTimeout:
		s.beginClose(wire.ReasonMessageTimeout)
	case s.pinged != 0 && clock-s.pinged < cfg.PongTimeout:
		s.arm(cfg.PongTimeout - (clock - s.pinged))
	case s.pinged != 0 && s.shrinks(&s.backlog):
		s.pinged = clock
		s.arm(cfg.PongTimeout)
	case s.pinged != 0:
		return errPingTimeout
	case silence >= cfg.PingInterval-cfg.PingInterval/5:
		s.pinged = clock
		s.hub.do(func(b *batch) { s.backlog = s.ping(b, "") })
		s.arm(cfg.PongTimeout)
	default:
		s.arm(max(s.pingIn()-silence, time.Millisecond))
	}
	return nil
}

func (s *session) dueAt() (due time.Duration, ending bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.due, s.ending
}

// onEndDeadline returns errCloseTimeout unless the close frame is written only now.
func (s *session) onEndDeadline() error {
	s.flush() // the batch with the close frame may not be committed yet
	if due, _ := s.dueAt(); s.hub.clock() < due {
		return nil
	}
	return errCloseTimeout
}

// pingIn returns how long the peer may be silent before a ping. It is random
// within the last fifth of PingInterval, so that peers that connected together are
// not pinged together.
func (s *session) pingIn() time.Duration {
	interval := s.hub.policy().PingInterval
	return interval - rand.N(interval/5+1)
}

// arm sets when onDeadline has to decide, earlier if the first message or the message
// being read is due before. Holding s.mu keeps it from overwriting what queueClose sets.
func (s *session) arm(in time.Duration) {
	now := time.Now()
	if !s.spoke {
		in = min(in, max(s.hub.policy().FirstMessageTimeout-(s.hub.clock()-s.greeted), time.Millisecond))
	}
	if !s.messageBegan.IsZero() {
		in = min(in, max(s.hub.policy().MessageTimeout-now.Sub(s.messageBegan), time.Millisecond))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.due = s.hub.clock() + in
		s.armReadLocked()
	}
}

func (s *session) rearm() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armReadLocked()
}

// armReadLocked sets the read deadline: the due time, or earlier to see whether the
// session can be parked.
func (s *session) armReadLocked() {
	clock, quiet := s.hub.clock(), s.hub.cfg.ParkAfter
	at := max(s.due, clock+time.Millisecond) // what has arrived is read first
	if s.parkable() && !s.ending {
		looked := time.Duration(s.heardAt.Load()) + quiet
		if looked <= clock {
			looked = clock + quiet
		}
		at = min(at, looked)
	}
	s.conn.Conn.SetReadDeadline(s.hub.started.Add(at))
}

// startCloseLocked gives the peer CloseTimeout from now on. It is called again when the
// close frame is written, because on a busy machine a batch may be committed late.
func (s *session) startCloseLocked() {
	s.due = s.hub.clock() + s.hub.policy().CloseTimeout
	s.conn.Conn.SetWriteDeadline(s.hub.started.Add(s.due))
	if !s.hub.parking.reschedule(s, s.due) {
		s.armReadLocked()
	}
}

// ping queues a ping frame and returns what the peer has to take before it comes to
// the ping. The answer costs the peer nothing: see onPong.
func (s *session) ping(b *batch, payload string) backlog {
	s.mu.Lock()
	end := s.position
	s.mu.Unlock()
	if s.send(b, wire.AppendPing(nil, payload)) {
		s.pings.Add(1)
	}
	return backlog{end, s.delivered()}
}

// backlog is what waits for a peer ahead of a ping. A peer that reads slowly cannot
// answer before it has come to the ping. Positions count the bytes since the session
// began.
type backlog struct {
	end  int64 // position of the ping
	seen int64 // how far the peer had come at the last look
}

// shrinks looks how far the peer has come and reports whether it came closer to the
// ping since the last look. That is a sign of life. Whether the peer got the ping
// itself is not, because a system acknowledges bytes for a program that hangs.
func (s *session) shrinks(k *backlog) bool {
	was := k.seen
	k.seen = s.delivered()
	return was < k.end && k.seen > was
}

// delivered returns how many bytes the peer's system has acknowledged, or, if the
// system does not say that, how many the socket has taken.
func (s *session) delivered() int64 { return s.written.less(s.conn.unacked) }

// probe is the wait of one newcomer for a sign of life of the session that holds its
// id. Bytes that came before the probe are none, even if they are read after it.
type probe struct {
	payload string    // of the ping
	alive   chan bool // receives true with the sign of life, or false when the session ends
	dry     bool      // all that came before the probe is read; owned by the reader
}

// awaitProbe registers p. It does not if the session is gone, or busy: one newcomer
// at a time may wait, so that many claims on one id do not use up the probes.
func (s *session) awaitProbe(p *probe) (gone, busy bool) {
	s.mu.Lock() // against finishWriting, which answers what is registered before it
	defer s.mu.Unlock()
	if s.gone {
		return true, false
	}
	return false, !s.probed.CompareAndSwap(nil, p)
}

// cancelProbe unregisters p.
func (s *session) cancelProbe(p *probe) { s.probed.CompareAndSwap(p, nil) }

// answerProbe unregisters p, unless it is nil, and reports the answer to it.
func (s *session) answerProbe(p *probe, alive bool) {
	if p != nil && s.probed.CompareAndSwap(p, nil) {
		p.alive <- alive
	}
}

// noteDry records that there is nothing to read. What comes from now on was sent after
// the probe, if one is registered.
func (s *session) noteDry() {
	if p := s.probed.Load(); p != nil {
		p.dry = true
	}
}
