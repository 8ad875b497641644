package loadgen

import (
	"sync"

	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// exchange matches the replies of a target to the messages of one peer. In the ledger they
// are messages of the peer to itself.
type exchange struct {
	codec codec.Exchanger

	mu      sync.Mutex
	number  uint64
	pending []pendingMessage // the last ones, oldest first
	engaged bool             // of a codec with turns: a message has no reply yet
	waiting []schedule.Tick  // of messages that are due and wait for their turn
}

// pendingMessage is one message of the peer.
type pendingMessage struct {
	flow, sequence uint64
	tick           schedule.Tick
	isReply        func([]byte) bool
	answered       bool
}

// maxPending bounds the messages of a peer for which a reply is recognised, and those that
// wait for their turn. Of the first, older ones are lost. Of the second, later ones are not
// sent.
const maxPending = 64

// newExchange returns the exchange of a new peer, nil if the codec has none.
func newExchange(c codec.Codec) *exchange {
	if c, ok := c.(codec.Exchanger); ok {
		return &exchange{codec: c}
	}
	return nil
}

// send sends a message of p, whose order mutex is held, or lets it wait for its turn.
func (x *exchange) send(p *Peer, t schedule.Tick) error {
	if x.mustWait(p, t) {
		return nil
	}
	return x.transmit(p, t)
}

// mustWait puts a message behind the one that has no reply yet, if there is one.
func (x *exchange) mustWait(p *Peer, t schedule.Tick) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case !x.codec.TakesTurns():
		return false
	case !x.engaged:
		x.engaged = true
		return false
	case len(x.waiting) < maxPending:
		x.waiting = append(x.waiting, t)
	default:
		p.fleet.withheld.Add(1)
	}
	return true
}

// transmit sends a message of p, whose order mutex is held.
func (x *exchange) transmit(p *Peer, t schedule.Tick) error {
	x.mu.Lock()
	x.number++
	message, isReply := x.codec.Say(p.id, x.number)
	m := pendingMessage{tick: t, isReply: isReply}
	m.flow, m.sequence = p.fleet.ledger.Send(p.id, p.id, "")
	if len(x.pending) == maxPending {
		x.pending = append(x.pending[:0], x.pending[1:]...)
	}
	x.pending = append(x.pending, m)
	x.mu.Unlock()
	err := p.fleet.send(p, message)
	if err != nil {
		p.fleet.ledger.Unsent(m.flow)
	}
	return err
}

// receive finds the messages that a message of the target answers, and reports whether
// there is one. The message that waits for that reply is sent.
func (x *exchange) receive(p *Peer, message []byte) bool {
	found := x.match(p, message)
	if next, ok := x.next(found); ok {
		p.order.Lock()
		defer p.order.Unlock()
		_ = x.transmit(p, next) // if it cannot be sent, the next read reports the end of the connection
	}
	return found
}

func (x *exchange) match(p *Peer, message []byte) (found bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range x.pending {
		m := &x.pending[i]
		if !m.isReply(message) || m.answered && !x.codec.Specific() {
			continue
		}
		if p.fleet.ledger.Deliver(m.flow, m.sequence, p.id, p.id, "") {
			p.fleet.rec.Add(latency.HopReply, m.tick)
		}
		m.answered, found = true, true
		if !x.codec.Specific() {
			return true // the next reply answers the next message
		}
	}
	return found
}

// next takes the message whose turn it is after a reply.
func (x *exchange) next(replied bool) (t schedule.Tick, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !replied || !x.pending[len(x.pending)-1].answered {
		return t, false // a reply that came twice
	}
	if len(x.waiting) == 0 {
		x.engaged = false
		return t, false
	}
	t, x.waiting = x.waiting[0], x.waiting[1:]
	return t, true
}

// end counts the messages that did not get their turn before the end of the peer.
func (x *exchange) end(p *Peer) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p.fleet.withheld.Add(int64(len(x.waiting)))
	x.waiting, x.engaged = nil, true
}
