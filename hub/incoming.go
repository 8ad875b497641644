package hub

import (
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// largeMessage is the size in bytes from which a message being read is cut before any
// smaller one if all together exceed Config.ReadBytesTotal.
const largeMessage = 64 << 10

// incoming is what has arrived of a message that has more than one piece. The piece
// that the reader is filling is not in it. The reader adds to it and ends it. Another
// goroutine may drop what is in it.
type incoming struct {
	chain[byte]
	held  int           // memory of what was added, counted in Hub.reading
	since time.Duration // Hub.clock when the first piece was full
}

// stow adds a full piece to incoming, or drops it if the session is ending or the
// message was dropped.
func (s *session) stow(p *piece[byte]) {
	h := s.hub
	s.mu.Lock()
	began := s.incoming == nil
	if began {
		s.incoming = &incoming{since: h.clock()}
	}
	if s.ending || s.gone || s.overfull || s.partial {
		s.partial = true
		byteStock.put(p)
	} else {
		s.incoming.join(chain[byte]{head: p, tail: p, length: len(p.items), pieces: 1})
		s.incoming.held += byteStock.bytes
		h.reading.add(byteStock.bytes)
	}
	s.mu.Unlock()
	if began {
		h.receiving.add(s)
	}
	if h.reading.load() > h.policy().ReadBytesTotal {
		h.relieveReading(s.currentBatch())
	}
}

// takeIncoming returns what was added to incoming, which is still counted, or reports
// that the message is not whole.
func (s *session) takeIncoming() (c chain[byte], partial bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, s.incoming.chain = s.incoming.chain, c
	return c, s.partial
}

// endIncoming drops incoming.
func (s *session) endIncoming() {
	s.mu.Lock()
	s.dropIncomingLocked()
	s.incoming = nil
	s.mu.Unlock()
	s.hub.receiving.remove(s)
}

func (s *session) dropIncomingLocked() {
	s.incoming.cut(byteStock, 0)
	s.hub.reading.add(-s.incoming.held)
	s.incoming.held = 0
}

// appendAll appends to dst all of c, which is empty then.
func appendAll(dst []byte, c *chain[byte]) []byte {
	for c.length > 0 {
		first := c.first()
		dst = append(dst, first...)
		c.drop(byteStock, len(first))
	}
	return dst
}

// relieveReading drops messages being read until all together are down to seven
// eighths of Config.ReadBytesTotal, and adds their senders to the cuts: large ones
// first, and of those the ones that hold most for longest. So a sender that holds back
// the rest of its messages is cut before one that sends small ones.
func (h *Hub) relieveReading(b *batch) {
	h.receiving.mu.Lock()
	defer h.receiving.mu.Unlock()
	limit, now := h.policy().ReadBytesTotal, h.clock()
	if h.reading.load() <= limit {
		return // another goroutine was here before
	}
	for _, s := range h.receiving.heaviestLocked(func(s *session) float64 { return s.incomingWeight(now) }) {
		if h.reading.load() <= limit*7/8 {
			return
		}
		s.cutIncoming(b)
	}
}

// incomingWeight returns the bytes of incoming times the seconds since it began. Any
// large message weighs more than any other.
func (s *session) incomingWeight(now time.Duration) float64 {
	const large = 1 << 60
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.incoming == nil || s.incoming.length == 0 {
		return 0
	}
	weight := float64(s.incoming.length) * max(now-s.incoming.since, time.Millisecond).Seconds()
	if s.incoming.length >= largeMessage {
		weight += large
	}
	return weight
}

func (s *session) cutIncoming(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.incoming == nil || s.incoming.length == 0 {
		return // it has come whole meanwhile
	}
	s.partial = true
	s.dropIncomingLocked()
	b.cuts = append(b.cuts, cut{s, wire.ReasonOverload})
}
