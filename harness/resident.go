package harness

import (
	"context"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// resident is a peer that stays over all cycles. A goroutine of its own reads all the time, so
// that it answers pings between events, too.
type resident struct {
	*Peer
	home    string
	away    *sync.Mutex // of the two of its network, so that one of them is there
	foreign JoinFunc    // of a crowd with another protocol, nil for PeerPigeon's
	reader  sync.WaitGroup
}

// join joins, or joins again after the connection has ended. On a machine that is too slow to
// answer a ping in time the hub ends a resident, which comes back as a real client does.
func (r *resident) join(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r.dropAll()
	r.reader.Wait()
	return r.enter(ctx)
}

// enter joins and starts the reader.
func (r *resident) enter(ctx context.Context) error {
	r.inbox = nil
	if r.foreign != nil {
		r.inbox = &inbox{arrived: make(chan struct{}, 1)} // stays empty
		return r.foreign(ctx, &Visit{Peer: r.Peer, Home: r.home})
	}
	err := r.Join(ctx, r.home)
	r.inbox = &inbox{arrived: make(chan struct{}, 1), ended: err}
	if err != nil {
		r.dropAll()
		return err
	}
	r.conn.SetReceiveDeadline(time.Time{})
	r.reader.Go(r.read)
	return nil
}

// read reads until the connection ends.
func (r *resident) read() {
	for {
		r.inbox.await()
		raw, err := r.conn.ReceiveRaw()
		if r.inbox.add(raw, err); err != nil {
			return
		}
	}
}

// comeBack joins again while the connection is half-open: it stays open, and nothing answers on it
// any more.
func (r *resident) comeBack(ctx context.Context) error {
	before := r.conn
	before.SetReceiveDeadline(time.Unix(1, 0))
	r.reader.Wait()
	defer before.Close() // the hub may have closed it
	return r.enter(ctx)
}

// revive joins again if the connection has ended.
func (r *resident) revive(ctx context.Context, limit time.Duration) error {
	if r.inbox.failed() == nil {
		return nil
	}
	return r.join(ctx, limit)
}

// leave closes the connection, with a goodbye or without, and waits for the end.
func (r *resident) leave(ctx context.Context, goodbye bool) error {
	if r.foreign != nil {
		r.dropAll()
		return nil
	}
	stop := context.AfterFunc(ctx, func() { r.conn.Close() })
	defer stop()
	defer r.dropAll()
	// Either fails if the connection has ended. Then the reader ends, too.
	if goodbye {
		_ = r.conn.Leave(r.Network)
	} else {
		_ = r.conn.SendClose(wire.CodeNormal, "Client disconnect")
	}
	r.reader.Wait()
	if ctx.Err() != nil {
		return r.errorf("waiting for the end: %w", context.Cause(ctx))
	}
	return nil
}

// inbox has the messages that arrive during an event. Between events messages are dropped.
type inbox struct {
	arrived chan struct{} // has a value after a change

	mu      sync.Mutex
	open    bool
	waiting [][]byte
	ended   error         // of the connection
	lagging chan struct{} // closed when the reader may go on; nil if it may
}

// StopReading makes the resident lag: from the next message on it does not read until resume is
// called. The event must call resume, also if it fails.
func (v *Visit) StopReading() (resume func()) {
	b, lagging := v.resident.inbox, make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lagging = lagging
	return sync.OnceFunc(func() {
		close(lagging)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.lagging = nil
	})
}

// await waits until the reader may read.
func (b *inbox) await() {
	b.mu.Lock()
	lagging := b.lagging
	b.mu.Unlock()
	if lagging != nil {
		<-lagging
	}
}

// add adds a message, or the end of the connection.
func (b *inbox) add(raw []byte, ended error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended = ended; ended == nil && b.open {
		b.waiting = append(b.waiting, raw)
	}
	select {
	case b.arrived <- struct{}{}:
	default:
	}
}

// begin begins an event.
func (b *inbox) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = true
}

// end ends an event and drops what has arrived.
func (b *inbox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open, b.waiting = false, nil
}

// failed returns the error that ended the connection, nil if it is open.
func (b *inbox) failed() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ended
}

// next returns the next message.
func (b *inbox) next(ctx context.Context) ([]byte, error) {
	for {
		raw, err := b.take()
		if raw != nil || err != nil {
			return raw, err
		}
		select {
		case <-b.arrived:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// take returns the first message that waits, or the end of the connection, or neither.
func (b *inbox) take() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.waiting) == 0 {
		return nil, b.ended
	}
	raw := b.waiting[0]
	b.waiting = b.waiting[1:]
	return raw, nil
}
