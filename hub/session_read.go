package hub

import (
	"io"
	"time"
	"unicode/utf8"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// receive reads one message and handles it. What the message causes is collected
// in the batch, which beforeRead commits when the socket has no more bytes ready:
// the writes of a burst happen there, not here. The error is one of reading.
func (s *session) receive(isText bool, r io.Reader) error {
	last, large, err := s.readPieces(r)
	defer byteStock.put(last)
	if large {
		defer s.endIncoming()
	}
	if err != io.EOF {
		return err
	}
	msg := last.items
	if large {
		first, partial := s.takeIncoming()
		if partial {
			return nil
		}
		n := first.length + len(last.items)
		if n <= writeStep {
			room := gathered.Get().(*[writeStep]byte)
			defer gathered.Put(room)
			msg = room[:0]
		} else {
			msg = make([]byte, 0, n)
		}
		msg = append(appendAll(msg, &first), last.items...)
	}
	s.spoke = true
	s.hub.counters.receivedBytes.Add(uint64(len(msg)))
	b := s.currentBatch()
	if why := s.handleMessage(isText, msg, b); why != wire.ReasonNone {
		s.hub.beginClose(s, why, b)
	}
	if b.full() {
		s.commitBatch()
	}
	return nil
}

// readPieces reads a message until its end, where the error is io.EOF. It returns the
// last piece. The ones before it, of a large message, are in s.incoming.
func (s *session) readPieces(r io.Reader) (last *piece[byte], large bool, err error) {
	for {
		p := byteStock.pool.Get().(*piece[byte])
		for len(p.items) < cap(p.items) {
			n, err := r.Read(p.items[len(p.items):cap(p.items)])
			p.items = p.items[:len(p.items)+n]
			if err != nil {
				return p, large, err
			}
		}
		s.stow(p)
		large = true
	}
}

// handleMessage checks rate and encoding, then does what the message asks for. It
// returns the reason to end the session, or ReasonNone.
func (s *session) handleMessage(isText bool, msg []byte, b *batch) wire.CloseReason {
	if s.countMessage(len(msg)) {
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

// countMessage counts one message of n bytes and reports whether the session is ending.
func (s *session) countMessage(n int) (ending bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messagesIn++
	s.bytesIn += int64(n)
	return s.ending
}

// mayReceive charges one message of n bytes and reports whether the rate allows
// it.
func (s *session) mayReceive(n int) bool {
	cfg := s.hub.policy()
	return s.messages.take(time.Since(s.began), 1+float64(n/4096), cfg.MessageRate, cfg.MessageBurst)
}

// mayAnnounce charges one announce of n bytes to a network of that many members,
// and reports whether the rate allows it.
func (s *session) mayAnnounce(n, members int) bool {
	cfg := s.hub.policy()
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

// headerSlack is how many bytes the headers of a message's frames may have beside a
// sixteenth of the message.
const headerSlack = 4 << 10

// countRead counts bytes handed to gorilla. It returns errFragments once the
// frames of one message, headers included, exceed the limit with some slack:
// gorilla's read limit counts payload only, and empty frames have none.
func (s *session) countRead(n int) error {
	s.messageBytes += int64(n)
	s.received += int64(n)
	if !s.messageBegan.IsZero() && s.messageBytes > s.hub.policy().MaxMessageBytes*17/16+headerSlack && !s.isEnding() {
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
