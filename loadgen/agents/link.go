package agents

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/pigeonhub/pigeonhub/loadgen/cluster"
)

// link carries parcels over two subjects of NATS, one for each direction. NATS
// promises neither that a message arrives nor that the other side is there, so pieces
// are numbered, and both sides say now and then that they are alive. A piece that is
// missing ends the link: what it held would be missing in the sums.
type link struct {
	nc   *nats.Conn
	sub  *nats.Subscription
	to   string // subject
	who  string // is at the other end
	end  func() // after close
	quit chan struct{}
	beat sync.WaitGroup
	once sync.Once

	got   uint64 // pieces; of the receiver
	parts []byte // of a parcel that is not complete

	mu   sync.Mutex
	sent uint64 // pieces
}

// What begins a message: its kind, and the number of a piece.
const (
	pieceMore byte = iota // a piece of a parcel, and more follow
	pieceLast
	pieceBeat // no piece: the sender is alive
	pieceBye  // no piece: the sender ends the link
)

const (
	pieceHeader = 9
	maxPiece    = 256 << 10
	beatEvery   = time.Second
	silence     = 10 * time.Second // after which the other side is lost
)

// newLink returns a link that hears from one subject and says to the other. The
// other side hears from the moment on that it has one, too.
func newLink(nc *nats.Conn, from, to, who string, end func()) (*link, error) {
	sub, err := nc.SubscribeSync(from)
	if err == nil {
		err = errors.Join(sub.SetPendingLimits(-1, -1), nc.Flush()) // books are merged as they come
	}
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	return &link{nc: nc, sub: sub, to: to, who: who, end: end, quit: make(chan struct{})}, nil
}

// begin begins to say that this side is alive. The other side must hear by now.
func (l *link) begin() {
	l.beat.Go(func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-l.quit:
				return
			case <-tick.C:
				_ = l.publish([]byte{pieceBeat}) // a link that is broken is heard to be
			}
		}
	})
}

// publish sends a message. If nobody hears it, the server says so to our own subject:
// a process that was killed is missed at once.
func (l *link) publish(b []byte) error { return l.nc.PublishRequest(l.to, l.sub.Subject, b) }

func (l *link) Name() string { return l.who }

func (l *link) Send(p cluster.Parcel) error {
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	size := min(maxPiece, int(l.nc.MaxPayload())-pieceHeader)
	for first := true; first || len(b) > 0; first = false {
		n := min(size, len(b))
		kind := pieceMore
		if n == len(b) {
			kind = pieceLast
		}
		l.sent++
		piece := binary.BigEndian.AppendUint64([]byte{kind}, l.sent)
		if err := l.publish(append(piece, b[:n]...)); err != nil {
			return fmt.Errorf("send: %w", err)
		}
		b = b[n:]
	}
	return nil
}

func (l *link) Receive() (cluster.Parcel, error) {
	for {
		m, err := l.sub.NextMsg(silence)
		switch {
		case errors.Is(err, nats.ErrTimeout):
			return cluster.Parcel{}, fmt.Errorf("receive: %w", errSilent)
		case errors.Is(err, nats.ErrNoResponders):
			return cluster.Parcel{}, errors.New("receive: it has ended, or its connection has")
		case err != nil:
			return cluster.Parcel{}, fmt.Errorf("receive: %w", err)
		case len(m.Data) == 0:
			return cluster.Parcel{}, errors.New("receive: a message of another sender")
		case m.Data[0] == pieceBye:
			return cluster.Parcel{}, fmt.Errorf("receive: %w", io.EOF)
		case m.Data[0] == pieceBeat:
			continue
		}
		whole, err := l.piece(m.Data)
		if err != nil || whole == nil {
			if err != nil {
				return cluster.Parcel{}, fmt.Errorf("receive: %w", err)
			}
			continue
		}
		var p cluster.Parcel
		if err := json.Unmarshal(whole, &p); err != nil {
			return cluster.Parcel{}, fmt.Errorf("receive: %w", err)
		}
		return p, nil
	}
}

// piece takes the next piece, and returns the parcel if that was the last of it.
func (l *link) piece(b []byte) ([]byte, error) {
	if len(b) < pieceHeader || b[0] > pieceLast {
		return nil, errors.New("a message of another sender")
	}
	if n := binary.BigEndian.Uint64(b[1:]); n != l.got+1 {
		return nil, fmt.Errorf("piece %d came after %d: messages were lost", n, l.got)
	}
	l.got++
	l.parts = append(l.parts, b[pieceHeader:]...)
	if b[0] == pieceMore {
		return nil, nil
	}
	whole := l.parts
	l.parts = nil
	return whole, nil
}

func (l *link) Close(time.Duration) {
	l.once.Do(func() {
		close(l.quit)
		l.beat.Wait()
		// The other side may be gone, or the connection: then there is nobody to tell.
		_ = l.publish([]byte{pieceBye})
		_ = l.nc.FlushTimeout(beatEvery)
		_ = l.sub.Unsubscribe()
		l.end()
	})
}
