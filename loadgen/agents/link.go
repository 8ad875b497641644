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

// link carries parcels over two subjects of NATS, one for each direction. NATS guarantees
// neither that a message arrives nor that the other side exists. So pieces are numbered,
// and both sides send signs of life. A missing piece ends the link, because its counts
// would be missing in the sums.
type link struct {
	nc   *nats.Conn
	sub  *nats.Subscription
	to   string // subject
	peer string // name of the other side
	end  func() // after close
	quit chan struct{}
	beat sync.WaitGroup
	once sync.Once

	got   uint64 // pieces; of the receiver
	parts []byte // of a parcel that is not complete

	mu   sync.Mutex
	sent uint64 // pieces
}

// The kinds of messages. A piece is preceded by its kind and number.
const (
	pieceMore byte = iota // a piece of a parcel, and more follow
	pieceLast
	pieceBeat // a sign of life
	pieceBye  // the sender ends the link
)

const (
	pieceHeader = 9
	maxPiece    = 256 << 10
	beatEvery   = time.Second
	silence     = 10 * time.Second // until the other side counts as lost
)

// newLink returns a link that receives from one subject and sends to the other.
func newLink(nc *nats.Conn, from, to, peer string, end func()) (*link, error) {
	sub, err := nc.SubscribeSync(from)
	if err == nil {
		err = errors.Join(sub.SetPendingLimits(-1, -1), nc.Flush()) // deltas are merged as they arrive
	}
	if err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	return &link{nc: nc, sub: sub, to: to, peer: peer, end: end, quit: make(chan struct{})}, nil
}

// begin starts the signs of life. The other side must be subscribed by now.
func (l *link) begin() {
	l.beat.Go(func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-l.quit:
				return
			case <-tick.C:
				_ = l.publish([]byte{pieceBeat}) // a broken link is found by Receive
			}
		}
	})
}

// publish sends a message. If no process is subscribed, the server reports that to the
// subject of this side, so a killed process is missed at once.
func (l *link) publish(b []byte) error { return l.nc.PublishRequest(l.to, l.sub.Subject, b) }

// Name returns the name of the other side.
func (l *link) Name() string { return l.peer }

// Send sends a parcel in pieces.
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

// Receive waits for the next parcel.
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
			return cluster.Parcel{}, errors.New("receive: a message of another protocol")
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

// piece takes the next piece, and returns the parcel if that was its last piece.
func (l *link) piece(b []byte) ([]byte, error) {
	if len(b) < pieceHeader || b[0] > pieceLast {
		return nil, errors.New("a message of another protocol")
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

// Close says goodbye and ends the link.
func (l *link) Close(time.Duration) {
	l.once.Do(func() {
		close(l.quit)
		l.beat.Wait()
		// The other side or the connection may be gone; then these have no effect.
		_ = l.publish([]byte{pieceBye})
		_ = l.nc.FlushTimeout(beatEvery)
		_ = l.sub.Unsubscribe()
		l.end()
	})
}
