package harness

import (
	"context"
	"net"
)

// Pipes is a net.Listener of in-memory pipes (net.Pipe): no descriptors, so far
// more peers than sockets allow, and testing/synctest bubbles can fake the time
// of what runs over them. A pipe holds no bytes: a write waits for its reader.
type Pipes struct {
	conns  chan net.Conn
	ctx    context.Context
	cancel context.CancelFunc
}

// ListenPipes returns a listener; Close ends it.
func ListenPipes() *Pipes {
	p := &Pipes{conns: make(chan net.Conn)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// DialContext connects to the listener; network and address do not matter.
func (p *Pipes) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.ctx.Done():
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *Pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Connections stay.
func (p *Pipes) Close() error {
	p.cancel()
	return nil
}

// Addr implements net.Listener.
func (p *Pipes) Addr() net.Addr { return pipesAddr{} }

type pipesAddr struct{}

func (pipesAddr) Network() string { return "pipe" }
func (pipesAddr) String() string  { return "hub.pipe:80" }
