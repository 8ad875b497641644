package hub

import (
	"math/rand/v2"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// noteRead records that bytes arrived. Any bytes are a sign of life.
func (s *session) noteRead() {
	s.pinged = 0
	s.heardAt.Store(int64(s.hub.clock()))
	s.answerProbe()
}

// onDeadline decides what the silence means each time the read deadline passes.
// Only onDeadline and arm move the deadline, so a message costs no timer. An error
// means that the session is over.
func (s *session) onDeadline() error {
	cfg, now, clock := &s.hub.cfg, time.Now(), s.hub.clock()
	silence := clock - time.Duration(s.heardAt.Load())
	switch {
	case s.isEnding():
		return s.onEndDeadline(now)
	case !s.spoke && now.Sub(s.began) >= cfg.FirstMessageTimeout:
		s.beginClose(wire.ReasonFirstMessageTimeout)
	case !s.messageBegan.IsZero() && now.Sub(s.messageBegan) >= cfg.MessageTimeout:
		s.beginClose(wire.ReasonMessageTimeout)
	case s.pinged != 0 && time.Duration(s.progressAt.Load()) > s.pinged:
		s.pinged = clock // the peer is still reading what was queued before the ping
		s.arm(cfg.PongTimeout)
	case s.pinged != 0 && clock-s.pinged >= cfg.PongTimeout:
		return errPingTimeout
	case s.pinged != 0:
		s.arm(cfg.PongTimeout - (clock - s.pinged))
	case silence >= cfg.PingInterval-cfg.PingInterval/5:
		s.pinged = clock
		s.hub.do(s.ping)
		s.arm(cfg.PongTimeout)
	default:
		s.arm(max(s.pingIn()-silence, time.Millisecond))
	}
	return nil
}

// onEndDeadline returns errCloseTimeout if the deadline that passed is the one of
// the close. It may be an earlier deadline that passed while the close began: then
// the deadline of the close is set again.
func (s *session) onEndDeadline(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Before(s.endBy) {
		return errCloseTimeout
	}
	s.conn.Conn.SetReadDeadline(s.endBy)
	return nil
}

// pingIn returns how long the peer may be silent before a ping. It is random
// within the last fifth of PingInterval, so that peers that connected together are
// not pinged together.
func (s *session) pingIn() time.Duration {
	interval := s.hub.cfg.PingInterval
	return interval - rand.N(interval/5+1)
}

// arm sets the read deadline, earlier if the first message or the message being
// read is due before. Holding s.mu keeps it from overwriting the deadline that
// queueClose sets.
func (s *session) arm(in time.Duration) {
	now := time.Now()
	if !s.spoke {
		in = min(in, max(s.hub.cfg.FirstMessageTimeout-now.Sub(s.began), time.Millisecond))
	}
	if !s.messageBegan.IsZero() {
		in = min(in, max(s.hub.cfg.MessageTimeout-now.Sub(s.messageBegan), time.Millisecond))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.conn.Conn.SetReadDeadline(now.Add(in))
	}
}

// ping queues a ping frame. Its answer costs the peer nothing: see onPong.
func (s *session) ping(b *batch) {
	if s.send(b, wire.AppendPing) {
		s.pings.Add(1)
	}
}

// awaitProbe registers alive to receive true with the next sign of life, or false
// when the session ends. It does not if the session is gone, or busy: one newcomer
// at a time may wait, so that many claims on one id do not use up the probes.
func (s *session) awaitProbe(alive chan bool) (gone, busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone && s.probed == nil {
		s.probed = alive
		return false, false
	}
	return s.gone, !s.gone
}

// cancelProbe unregisters alive.
func (s *session) cancelProbe(alive chan bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probed == alive {
		s.probed = nil
	}
}

// answerProbe reports a sign of life to the newcomer that waits for one, if any.
func (s *session) answerProbe() {
	s.mu.Lock()
	probed := s.probed
	s.probed = nil
	s.mu.Unlock()
	if probed != nil {
		probed <- true
	}
}
