package loadgen

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// fleet holds all virtual peers of a run, and what they count with.
type fleet struct {
	// Fixed.
	url    string
	codec  codec.Codec
	dialer *dial.Dialer
	rec    *latency.Recorder
	ledger *delivery.Ledger
	base   time.Time // begin of the run; the times in messages count from it
	from   sources

	sent, received atomic.Int64
	answering      atomic.Int64           // signals that have arrived and whose answers are not in the ledger yet
	instead        atomic.Pointer[string] // a message that answers nothing
	cut            atomic.Int64           // connections that the target or the network ended
	ignored        atomic.Int64           // those of them whose last message from the target nothing answered
	withheld       atomic.Int64           // messages that did not get their turn

	readers sync.WaitGroup
	mu      sync.Mutex
	live    map[*Peer]struct{} // peers with an open connection
	dialled int64

	elsewhere int // open connections of the workers
}

func newFleet(url string, c codec.Codec) *fleet {
	return &fleet{url: url, codec: c, dialer: new(dial.Dialer), rec: latency.NewRecorder(), ledger: delivery.NewLedger(), base: time.Now(), live: map[*Peer]struct{}{}}
}

// dial connects a new peer with an id.
func (f *fleet) dial(ctx context.Context, id wire.PeerID, t schedule.Tick) (*Peer, error) {
	return f.connect(ctx, &Peer{id: id, dialled: t})
}

// connect connects a new peer and starts its reader.
func (f *fleet) connect(ctx context.Context, p *Peer) (*Peer, error) {
	p.fleet, p.exchange = f, newExchange(f.codec)
	p.greeted = !codec.Greets.In(f.codec)
	address, err := f.codec.Address(f.url, p.id)
	if err != nil {
		return nil, err
	}
	if p.sock, err = dialSocket(ctx, f.dialer, p.id, address, f.from.address()); err != nil {
		return nil, err
	}
	p.sock.kind = int(f.opcode())
	f.rec.Add(latency.HopConnect, p.dialled)
	f.ledger.Came(p.id)
	f.mu.Lock()
	f.live[p] = struct{}{}
	f.dialled++
	f.mu.Unlock()
	// A goroutine of its own keeps the stack of the reader small: dialling has grown this one.
	f.readers.Go(p.run)
	return p, nil
}

// opcode returns the opcode of the frames of the codec.
func (f *fleet) opcode() byte {
	if c, ok := f.codec.(codec.Framer); ok && c.IsBinary() {
		return websocket.BinaryMessage
	}
	return websocket.TextMessage
}

// send sends a message of the codec. It does nothing if the message is nil.
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

// unanswered reports whether a message, or a reply still to be sent, is under way. Once
// peers only reply, false is final: a reply enters the ledger before its counter drops, so
// the ledger is read again after the counter.
func (f *fleet) unanswered() bool {
	return f.ledger.UnderWay() > 0 || f.answering.Load() > 0 || f.ledger.UnderWay() > 0
}

// cutAfter counts a connection that the target or the network ended, after a message of the
// target that nothing answered, "" for none.
func (f *fleet) cutAfter(unanswered string) {
	f.cut.Add(1)
	if unanswered != "" {
		f.ignored.Add(1)
		f.instead.Store(&unanswered)
	}
}

// unanswering returns a message of the target that answers nothing, "" if there is none.
func (f *fleet) unanswering() string {
	if text := f.instead.Load(); text != nil {
		return *text
	}
	return ""
}

// size returns how many connections are open.
func (f *fleet) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.live) + f.elsewhere
}

// lives returns how many peers have been connected so far.
func (f *fleet) lives() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dialled
}

// peers returns the connected peers, sorted by id: what is drawn from them must not depend
// on the order in which they connected.
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

// closeAll lets all peers leave politely, and resets those that are left after the
// patience. When it returns, the fleet has no connection and no goroutine.
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
