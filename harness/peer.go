package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Peer is a client with a name, for specs and scenarios. It can behave as a real client does, and
// as broken ones do. One goroutine at a time may call its methods. Errors begin with the name.
type Peer struct {
	Name    string
	ID      wire.PeerID
	Network string // of the last Announce
	HubKey  string // the bearer token for dialling, if set

	target Target
	conn   *wire.Conn // nil when not connected
	beside []*Peer

	inbox *inbox // of a resident; nil if the peer reads the connection itself

	lingers bool // the hub should have ended it and did not

	opened *atomic.Int64 // counts the connections of its scenario, if not nil

	netMu sync.Mutex
	net   []net.Conn // of NetDial
}

// NewPeer returns a peer that is not connected yet.
func NewPeer(target Target, name string, id wire.PeerID) *Peer {
	return &Peer{Name: name, ID: id, target: target}
}

func (p *Peer) errorf(format string, args ...any) error {
	return fmt.Errorf(p.Name+": "+format, args...)
}

// Dial opens the WebSocket. It does not read.
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

// Announce enters a network. The hub does not acknowledge it: see Fence.
func (p *Peer) Announce(network string) error {
	p.Network = network
	return p.wrap(p.conn.Announce(network, nil))
}

// Join connects, announces, and waits until the hub has handled the announcement.
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

// WriteBytes writes bytes to the socket, below WebSocket, such as half a frame or a broken one.
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

// Leave sends a goodbye and a close frame, and waits for the hub's close frame.
func (p *Peer) Leave(ctx context.Context) error {
	if err := p.conn.Leave(p.Network); err != nil {
		return p.wrap(err)
	}
	return p.awaitEnd(ctx)
}

// Close sends a close frame without a goodbye, and waits for the hub's close frame.
func (p *Peer) Close(ctx context.Context) error {
	if err := p.conn.SendClose(wire.CodeNormal, "Client disconnect"); err != nil {
		return p.wrap(err)
	}
	return p.awaitEnd(ctx)
}

// Reset breaks the connection, over TCP with RST, so that the hub sees an error and no FIN.
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

// Beside returns another peer of the same target, for scenarios with two connections. It is dropped
// with this one at the latest.
func (p *Peer) Beside(name string, id wire.PeerID) *Peer { return p.At(p.target, name, id) }

// At is Beside for another target.
func (p *Peer) At(target Target, name string, id wire.PeerID) *Peer {
	other := NewPeer(target, p.Name+" "+name, id)
	other.opened, other.HubKey = p.opened, p.HubKey
	p.beside = append(p.beside, other)
	return other
}

// dropAll drops the connections that are still open, so that an error on this side does not
// look like a leak.
func (p *Peer) dropAll() {
	p.dropBeside()
	p.dropNet()
	if p.conn != nil {
		_ = p.conn.Close() // it may be closed already
	}
}

// dropBeside drops the peers beside this one.
func (p *Peer) dropBeside() {
	for _, other := range p.beside {
		other.dropAll()
	}
	p.beside = nil
}

// Conn returns the connection of the peer, nil if it is not connected.
func (p *Peer) Conn() *wire.Conn { return p.conn }

// Connected reports whether Dial succeeded. The hub may have ended the connection since.
func (p *Peer) Connected() bool { return p.conn != nil }

// Offer returns a payload of about 1.2 KB in the form of a real offer, for Signal.
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
