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
}

// pendingMessage is one message of the peer.
type pendingMessage struct {
	flow, sequence uint64
	tick           schedule.Tick
	isReply        func([]byte) bool
	answered       bool
}

// maxPending bounds the messages of a peer for which a reply is recognised. Older ones are
// lost.
const maxPending = 64

// newExchange returns the exchange of a new peer, nil if the codec has none.
func newExchange(c codec.Codec) *exchange {
	if c, ok := c.(codec.Exchanger); ok {
		return &exchange{codec: c}
	}
	return nil
}

// send sends a message of p, whose order mutex is held.
func (x *exchange) send(p *Peer, t schedule.Tick) error {
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

// receive finds the messages that a message of the target answers.
func (x *exchange) receive(p *Peer, message []byte) {
	x.mu.Lock()
	defer x.mu.Unlock()
	found := false
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
			return // the next reply answers the next message
		}
	}
	if !found && p.fleet.instead.Load() == nil {
		text := string(message[:min(len(message), maxInstead)])
		p.fleet.instead.Store(&text)
	}
}

// maxInstead bounds the part of a message that is kept for the report.
const maxInstead = 200
