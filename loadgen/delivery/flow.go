package delivery

import (
	"math/bits"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// flow holds the messages of one peer to another. Each message carries the number of the
// flow and its sequence in it.
type flow struct {
	number   uint64
	from, to wire.PeerID
	network  string
	sent     uint64 // messages 1 to sent
	arrived  uint64 // how many of them arrived
	highest  uint64 // the highest sequence that arrived
	window   uint64 // bit i is set if highest-i arrived
	missing  *int64 // of a closed flow: the total that counts its missing messages

	latest time.Time // when the last message was sent
	marks  [2]mark   // the older one is at least Patience ago
}

// mark notes how many messages had been sent by a time.
type mark struct {
	at   time.Time
	sent uint64
}

// Patience is the time after which a message that has not arrived is lost.
const Patience = 5 * time.Second

// send records that a message is sent.
func (f *flow) send(now time.Time) {
	if now.Sub(f.marks[1].at) >= Patience {
		f.marks[0], f.marks[1] = f.marks[1], mark{f.latest, f.sent}
	}
	f.sent++
	f.latest = now
}

// late returns how many messages have certainly been under way for longer than Patience:
// those missing that cannot all be among the ones sent since.
func (f *flow) late(now time.Time) int64 {
	old := f.marks[0].sent
	switch {
	case now.Sub(f.latest) >= Patience:
		old = f.sent
	case now.Sub(f.marks[1].at) >= Patience:
		old = f.marks[1].sent
	}
	return max(0, f.underWay()-int64(f.sent-old))
}

// underWay returns how many messages have not arrived.
func (f *flow) underWay() int64 { return int64(f.sent - f.arrived) }

// found removes a message of a closed flow from the total of missing messages.
func (f *flow) found() {
	if f.missing != nil {
		*f.missing--
	}
}

// arrive records the first arrival of a message and reports whether it is the first. A
// message that comes more than 64 messages late counts as a duplicate, because a flow is
// of constant size.
func (f *flow) arrive(sequence uint64, totals *Counts) (first bool) {
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
