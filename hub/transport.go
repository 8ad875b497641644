package hub

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// transport is the connection underneath gorilla/websocket. It does three things
// that the library does not:
//
//   - It holds no read buffer while the session is idle. Bytes are read into a
//     pooled chunk when they have arrived, and gorilla takes them from it.
//   - It calls the session before it blocks, so that the reader commits its batch,
//     and when the read deadline passes. So a session needs no second goroutine
//     and no timer.
//   - It discards what gorilla writes after the handshake, which are close frames
//     about protocol errors: the session's queue is the only writer and sends its
//     own.
//
// The reader owns it, except for Conn, raw and tryWrite. It follows the frames, because a
// session is parked only between two.
type transport struct {
	net.Conn
	raw         syscall.RawConn // of a plain TCP or Unix socket, else nil
	session     *session
	established bool // the handshake is done; set before the reader starts

	chunk    *chunk // nil if all its bytes are taken
	from, to int    // the bytes of chunk that are not taken yet
	tryRead  func(fd uintptr) bool
	readErr  error  // the error of the last tryRead
	failed   error  // the error of the last Read; nil if gorilla itself found an error
	frames   frames // of what gorilla got
}

// chunk is the buffer of one read(2). It holds several bursts of offers.
type chunk [16 << 10]byte

var chunks = sync.Pool{New: func() any { return new(chunk) }}

func newTransport(conn net.Conn, s *session) *transport {
	t := &transport{Conn: conn, session: s}
	if sc, ok := conn.(syscall.Conn); ok && directIO {
		t.raw, _ = sc.SyscallConn()
		t.tryRead = t.readChunk
	}
	t.limitUnsent()
	return t
}

// Read returns the next bytes to gorilla. It blocks until bytes arrive, the peer is
// gone, or the session gives up on the peer.
func (t *transport) Read(p []byte) (int, error) {
	for t.from == t.to {
		t.session.beforeRead()
		n, err := t.readMore(p)
		if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
			if err = t.session.onDeadline(); err == nil {
				continue
			}
		}
		if err != nil {
			t.failed = err
			return 0, err
		}
		t.session.noteRead()
		if full := n == len(p) || t.to == len(chunk{}); full && t.session.isEnding() {
			// The peer was cut and goes on sending. Discarding its bytes without a
			// pause would keep a processor busy.
			time.Sleep(time.Millisecond)
		}
		if n > 0 {
			return t.deliver(p[:n])
		}
	}
	n := copy(p, t.chunk[t.from:t.to])
	if t.from += n; t.from == t.to {
		t.release()
	}
	return t.deliver(p[:n])
}

// deliver returns how many bytes gorilla gets, or the session's error if it accepts no
// more.
func (t *transport) deliver(p []byte) (int, error) {
	if err := t.session.countRead(len(p)); err != nil {
		t.failed = err
		return 0, err
	}
	t.frames.pass(p)
	return len(p), nil
}

// readMore reads into a chunk and returns 0, or, if the connection is not read by
// descriptor, reads into p.
func (t *transport) readMore(p []byte) (int, error) {
	if t.raw == nil {
		return t.Conn.Read(p)
	}
	if err := t.raw.Read(t.tryRead); err != nil {
		return 0, err
	}
	err := t.readErr
	t.readErr = nil
	return 0, err
}

// release returns the chunk to the pool.
func (t *transport) release() {
	if t.chunk != nil {
		chunks.Put(t.chunk)
	}
	t.chunk, t.from, t.to = nil, 0, 0
}

// Close closes the socket at once. Closing a TLS connection would first send an
// alert and could wait seconds for a peer that does not read; the peer has the close frame
// already. A parked session is woken to notice it.
func (t *transport) Close() error {
	defer t.session.hub.parking.wake(t.session)
	return t.socket().Close()
}

// socket returns the connection that carries this one if that is TLS, else itself.
func (t *transport) socket() net.Conn {
	if secure, ok := t.Conn.(interface{ NetConn() net.Conn }); ok {
		return secure.NetConn()
	}
	return t.Conn
}

// Write writes the handshake and discards all that gorilla writes after it.
func (t *transport) Write(p []byte) (int, error) {
	if t.established {
		return len(p), nil
	}
	return t.Conn.Write(p)
}

// SetDeadline does nothing after the handshake: the session sets the deadlines.
func (t *transport) SetDeadline(at time.Time) error {
	if t.established {
		return nil
	}
	return t.Conn.SetDeadline(at)
}

// SetWriteDeadline does nothing after the handshake, as Write does not either.
func (t *transport) SetWriteDeadline(at time.Time) error {
	if t.established {
		return nil
	}
	return t.Conn.SetWriteDeadline(at)
}
