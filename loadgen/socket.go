package loadgen

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
)

// socket is one WebSocket connection of a virtual peer. The client of hub/wire has buffers
// of 8 KB, and a process has many thousands of these sockets. They read through a small
// buffer, share the buffers for writing and for whole messages, and need a goroutine only
// for reading.
type socket struct {
	ws    *websocket.Conn
	kind  int        // of the frames that it sends
	write sync.Mutex // gorilla allows one writer

	deaf atomic.Bool // after stopReading
}

const (
	readBuffer   = 256
	writeBuffer  = 4 << 10
	maxMessage   = 4 << 20 // a larger one ends the connection
	dialTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
)

var (
	writeBuffers sync.Pool // gorilla's
	messages     = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

// dialSocket connects a peer from an address of this machine, or from any if it is nil. ctx
// bounds the dialling and the handshake.
func dialSocket(ctx context.Context, o *dial.Dialer, id wire.PeerID, address string, from net.Addr) (*socket, error) {
	release := func() bool { return true }
	d := websocket.Dialer{
		NetDialContext: func(dialing context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialFrom(dialing, from, network, addr)
			if err == nil { // from here on gorilla heeds only a deadline
				release = context.AfterFunc(ctx, func() { conn.Close() })
			}
			return conn, err
		},
		Proxy:            http.ProxyFromEnvironment,
		TLSClientConfig:  o.TLS(),
		Subprotocols:     o.Options.Subprotocols,
		HandshakeTimeout: dialTimeout,
		ReadBufferSize:   readBuffer,
		WriteBufferSize:  writeBuffer,
		WriteBufferPool:  &writeBuffers,
	}
	ws, resp, err := d.DialContext(ctx, address, o.Header(id))
	switch {
	case !release():
		return nil, ctx.Err() // and the connection is closed
	case err != nil && resp != nil:
		return nil, fmt.Errorf("dial: %w", &dial.Refused{Err: err, Status: resp.StatusCode})
	case err != nil:
		return nil, fmt.Errorf("dial: %w", err)
	}
	ws.SetReadLimit(maxMessage)
	s := &socket{ws: ws, kind: websocket.TextMessage}
	answer := ws.PingHandler()
	ws.SetPingHandler(func(payload string) error {
		if s.deaf.Load() {
			return net.ErrClosed
		}
		return answer(payload)
	})
	return s, nil
}

// receive waits for a message and passes it to handle. The message is valid until handle
// returns.
func (s *socket) receive(handle func([]byte)) error {
	_, r, err := s.ws.NextReader()
	if err != nil {
		return err
	}
	b := messages.Get().(*bytes.Buffer)
	defer messages.Put(b)
	b.Reset()
	if _, err := b.ReadFrom(r); err != nil {
		return err
	}
	if s.deaf.Load() {
		return net.ErrClosed
	}
	handle(b.Bytes())
	return nil
}

// send sends a message.
func (s *socket) send(b []byte) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	return s.ws.WriteMessage(s.kind, b)
}

// sendClose sends a close frame, and bounds the wait for the answer.
func (s *socket) sendClose(code int, reason string, patience time.Duration) error {
	err := s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(writeTimeout))
	s.ws.SetReadDeadline(time.Now().Add(patience))
	return err
}

// stopReading makes receive return at once, now and later. The connection stays open. What was
// read already, or is by a reader that runs at this moment, is neither handled nor answered.
func (s *socket) stopReading() {
	s.deaf.Store(true)
	s.ws.SetReadDeadline(time.Unix(1, 0))
}

// shrink sets the receive buffer of the kernel to about the given bytes.
func (s *socket) shrink(bytes int) {
	if t, ok := s.transport().(*net.TCPConn); ok {
		t.SetReadBuffer(bytes)
	}
}

// transport returns the connection below TLS, if there is TLS.
func (s *socket) transport() net.Conn {
	conn := s.ws.NetConn()
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return t.NetConn()
	}
	return conn
}

// close ends the connection without a close frame. It sends a FIN, or a RST if something has
// come that was not read.
func (s *socket) close() { s.ws.NetConn().Close() }

// closeWrite sends a FIN without a close frame, and bounds the wait for the end of the target.
// A reader that reads until then keeps the FIN from turning into a RST.
func (s *socket) closeWrite(patience time.Duration) {
	if c, ok := s.ws.NetConn().(interface{ CloseWrite() error }); !ok || c.CloseWrite() != nil {
		s.close()
	}
	s.ws.SetReadDeadline(time.Now().Add(patience))
}

// reset ends the connection with a RST. Unsent data is dropped, and no port waits in
// TIME_WAIT.
func (s *socket) reset() {
	conn := s.transport() // closing TLS would write first
	if t, ok := conn.(*net.TCPConn); ok {
		t.SetLinger(0)
	}
	conn.Close()
}
