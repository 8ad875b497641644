package loadgen

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// Peer is a virtual peer: one connection, and one goroutine that reads from it. It acts
// when its methods are called. By itself it only answers offers.
type Peer struct {
	// Fixed.
	fleet    *fleet
	id       wire.PeerID
	sock     *socket
	dialled  schedule.Tick
	watch    func(*Peer, codec.Event) bool // if set, sees every message first and reports whether it consumed it; it delays reading
	gone     func(*Peer)                   // if set, is called when the connection ends against the will of the peer
	exchange *exchange                     // nil if the codec has none
	returned int                           // how often its id has been connected before, in the profiles where peers return

	hub atomic.Bool // the peer has announced that it is a hub

	order sync.Mutex // so that messages leave in the order of their numbers

	joined    uint64 // number of its join; guarded by the mutex of its network
	announced bool   // a member has heard of it; guarded by the same

	mu      sync.Mutex
	network *network      // nil before the announce
	pinged  schedule.Tick // the ping under way, if any
	greeted bool
	left    bool // by its own decision
	kept    bool // it has vanished, and the connection stays open
	heard   int  // signals that have arrived
	excused bool // the target may end the connection: that is no cut
	over    bool // the connection has ended
	why     error

	unanswered string // the last message of the target if nothing answers it
}

// closePatience bounds the wait for the answer to a close frame.
const closePatience = 5 * time.Second

// run reads until the connection ends.
func (p *Peer) run() {
	var err error
	for err == nil {
		err = p.sock.receive(p.handle)
	}
	p.mu.Lock()
	left, kept, excused, r := p.left, p.kept, p.excused, p.network
	p.over, p.why = !kept, err
	p.mu.Unlock()
	if kept {
		return // the connection is reset later
	}
	p.sock.close()
	p.fleet.remove(p)
	if p.exchange != nil {
		p.exchange.end(p)
	}
	if left {
		return
	}
	if !excused {
		p.fleet.cutAfter(p.lastUnanswered())
	}
	p.fleet.ledger.Left(p.id)
	if r != nil {
		r.leave(p, schedule.Tick{}, false)
	}
	if p.gone != nil {
		p.gone(p)
	}
}

// handle acts on a message.
func (p *Peer) handle(message []byte) {
	p.fleet.received.Add(1)
	e := p.fleet.codec.Decode(message)
	if p.watch != nil && p.watch(p, e) {
		return
	}
	switch e.Kind {
	case codec.EventOther:
		p.other(message)
	case codec.EventGreeting:
		p.mu.Lock()
		first := !p.greeted
		p.greeted = true
		p.mu.Unlock()
		if first {
			p.fleet.rec.Add(latency.HopConnected, p.dialled)
		}
	case codec.EventDiscovered, codec.EventGone:
		p.hear(e)
	case codec.EventSignal:
		p.signalled(e)
	case codec.EventPong:
		p.mu.Lock()
		t := p.pinged
		p.pinged = schedule.Tick{}
		p.mu.Unlock()
		if !t.Start.IsZero() {
			p.fleet.rec.Add(latency.HopPing, t)
		}
	}
}

// other acts on a message that has no meaning by itself: a keep-alive, or a reply.
func (p *Peer) other(message []byte) {
	var answer []byte
	if c, ok := p.fleet.codec.(codec.Answerer); ok {
		answer = c.Answer(p.id, message)
	}
	switch {
	case answer != nil:
		_ = p.fleet.send(p, answer) // the next read reports the end of the connection
	case p.exchange == nil || p.exchange.receive(p, message):
	default:
		p.note(string(message[:min(len(message), maxInstead)]))
		return
	}
	p.note("")
}

// maxInstead bounds the part of a message that is kept for the report.
const maxInstead = 100

// note notes the last message of the target if nothing answers it, "" otherwise.
func (p *Peer) note(message string) {
	if message != "" && p.fleet.instead.Load() == nil {
		p.fleet.instead.Store(&message)
	}
	p.mu.Lock()
	p.unanswered = message
	p.mu.Unlock()
}

// lastUnanswered returns the last message of the target if nothing answered it.
func (p *Peer) lastUnanswered() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unanswered
}

// hear records in its network what the target says of another peer.
func (p *Peer) hear(e codec.Event) {
	p.mu.Lock()
	r := p.network
	p.mu.Unlock()
	switch {
	case r == nil || r.name != e.Network:
	case e.Kind == codec.EventDiscovered:
		r.discovered(p, e.Peer)
	default:
		r.gone(e.Peer)
	}
}

// signalled records a signal in the ledger, and answers an offer.
func (p *Peer) signalled(e codec.Event) {
	t, _ := parseTag(e.Data)
	from := wire.PeerID(e.From)
	p.fleet.answering.Add(1)
	defer p.fleet.answering.Add(-1)
	if p.hub.Load() && !p.fleet.ledger.IsFor(t.flow, p.id) {
		return // a hub also gets the signals of peers that it might know
	}
	if !p.fleet.ledger.Deliver(t.flow, t.sequence, from, p.id, e.Network) {
		return
	}
	p.mu.Lock()
	p.heard++
	p.mu.Unlock()
	tick := schedule.Tick{Intended: p.fleet.base.Add(t.intended), Start: p.fleet.base.Add(t.start)}
	switch e.Signal {
	case wire.KindOffer:
		p.fleet.rec.Add(latency.HopOffer, tick)
		// The answer is timed from the offer. If it cannot be sent, the connection has ended,
		// and the next read reports that.
		_ = p.signal(wire.KindAnswer, from, e.Network, tick)
	case wire.KindAnswer:
		p.fleet.rec.Add(latency.HopAnswer, tick)
	case wire.KindICECandidate:
		p.fleet.rec.Add(latency.HopCandidate, tick)
	}
}

// errLeft is the error of a peer that acts after its end.
var errLeft = errors.New("the connection has ended")

// announce enters a network, and by that leaves the one before.
func (p *Peer) announce(r *network, t schedule.Tick) error {
	return p.announceBy(p.fleet.codec.Announce(p.id, r.name), r, t)
}

// announceBy enters a network with the given message.
func (p *Peer) announceBy(message []byte, r *network, t schedule.Tick) error {
	if !p.enter(r, t) {
		return errLeft
	}
	return p.fleet.send(p, message)
}

// enter makes the peer a member of a network. It reports false if the peer has left.
func (p *Peer) enter(r *network, t schedule.Tick) bool {
	p.mu.Lock() // before that of the network, so that the end of the peer finds its network
	defer p.mu.Unlock()
	if p.left || p.over {
		return false
	}
	if p.network != nil {
		p.network.leave(p, t, true)
	}
	p.network = r
	r.join(p, t)
	return true
}

// signal sends an offer, answer or candidate. Where the codec has no relay, the peer sends
// a message to the target in its place.
func (p *Peer) signal(kind wire.Kind, to wire.PeerID, network string, t schedule.Tick) error {
	p.order.Lock()
	defer p.order.Unlock()
	f := p.fleet
	relay, ok := f.codec.(codec.Relay)
	switch {
	case !ok && p.exchange != nil:
		return p.exchange.send(p, t)
	case !ok:
		return nil
	}
	number, sequence := f.ledger.Send(p.id, to, network)
	data := signalData(kind, tag{number, sequence, t.Intended.Sub(f.base), t.Start.Sub(f.base)})
	err := f.send(p, relay.Signal(kind, p.id, to, network, data))
	if err != nil {
		f.ledger.Unsent(number)
	}
	return err
}

// ping sends a ping unless the one before is under way. Where the codec has no ping, the
// peer sends a message that the target answers in its place.
func (p *Peer) ping(t schedule.Tick) error {
	pinger, ok := p.fleet.codec.(codec.Pinger)
	switch {
	case !ok && p.exchange != nil:
		p.order.Lock()
		defer p.order.Unlock()
		return p.exchange.send(p, t)
	case !ok:
		return nil
	}
	p.mu.Lock()
	busy := !p.pinged.Start.IsZero() || p.left
	if !busy {
		p.pinged = t
	}
	p.mu.Unlock()
	if busy {
		return nil
	}
	return p.fleet.send(p, pinger.Ping())
}
