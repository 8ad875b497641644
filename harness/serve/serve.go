// Package serve runs an http.Handler as a harness.Target in the calling process, as
// net/http/httptest does.
//
//	target, err := serve.TCP(handler)
//	if err != nil {
//		t.Fatal(err)
//	}
//	defer target.Stop(ctx)
//
// What a server allocates for a connection counts as the hub's, so this package is not one of
// those whose allocations detectors leave out.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
)

// Server is a harness.Target that serves an http.Handler of the calling process. Its
// connections are recorded, so that detectors can attribute each to its scenario.
type Server struct {
	addr     net.Addr
	accepted *detect.Accepted // nil if served over pipes
	server   *http.Server
	serve    sync.WaitGroup
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)
}

var _ harness.Target = (*Server)(nil)

// TCP serves a handler over loopback TCP, on a free port.
func TCP(h http.Handler) (*Server, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	accepted := detect.WatchAccepted(ln)
	s := start(h, accepted, new(net.Dialer).DialContext)
	s.accepted = accepted
	return s, nil
}

// Pipes serves a handler over in-memory pipes. It may be called in a testing/synctest
// bubble.
func Pipes(h http.Handler) *Server {
	ln := harness.ListenPipes()
	return start(h, ln, ln.DialContext)
}

func start(h http.Handler, ln net.Listener, dial func(context.Context, string, string) (net.Conn, error)) *Server {
	s := &Server{addr: ln.Addr(), dial: dial}
	s.server = &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ConnContext: bufferLittle}
	s.serve.Go(func() { s.server.Serve(ln) }) // returns ErrServerClosed: Stop closes it
	return s
}

// writeBuffer is the send buffer of each connection in bytes; the kernel doubles it. By default
// it grows to 4 MiB on loopback, and a test would have to send all of that before the hub notices
// a peer that does not read.
const writeBuffer = 64 << 10

func bufferLittle(ctx context.Context, c net.Conn) context.Context {
	if tcp, ok := c.(*net.TCPConn); ok {
		tcp.SetWriteBuffer(writeBuffer) // an error means that the connection is closed, which its reader notices
	}
	return ctx
}

// URL implements harness.Target.
func (s *Server) URL() string { return "ws://" + s.addr.String() }

// Addr returns the address of the listener.
func (s *Server) Addr() net.Addr { return s.addr }

// Dial implements harness.Target.
func (s *Server) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return s.dial(ctx, network, addr)
}

// Accepted returns the accepted connections for a harness.Campaign, nil if served over pipes.
func (s *Server) Accepted() *detect.Accepted { return s.accepted }

// Stop implements harness.Target. It closes the listener and the connections of http.Server, and returns
// when it has ended. As of http.Server, that does not end hijacked connections such as those of
// WebSockets: a hub must end them.
func (s *Server) Stop(context.Context) error {
	err := s.server.Close()
	s.serve.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil // a further call
	}
	return err
}
