package harness

import (
	"context"
	"net"
)

// Pipes is a net.Listener of in-memory pipes (net.Pipe). They need no descriptors, so there may be
// more peers than sockets allow, and they work in testing/synctest bubbles. A pipe has no buffer:
// a write waits for its reader.
type Pipes struct {
	conns  chan net.Conn
	ctx    context.Context
	cancel context.CancelFunc
}

// ListenPipes returns a listener. Close ends it.
func ListenPipes() *Pipes {
	p := &Pipes{conns: make(chan net.Conn)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// DialContext connects to the listener. It ignores network and address.
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

// Close implements net.Listener. It does not close connections.
func (p *Pipes) Close() error {
	p.cancel()
	return nil
}

// Addr implements net.Listener.
func (p *Pipes) Addr() net.Addr { return pipesAddr{} }

type pipesAddr struct{}

func (pipesAddr) Network() string { return "pipe" }
func (pipesAddr) String() string  { return "hub.pipe:80" }
