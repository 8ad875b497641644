package delivery

import (
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Ledger records what becomes of messages: each is delivered, explained, lost, or under
// way. It holds one flow for each ordered pair of peers while both are connected, whatever
// the number of their messages, and the flows that were closed last. Its methods may be
// called concurrently.
type Ledger struct {
	mu       sync.Mutex
	flows    map[uint64]*flow
	incoming map[wire.PeerID][]*flow
	outgoing map[wire.PeerID][]*flow
	closed   closed
	departed departed
	last     uint64 // number of the newest flow
	totals   Counts
}

// NewLedger returns an empty ledger.
func NewLedger() *Ledger {
	return &Ledger{flows: map[uint64]*flow{}, incoming: map[wire.PeerID][]*flow{}, outgoing: map[wire.PeerID][]*flow{},
		departed: departed{ids: map[wire.PeerID]bool{}},
		closed:   closed{flows: map[uint64]*flow{}, most: maxClosed, forgotten: map[*int64]int64{}}}
}

// Send records a message that is about to be sent. The message must carry the numbers
// that Send returns.
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
	f.send(time.Now())
	l.totals.Sent++
	if l.departed.ids[from] || l.departed.ids[to] {
		l.closeLocked(f, &l.totals.Explained)
	}
	return f.number, f.sent
}

// Came records that a peer is connected, again if it has left before.
func (l *Ledger) Came(id wire.PeerID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.departed.ids, id)
}

// Unsent removes a message of a flow that could not be sent, unless it has arrived all
// the same. Its sequence is not used again.
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
		f.arrived++ // it is not under way any more
		f.found()
	}
	l.totals.Sent--
}

// Deliver records a message that arrived at the peer to, with the sender and network that
// the target named and the numbers that the message carried. It reports whether the
// message was expected, came for the first time, and both peers were still connected.
func (l *Ledger) Deliver(number, sequence uint64, from, to wire.PeerID, network string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.findLocked(number)
	switch {
	case number == 0 || number > l.last || f != nil && (sequence == 0 || sequence > f.sent):
		l.totals.Unexpected++
		return false
	case f == nil: // a forgotten flow
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

// IsFor reports whether a peer is the receiver of an open flow.
func (l *Ledger) IsFor(number uint64, id wire.PeerID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.flows[number]
	return f != nil && f.to == id
}

// Left closes the flows from and to a peer that has left or is about to leave. Messages
// under way then count as explained, except those that have been under way for longer than
// Patience: these are lost. A message that is sent later, by a peer that has not heard of
// the leave, is explained, too.
func (l *Ledger) Left(id wire.PeerID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.departed.add(id)
	for _, f := range append(l.outgoing[id], l.incoming[id]...) {
		if l.flows[f.number] == nil {
			continue // a flow to itself is in both lists
		}
		late := f.late(time.Now())
		l.totals.Lost += late
		f.arrived += uint64(late) // they are not under way any more
		l.closeLocked(f, &l.totals.Explained)
	}
}

// closeLocked closes a flow and adds the messages that have not arrived to missing.
func (l *Ledger) closeLocked(f *flow, missing *int64) {
	*missing += f.underWay()
	f.missing = missing
	delete(l.flows, f.number)
	without(l.outgoing, f.from, f)
	without(l.incoming, f.to, f)
	l.closed.add(f)
}

// without removes a flow from the list of a peer.
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

// Settle closes all flows. Messages that have not arrived are lost.
func (l *Ledger) Settle() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.flows {
		l.closeLocked(f, &l.totals.Lost)
	}
}

// Totals returns the counts so far.
func (l *Ledger) Totals() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.totals
}

// Add adds the counts of the ledger of another process.
func (l *Ledger) Add(d Counts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.totals.Merge(d)
}
