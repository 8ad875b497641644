package hub

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// mayPark reports whether the reader may end: nothing has arrived for Config.ParkAfter,
// and what arrived before was whole.
func (s *session) mayPark(silence time.Duration) bool {
	return s.parkable() && s.hub.ctx.Err() == nil && silence >= s.hub.cfg.ParkAfter && s.messageBegan.IsZero() && s.conn.frames.between()
}

// parkable reports whether the session can be parked: bytes that TLS has decrypted or a
// pipe holds are not seen by a descriptor.
func (s *session) parkable() bool { return parks && s.conn.raw != nil && s.hub.cfg.ParkAfter > 0 }

// park gives the session up to Hub.parking and reports whether it did. If so, the
// caller is no longer the reader.
func (s *session) park() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.ending && s.hub.parking.add(s, s.due)
}

// unpark makes the caller, the reader, ready to read again. A parked session has no
// websocket.Conn, because that takes a third of its memory. Only a handshake makes one:
// it is played to nobody, because the transport discards what gorilla writes.
func (s *session) unpark() {
	room := handshakeRooms.Get().(*bufio.ReadWriter)
	ws, err := s.hub.upgrader.Upgrade(&replay{conn: s.conn, rw: room}, replayed, nil)
	if err != nil {
		panic(err) // the request is valid
	}
	room.Writer.Reset(io.Discard)
	handshakeRooms.Put(room)
	s.attach(ws)
	s.conn.failed = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armReadLocked()
}

// attach makes ws the session's.
func (s *session) attach(ws *websocket.Conn) {
	ws.SetReadLimit(s.hub.policy().MaxMessageBytes)
	ws.SetPingHandler(s.onPing)
	ws.SetPongHandler(s.onPong)
	ws.SetCloseHandler(func(int, string) error { return nil }) // readFailed answers the close frame
	s.ws = ws
}

// replay is the ResponseWriter of a handshake that was done before.
type replay struct {
	http.ResponseWriter
	conn net.Conn
	rw   *bufio.ReadWriter
}

// Hijack implements http.Hijacker.
func (r *replay) Hijack() (net.Conn, *bufio.ReadWriter, error) { return r.conn, r.rw, nil }

var replayed = &http.Request{Method: http.MethodGet, Header: http.Header{
	"Connection": {"Upgrade"}, "Upgrade": {"websocket"},
	"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="},
}}

// handshakeRooms are buffers for replayed handshakes.
var handshakeRooms = sync.Pool{New: func() any {
	return bufio.NewReadWriter(bufio.NewReaderSize(nil, 16), bufio.NewWriterSize(io.Discard, 256))
}}
