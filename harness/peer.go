package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Peer is one peer with a name, for specs and scenarios. It does what a real
// client does, and what broken ones do. Its methods belong to one goroutine at a
// time; their errors begin with the name.
type Peer struct {
	Name    string
	ID      wire.PeerID
	Network string // of the last Announce
	HubKey  string // shown as a bearer token when dialling, if set

	target Target
	conn   *wire.Conn // nil when not connected
	beside []*Peer

	lingers bool // the hub was to end it, and did not

	opened *atomic.Int64 // counts the connections of its scenario; nil if nobody asks
}

// NewPeer makes a peer that is not connected yet.
func NewPeer(target Target, name string, id wire.PeerID) *Peer {
	return &Peer{Name: name, ID: id, target: target}
}

func (p *Peer) errorf(format string, args ...any) error {
	return fmt.Errorf(p.Name+": "+format, args...)
}

// Dial opens the WebSocket and reads nothing.
func (p *Peer) Dial(ctx context.Context) error {
	c, err := dial(ctx, p.target, p.ID, p.HubKey)
	if err != nil {
		return p.errorf("%w", err)
	}
	p.conn = c
	if p.opened != nil {
		p.opened.Add(1)
	}
	return nil
}

// Connect opens the WebSocket and waits for the greeting.
func (p *Peer) Connect(ctx context.Context) error {
	if err := p.Dial(ctx); err != nil {
		return err
	}
	if _, err := p.Want(ctx, wire.KindConnected); err != nil {
		p.conn.Close()
		return err
	}
	return nil
}

// Announce enters a network. The hub acknowledges nothing; see Fence.
func (p *Peer) Announce(network string) error {
	p.Network = network
	return p.wrap(p.conn.Announce(network, nil))
}

// Join connects, announces, and waits until the hub has handled it.
func (p *Peer) Join(ctx context.Context, network string) error {
	if err := p.Connect(ctx); err != nil {
		return err
	}
	if err := p.Announce(network); err != nil {
		return err
	}
	return p.fence(ctx, ignore)
}

// Signal sends an offer, answer or ICE candidate.
func (p *Peer) Signal(kind wire.Kind, to wire.PeerID, data json.RawMessage) error {
	return p.wrap(p.conn.Signal(kind, to, p.Network, data))
}

// SendRaw sends bytes as one text message.
func (p *Peer) SendRaw(b []byte) error { return p.wrap(p.conn.SendRaw(b)) }

// WriteBytes writes bytes to the socket, past WebSocket: half a frame, a broken
// one.
func (p *Peer) WriteBytes(b []byte) error {
	_, err := p.conn.NetConn().Write(b)
	return p.wrap(err)
}

func (p *Peer) wrap(err error) error {
	if err != nil {
		return p.errorf("%w", err)
	}
	return nil
}

// Receive returns the next message.
func (p *Peer) Receive(ctx context.Context) (wire.Message, error) {
	p.bound(ctx)
	m, err := p.conn.Receive()
	return m, p.wrap(err)
}

// bound makes the next receive end with ctx's deadline.
func (p *Peer) bound(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	p.conn.SetReceiveDeadline(deadline)
}

// Want returns the next message of a kind and passes over the others.
func (p *Peer) Want(ctx context.Context, kind wire.Kind) (wire.Message, error) {
	return p.wantThat(ctx, kind.String(), func(m wire.Message) bool { return m.Type == kind.String() })
}

// WantPeer waits until the peer hears of another.
func (p *Peer) WantPeer(ctx context.Context, other wire.PeerID) error {
	_, err := p.wantThat(ctx, "peer-discovered about "+string(other), func(m wire.Message) bool {
		return m.Type == wire.KindPeerDiscovered.String() && wire.PeerIDOf(m.Data) == other
	})
	return err
}

// WantGone waits until the peer hears that another has gone.
func (p *Peer) WantGone(ctx context.Context, other wire.PeerID) error {
	_, err := p.wantThat(ctx, "peer-disconnected about "+string(other), func(m wire.Message) bool {
		return m.Type == wire.KindPeerDisconnected.String() && wire.PeerIDOf(m.Data) == other
	})
	return err
}

func (p *Peer) wantThat(ctx context.Context, what string, ok func(wire.Message) bool) (wire.Message, error) {
	word, _, _ := strings.Cut(what, " ")
	for {
		raw, err := p.receiveRaw(ctx)
		if err != nil {
			return wire.Message{}, fmt.Errorf("waiting for %s: %w", what, err)
		}
		if !bytes.Contains(raw, []byte(word)) { // not worth parsing
			continue
		}
		var m wire.Message
		if err := json.Unmarshal(raw, &m); err != nil {
			return m, p.errorf("waiting for %s: %w", what, err)
		}
		if ok(m) {
			return m, nil
		}
	}
}

func (p *Peer) receiveRaw(ctx context.Context) ([]byte, error) {
	p.bound(ctx)
	raw, err := p.conn.ReceiveRaw()
	return raw, p.wrap(err)
}

// Fence returns what comes before the hub's answer to a ping: it has then handled
// all that the peer sent before, and what has not come does not come.
func (p *Peer) Fence(ctx context.Context) ([]wire.Message, error) {
	var got []wire.Message
	var broken error
	err := p.fence(ctx, func(raw []byte) {
		var m wire.Message
		if err := json.Unmarshal(raw, &m); err != nil {
			broken = p.errorf("waiting for a pong: %w", err)
			return
		}
		got = append(got, m)
	})
	return got, cmp.Or(err, broken)
}

var ping, pong = []byte(`{"type":"ping"}`), []byte(`"pong"`)

// fence is Fence for whoever wants the messages as they came, or not at all.
func (p *Peer) fence(ctx context.Context, each func(raw []byte)) error {
	if err := p.SendRaw(ping); err != nil {
		return err
	}
	for {
		raw, err := p.receiveRaw(ctx)
		if err != nil {
			return fmt.Errorf("waiting for a pong: %w", err)
		}
		if bytes.Contains(raw, pong) {
			var m wire.Message
			if json.Unmarshal(raw, &m) == nil && m.Type == wire.KindPong.String() {
				return nil
			}
		}
		each(raw)
	}
}

func ignore([]byte) {}

// WantClose reads until the hub ends the connection, and returns the close frame.
// An end without one is an error.
func (p *Peer) WantClose(ctx context.Context) (*wire.CloseError, error) {
	p.bound(ctx)
	for {
		_, err := p.conn.ReceiveRaw()
		if err == nil {
			continue
		}
		p.conn.Close()
		var closed *wire.CloseError
		if !errors.As(err, &closed) || closed.Code == 1006 {
			return nil, p.errorf("waiting for a close frame: %w", err)
		}
		return closed, nil
	}
}

// Leave says goodbye, closes, and waits for the hub's half.
func (p *Peer) Leave(ctx context.Context) error {
	if err := p.conn.Leave(p.Network); err != nil {
		return p.wrap(err)
	}
	return p.awaitEnd(ctx)
}

// Close closes with a close frame and no goodbye, and waits for the hub's half.
func (p *Peer) Close(ctx context.Context) error {
	if err := p.conn.SendClose(wire.CodeNormal, "Client disconnect"); err != nil {
		return p.wrap(err)
	}
	return p.awaitEnd(ctx)
}

// awaitEnd reads to the end, whatever it is, and closes. If none comes it is an
// error, and the connection stays.
func (p *Peer) awaitEnd(ctx context.Context) error {
	p.bound(ctx)
	for {
		_, err := p.conn.ReceiveRaw()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return p.errorf("waiting for the end: %w", err)
		}
		if err != nil {
			_ = p.conn.Close()
			return nil
		}
	}
}

// Reset breaks the connection: over TCP by RST, so that the hub sees an error and
// no FIN.
func (p *Peer) Reset() error {
	if tcp, ok := p.conn.NetConn().(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return p.wrap(err)
		}
	}
	return p.wrap(p.conn.Close())
}

// Drop closes the socket without a close frame.
func (p *Peer) Drop() error { return p.wrap(p.conn.Close()) }

// Beside returns another peer of the same target, as a peer needs that comes twice
// or is sent to. It is dropped with this one at the latest.
func (p *Peer) Beside(name string, id wire.PeerID) *Peer { return p.At(p.target, name, id) }

// At is Beside for another target.
func (p *Peer) At(target Target, name string, id wire.PeerID) *Peer {
	other := NewPeer(target, p.Name+" "+name, id)
	other.opened = p.opened
	p.beside = append(p.beside, other)
	return other
}

// leaveNothing drops whatever connection there still is: what went wrong on our
// side must not look like a leak.
func (p *Peer) leaveNothing() {
	for _, other := range p.beside {
		other.leaveNothing()
	}
	if p.conn != nil {
		_ = p.conn.Close() // it may well be closed
	}
}

// Conn returns the connection of the peer, nil if it is not connected.
func (p *Peer) Conn() *wire.Conn { return p.conn }

// Connected reports whether the peer has been dialled; the hub may have ended the
// connection since.
func (p *Peer) Connected() bool { return p.conn != nil }

// Listen reads and forgets, answering pings, until the connection ends or ctx
// does.
func (p *Peer) Listen(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.conn.SetReceiveDeadline(time.Unix(1, 0)) })
	defer stop()
	p.conn.SetReceiveDeadline(time.Time{})
	for {
		if _, err := p.conn.ReceiveRaw(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return p.wrap(err)
		}
	}
}

// Offer is a payload of about 1.2 KB in the form of a real offer, for Signal.
func Offer() json.RawMessage {
	var b bytes.Buffer
	b.WriteString(`{"type":"offer","sdp":"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n`)
	b.WriteString(`m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\n`)
	for i := range 10 {
		fmt.Fprintf(&b, `a=candidate:%d 1 udp 2113937151 192.0.2.%d %d typ host generation 0 network-cost 999\r\n`, i, i, 50000+i)
	}
	b.WriteString(`a=setup:actpass\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"}`)
	return b.Bytes()
}
