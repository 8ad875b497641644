package loadgen

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// fleet is all virtual peers of a run, and what they count with.
type fleet struct {
	// Fixed.
	url    string
	codec  codec.Codec
	rec    *latency.Recorder
	ledger *delivery.Ledger
	base   time.Time // the run began; the times in messages count from it
	from   sources

	sent, received atomic.Int64
	answering      atomic.Int64 // signals that have arrived, and whose answers are not in the books
	cut            atomic.Int64 // connections that the target ended, or the network

	readers sync.WaitGroup
	mu      sync.Mutex
	live    map[*Peer]struct{} // whose connections are open
	dialled int64

	elsewhere int // connections of the workers of the run
}

func newFleet(url string, c codec.Codec) *fleet {
	return &fleet{url: url, codec: c, rec: latency.NewRecorder(), ledger: delivery.NewLedger(), base: time.Now(), live: map[*Peer]struct{}{}}
}

// dial connects a new peer with an id.
func (f *fleet) dial(ctx context.Context, id wire.PeerID, t schedule.Tick) (*Peer, error) {
	return f.connect(ctx, &Peer{id: id, dialled: t})
}

// connect connects a new peer.
func (f *fleet) connect(ctx context.Context, p *Peer) (*Peer, error) {
	p.fleet, p.exchange = f, newExchange(f.codec)
	p.greeted = !codec.Greets.In(f.codec)
	address, err := f.codec.Address(f.url, p.id)
	if err != nil {
		return nil, err
	}
	if p.sock, err = dialSocket(ctx, address, f.from.address()); err != nil {
		return nil, err
	}
	f.rec.Add(latency.HopConnect, p.dialled)
	f.mu.Lock()
	f.live[p] = struct{}{}
	f.dialled++
	f.mu.Unlock()
	// The reader has a goroutine of its own, whose stack dialling has not made large.
	f.readers.Go(p.run)
	return p, nil
}

// send sends a message of the codec, nil for none.
func (f *fleet) send(p *Peer, message []byte) error {
	if message == nil {
		return nil
	}
	f.sent.Add(1)
	return p.sock.send(message)
}

func (f *fleet) remove(p *Peer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.live, p)
}

// unanswered reports whether messages are under way, or answers to them will be. When
// nobody sends any more but in answer, there are none after it has said so.
func (f *fleet) unanswered() bool {
	return f.ledger.UnderWay() > 0 || f.answering.Load() > 0 || f.ledger.UnderWay() > 0
}

// size returns how many connections are open.
func (f *fleet) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.live) + f.elsewhere
}

// present returns how many peers are connected and have not left.
func (f *fleet) present() (n int) {
	for _, p := range f.peers() {
		p.mu.Lock()
		if !p.left && !p.over {
			n++
		}
		p.mu.Unlock()
	}
	return n
}

// lives returns how many peers have been connected so far.
func (f *fleet) lives() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dialled
}

// peers returns those whose connections are open, in the order of their ids: which of
// them is chosen for something must not depend on who was quicker.
func (f *fleet) peers() []*Peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]*Peer, 0, len(f.live))
	for p := range f.live {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *Peer) int { return cmp.Compare(a.id, b.id) })
	return list
}

// closeAll has all peers leave: politely, and after the patience by a RST. When it
// returns there is no connection and no goroutine of the fleet.
func (f *fleet) closeAll(patience time.Duration) {
	now := time.Now()
	for _, p := range f.peers() {
		p.leave(LeavePolite, schedule.At(now))
	}
	gone := make(chan struct{})
	go func() {
		f.readers.Wait()
		close(gone)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
	}
	for _, p := range f.peers() {
		p.end()
	}
	<-gone
}
