package harness

import (
	"context"
	"net"
)

// A hub with another protocol than PeerPigeon's has scenarios with a client of its own, which
// connects by NetDial. Its Crowd has a Join function, and no scenarios of this package.

// URL returns the URL of the peer's target.
func (p *Peer) URL() string { return p.target.URL() }

// NetDial connects to the target below WebSocket, for a client of another protocol or library. It
// is a NetDialContext of websocket.Dialer and a DialContext of http.Transport; network and
// address matter only to targets that have several. The connection counts as one of the scenario,
// and is closed at the end of the life at the latest. Clients may call it concurrently.
func (p *Peer) NetDial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := p.target.Dial(ctx, network, addr)
	if err != nil {
		return nil, p.errorf("%w", err)
	}
	if p.opened != nil {
		p.opened.Add(1)
	}
	p.netMu.Lock()
	defer p.netMu.Unlock()
	p.net = append(p.net, conn)
	return conn, nil
}

// dropNet closes the connections of NetDial.
func (p *Peer) dropNet() {
	p.netMu.Lock()
	defer p.netMu.Unlock()
	for _, conn := range p.net {
		_ = conn.Close() // its client may have closed it
	}
	p.net = nil
}

// JoinFunc connects a peer that then stays, until the campaign drops its connection.
type JoinFunc func(ctx context.Context, v *Visit) error

// joinHome is the JoinFunc of PeerPigeon.
func joinHome(ctx context.Context, v *Visit) error { return v.Join(ctx, v.Home) }
