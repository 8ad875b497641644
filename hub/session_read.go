package hub

import (
	"io"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// buffer holds a message while it is read.
type buffer struct{ b []byte }

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, 2<<10)} }}

// free returns the buffer to the pool, unless a large message has made it large.
func (o *buffer) free() {
	if cap(o.b) <= writeStep {
		o.b = o.b[:0]
		buffers.Put(o)
	}
}

// receive reads one message and handles it. What the message causes is collected
// in the batch, which beforeRead commits when the socket has no more bytes ready:
// the writes of a burst happen there, not here. The error is one of reading.
func (s *session) receive(isText bool, r io.Reader) error {
	buf := buffers.Get().(*buffer)
	defer buf.free()
	why, err := s.readAll(r, buf)
	if err != nil {
		return err
	}
	b := s.currentBatch()
	if why == wire.ReasonNone {
		s.spoke = true
		s.hub.counters.receivedBytes.Add(uint64(len(buf.b)))
		why = s.handleMessage(isText, buf.b, b)
	}
	if why != wire.ReasonNone {
		s.hub.beginClose(s, why, b)
	}
	if b.full() {
		s.commitBatch()
	}
	return nil
}

// largeMessage is the buffer size in bytes above which a message being read
// counts against Config.ReadBytesTotal. Smaller ones are bounded by the number of
// sessions.
const largeMessage = 4 << 10

// readAll reads a message into buf. It returns ReasonOverload if all messages
// being read together exceed Config.ReadBytesTotal and this one exceeds its equal
// share: a slow sender holds its buffer for up to MessageTimeout.
func (s *session) readAll(r io.Reader, buf *buffer) (wire.CloseReason, error) {
	charged := 0
	defer func() { s.hub.reading.Add(int64(-charged)) }()
	for {
		if len(buf.b) == cap(buf.b) {
			buf.b = slices.Grow(buf.b, cap(buf.b))
		}
		if size := cap(buf.b); size > largeMessage && size > charged {
			total, limit := s.hub.reading.Add(int64(size-charged)), s.hub.cfg.ReadBytesTotal
			charged = size
			if total > limit && int64(size) > limit/max(1, s.hub.sockets.Load()) {
				return wire.ReasonOverload, nil
			}
		}
		n, err := r.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		if err == io.EOF {
			return wire.ReasonNone, nil
		}
		if err != nil {
			return wire.ReasonNone, err
		}
	}
}

// handleMessage checks rate and encoding, then does what the message asks for. It
// returns the reason to end the session, or ReasonNone.
func (s *session) handleMessage(isText bool, msg []byte, b *batch) wire.CloseReason {
	if s.isEnding() {
		return wire.ReasonNone // another goroutine began the close while the message was read
	}
	if !s.mayReceive(len(msg)) {
		return wire.ReasonMessageRate
	}
	if !utf8.Valid(msg) {
		if isText {
			return wire.ReasonInvalidUTF8
		}
		s.hub.drop(DropMalformed)
		return wire.ReasonNone
	}
	return s.hub.handle(s, msg, b)
}

// mayReceive charges one message of n bytes and reports whether the rate allows
// it.
func (s *session) mayReceive(n int) bool {
	cfg := &s.hub.cfg
	return s.messages.take(time.Since(s.began), 1+float64(n/4096), cfg.MessageRate, cfg.MessageBurst)
}

// mayAnnounce charges one announce of n bytes to a network of that many members,
// and reports whether the rate allows it.
func (s *session) mayAnnounce(n, members int) bool {
	cfg := &s.hub.cfg
	return s.announces.take(time.Since(s.began), 1+float64(n/1024+members/256), cfg.AnnounceRate, cfg.AnnounceBurst)
}

// onPing answers a ping frame. A ping costs as much as a message, so that a flood
// of pings is cut like a flood of messages.
func (s *session) onPing(payload string) error {
	s.onControl()
	if !s.isEnding() {
		b := s.currentBatch()
		b.frame = wire.AppendPongFrame(b.frame[:0], payload)
		s.send(b, b.frame)
	}
	return nil
}

// onPong takes a pong frame. It costs nothing if it answers a ping of the hub,
// because other peers decide how often the hub pings this one (see Hub.probe).
// Any other pong costs as much as a message.
func (s *session) onPong(payload string) error {
	if p := s.probed.Load(); p != nil && p.payload == payload {
		s.answerProbe(p, true)
	}
	if s.pings.Load() > 0 { // only this goroutine decrements it
		s.pings.Add(-1)
		return nil
	}
	return s.onControl()
}

func (s *session) onControl() error {
	if !s.isEnding() && !s.mayReceive(0) {
		s.hub.beginClose(s, wire.ReasonMessageRate, s.currentBatch())
	}
	return nil
}

// currentBatch returns the batch the reader is filling.
func (s *session) currentBatch() *batch {
	if s.batch == nil {
		s.batch = batches.Get().(*batch)
	}
	return s.batch
}

// countRead counts bytes handed to gorilla. It returns errFragments once the
// frames of one message, headers included, exceed the limit with some slack:
// gorilla's read limit counts payload only, and empty frames have none.
func (s *session) countRead(n int) error {
	s.messageBytes += int64(n)
	if !s.messageBegan.IsZero() && s.messageBytes > s.hub.cfg.MaxMessageBytes+largeMessage+s.hub.cfg.MaxMessageBytes/16 && !s.isEnding() {
		return errFragments
	}
	return nil
}

// beforeRead commits the batch. The transport calls it when all bytes are taken
// and the next read may block. It also puts a message of which a part has arrived
// under its deadline.
func (s *session) beforeRead() {
	s.commitBatch()
	if !s.messageBegan.IsZero() && !s.messageArmed {
		s.messageArmed = true
		s.arm(s.pingIn())
	}
}

// commitBatch writes and cuts what the reader collected.
func (s *session) commitBatch() {
	if b := s.batch; b != nil {
		s.batch = nil
		s.hub.commit(b)
		batches.Put(b)
	}
}
