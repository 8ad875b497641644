package loadgen

import (
	"math/bits"
	"sync"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Deliveries are the books of all messages from peer to peer.
type Deliveries struct {
	Sent       int64 `json:"sent"`
	Delivered  int64 `json:"delivered"` // to whom they were for, each counted once
	Explained  int64 `json:"explained"` // not delivered, because one of the two had left
	Lost       int64 `json:"lost"`      // not delivered, and nothing explains it
	Duplicated int64 `json:"duplicated"`
	Reordered  int64 `json:"reordered"`  // delivered, after one that was sent later
	Misrouted  int64 `json:"misrouted"`  // came to another peer, or in another's name, or in another network
	Unexpected int64 `json:"unexpected"` // nobody of this run sent it
}

// Merge adds what another process has in its books.
func (d *Deliveries) Merge(o Deliveries) {
	d.Sent += o.Sent
	d.Delivered += o.Delivered
	d.Explained += o.Explained
	d.Lost += o.Lost
	d.Duplicated += o.Duplicated
	d.Reordered += o.Reordered
	d.Misrouted += o.Misrouted
	d.Unexpected += o.Unexpected
}

// Ledger keeps the books. It remembers one flow for each ordered pair of peers that
// speak, for as long as both are there, whatever the number of messages. Its methods
// may be called concurrently.
type Ledger struct {
	mu       sync.Mutex
	flows    map[uint64]*flow
	incoming map[wire.PeerID][]*flow
	outgoing map[wire.PeerID][]*flow
	last     uint64 // number of a flow
	totals   Deliveries
}

// flow is the messages of one peer to another. They carry its number and their own.
type flow struct {
	number   uint64
	from, to wire.PeerID
	network  string
	sent     uint64 // messages 1 to sent
	arrived  uint64 // how many of them have
	highest  uint64 // that arrived
	window   uint64 // bit i: highest-i arrived
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{flows: map[uint64]*flow{}, incoming: map[wire.PeerID][]*flow{}, outgoing: map[wire.PeerID][]*flow{}}
}

// Send enters a message that is about to be sent, and returns what it carries.
func (l *Ledger) Send(from, to wire.PeerID, network string) (number, sequence uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var f *flow
	for _, o := range l.outgoing[from] {
		if o.to == to && o.network == network {
			f = o
		}
	}
	if f == nil {
		l.last++
		f = &flow{number: l.last, from: from, to: to, network: network}
		l.flows[f.number] = f
		l.outgoing[from] = append(l.outgoing[from], f)
		l.incoming[to] = append(l.incoming[to], f)
	}
	f.sent++
	l.totals.Sent++
	return f.number, f.sent
}

// Unsent takes a message of a flow back that could not be sent. Its number is not
// given out again.
func (l *Ledger) Unsent(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.totals.Sent--
	if f := l.flows[number]; f != nil {
		f.arrived++ // as far as what is under way goes
	} else {
		l.totals.Explained-- // it has been closed meanwhile
	}
}

// Deliver enters a message that came to a peer: from whom and in which network, as
// the target says, and what it carries. It reports whether the message was rightly
// there, and for the first time.
func (l *Ledger) Deliver(number, sequence uint64, from, to wire.PeerID, network string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flows[number]
	switch {
	case number == 0 || number > l.last || f != nil && (sequence == 0 || sequence > f.sent):
		l.totals.Unexpected++
		return false
	case f == nil: // closed while the message was under way
		l.totals.Delivered++
		l.totals.Explained--
		return false
	case f.from != from || f.to != to || f.network != network:
		l.totals.Misrouted++
		return false
	case !f.arrive(sequence, &l.totals):
		l.totals.Duplicated++
		return false
	}
	l.totals.Delivered++
	return true
}

// arrive notes an arrival, unless it is not the first. One that comes more than 64
// messages late is taken for a duplicate: a flow of constant size cannot tell.
func (f *flow) arrive(sequence uint64, totals *Deliveries) (first bool) {
	if sequence > f.highest {
		f.window = f.window<<(sequence-f.highest) | 1
		f.highest = sequence
		f.arrived++
		return true
	}
	bit := uint64(1) << (f.highest - sequence)
	if f.highest-sequence >= bits.UintSize || f.window&bit != 0 {
		return false
	}
	f.window |= bit
	f.arrived++
	totals.Reordered++
	return true
}

// isFor reports whether the messages of an open flow are for a peer.
func (l *Ledger) isFor(number uint64, id wire.PeerID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flows[number]
	return f != nil && f.to == id
}

// Left closes the flows from and to a peer that has left, or is about to: what is
// still under way may get lost.
func (l *Ledger) Left(id wire.PeerID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range append(l.outgoing[id], l.incoming[id]...) {
		if l.flows[f.number] == nil {
			continue // to itself
		}
		l.totals.Explained += int64(f.sent - f.arrived)
		l.removeLocked(f)
	}
}

func (l *Ledger) removeLocked(f *flow) {
	delete(l.flows, f.number)
	without(l.outgoing, f.from, f)
	without(l.incoming, f.to, f)
}

// without takes a flow out of the list of a peer.
func without(lists map[wire.PeerID][]*flow, id wire.PeerID, f *flow) {
	var rest []*flow
	for _, o := range lists[id] {
		if o != f {
			rest = append(rest, o)
		}
	}
	if len(rest) == 0 {
		delete(lists, id)
		return
	}
	lists[id] = rest
}

// UnderWay returns how many messages of open flows have not arrived.
func (l *Ledger) UnderWay() (n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.flows {
		n += int64(f.sent - f.arrived)
	}
	return n
}

// Settle closes all flows: what has not arrived is lost.
func (l *Ledger) Settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.flows {
		l.totals.Lost += int64(f.sent - f.arrived)
		l.removeLocked(f)
	}
}

// Totals returns the books so far.
func (l *Ledger) Totals() Deliveries {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.totals
}
