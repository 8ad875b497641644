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

// Ledger keeps the books: what was sent has been delivered, explained or lost, or is
// under way. It remembers one flow for each ordered pair of peers that speak, for as long
// as both are there, whatever the number of messages, and the flows that were closed
// last. Its methods may be called concurrently.
type Ledger struct {
	mu       sync.Mutex
	flows    map[uint64]*flow
	incoming map[wire.PeerID][]*flow
	outgoing map[wire.PeerID][]*flow
	closed   closed
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
	missing  *int64 // of a closed one: the total that has what did not arrive
}

// underWay returns how many messages have not arrived.
func (f *flow) underWay() int64 { return int64(f.sent - f.arrived) }

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{flows: map[uint64]*flow{}, incoming: map[wire.PeerID][]*flow{}, outgoing: map[wire.PeerID][]*flow{},
		closed: closed{flows: map[uint64]*flow{}, most: maxClosed, forgotten: map[*int64]int64{}}}
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

// Unsent takes a message of a flow back that could not be sent, unless it has arrived
// all the same. Its number is not given out again.
func (l *Ledger) Unsent(number uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.findLocked(number)
	switch {
	case f == nil:
		if !l.closed.takeBack() {
			return
		}
	case f.underWay() == 0 || f.highest == f.sent:
		return
	default:
		f.arrived++ // as far as what is under way goes
		f.found()
	}
	l.totals.Sent--
}

// Deliver enters a message that came to a peer: from whom and in which network, as
// the target says, and what it carries. It reports whether the message was rightly
// there, for the first time, and while both peers were.
func (l *Ledger) Deliver(number, sequence uint64, from, to wire.PeerID, network string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.findLocked(number)
	switch {
	case number == 0 || number > l.last || f != nil && (sequence == 0 || sequence > f.sent):
		l.totals.Unexpected++
		return false
	case f == nil: // closed so long ago that it is not known whose it was
		if l.closed.takeBack() {
			l.totals.Delivered++
		} else {
			l.totals.Duplicated++
		}
		return false
	case f.from != from || f.to != to || f.network != network:
		l.totals.Misrouted++
		return false
	case f.underWay() == 0 || !f.arrive(sequence, &l.totals):
		l.totals.Duplicated++
		return false
	}
	l.totals.Delivered++
	f.found()
	return f.missing == nil
}

// findLocked returns a flow, nil if it is not remembered.
func (l *Ledger) findLocked(number uint64) *flow {
	if f := l.flows[number]; f != nil {
		return f
	}
	return l.closed.flows[number]
}

// found takes a message of a closed flow out of where it was entered as missing.
func (f *flow) found() {
	if f.missing != nil {
		*f.missing--
	}
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
		l.closeLocked(f, &l.totals.Explained)
	}
}

// closeLocked closes a flow, and enters what has not arrived.
func (l *Ledger) closeLocked(f *flow, missing *int64) {
	*missing += f.underWay()
	f.missing = missing
	delete(l.flows, f.number)
	without(l.outgoing, f.from, f)
	without(l.incoming, f.to, f)
	l.closed.add(f)
}

// closed are the flows that were closed last: a message that was under way may be late,
// and may come to where it should not.
type closed struct {
	flows  map[uint64]*flow
	most   int
	order  []uint64 // their numbers: a ring, once there are as many as there may be
	oldest int      // of the ring

	forgotten map[*int64]int64 // of the others: how many messages did not arrive, by the total that has them
}

// maxClosed bounds the closed flows that are remembered, to some 15 MB however long a run
// is. A message of one that is forgotten is taken for right while any did not arrive,
// and then for a copy.
const maxClosed = 1 << 16

func (c *closed) add(f *flow) {
	c.flows[f.number] = f
	if len(c.order) < c.most {
		c.order = append(c.order, f.number)
		return
	}
	old := c.flows[c.order[c.oldest]]
	c.forgotten[old.missing] += old.underWay()
	delete(c.flows, old.number)
	c.order[c.oldest] = f.number
	c.oldest = (c.oldest + 1) % c.most
}

// takeBack takes a message of a forgotten flow out of what did not arrive. It reports
// whether there was one left.
func (c *closed) takeBack() bool {
	for missing, n := range c.forgotten {
		if n > 0 {
			c.forgotten[missing]--
			*missing--
			return true
		}
	}
	return false
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
		n += f.underWay()
	}
	return n
}

// Settle closes all flows: what has not arrived is lost.
func (l *Ledger) Settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.flows {
		l.closeLocked(f, &l.totals.Lost)
	}
}

// Totals returns the books so far.
func (l *Ledger) Totals() Deliveries {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.totals
}
