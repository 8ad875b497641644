package hub

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// transport is the connection underneath gorilla/websocket. It makes three
// things possible that the library does not offer:
//
//   - an idle session holds no read buffer: bytes are read into a pooled chunk
//     once they are there, and gorilla takes them from it;
//   - the reader does what it has collected (its batch) just before it would
//     block, and keeps time by the read deadline while it blocks, so that a
//     session needs no second goroutine and no timer;
//   - nobody but the session's queue writes: what gorilla itself writes after
//     the handshake (close frames about protocol errors) goes nowhere, since the
//     session says it in its own words.
//
// The reader owns it, but for Conn, raw and tryWrite.
type transport struct {
	net.Conn
	raw         syscall.RawConn // of a plain TCP or Unix socket, else nil
	session     *session
	established bool // the handshake is done; set before the reader starts

	chunk    *chunk // nil when all bytes are taken
	from, to int    // the bytes of chunk not taken yet
	tryRead  func(fd uintptr) bool
	readErr  error // why tryRead failed
	failed   error // what Read answered at last: nil means gorilla's own error
}

// chunk is what one read(2) takes in: a burst of offers, several times over.
type chunk [16 << 10]byte

var chunks = sync.Pool{New: func() any { return new(chunk) }}

func newTransport(conn net.Conn, s *session) *transport {
	t := &transport{Conn: conn, session: s}
	if sc, ok := conn.(syscall.Conn); ok && directIO {
		t.raw, _ = sc.SyscallConn()
		t.tryRead = t.readChunk
	}
	return t
}

// Read gives gorilla the next bytes. It blocks until there are some, the peer is
// gone, or the session gives up on it.
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
			// It was cut and goes on sending. What it sends is thrown away, but
			// not at the speed of the processor.
			time.Sleep(time.Millisecond)
		}
		if n > 0 {
			return t.deliver(n)
		}
	}
	n := copy(p, t.chunk[t.from:t.to])
	if t.from += n; t.from == t.to {
		t.release()
	}
	return t.deliver(n)
}

// pass hands n bytes on, unless the session has had enough.
func (t *transport) deliver(n int) (int, error) {
	if err := t.session.countRead(n); err != nil {
		t.failed = err
		return 0, err
	}
	return n, nil
}

// readMore reads into a chunk where the socket lets us wait without a buffer,
// and returns 0; else into p.
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

// release gives the chunk back.
func (t *transport) release() {
	if t.chunk != nil {
		chunks.Put(t.chunk)
	}
	t.chunk, t.from, t.to = nil, 0, 0
}

// Close closes the socket at once. Closing a TLS connection would first wait for
// seconds until the peer has taken in its last record; the close frame was our
// last word.
func (t *transport) Close() error {
	if secure, ok := t.Conn.(interface{ NetConn() net.Conn }); ok {
		return secure.NetConn().Close()
	}
	return t.Conn.Close()
}

// Write is what gorilla calls: it passes the handshake and swallows the rest.
func (t *transport) Write(p []byte) (int, error) {
	if t.established {
		return len(p), nil
	}
	return t.Conn.Write(p)
}

// SetWriteDeadline is what gorilla calls beside Write.
func (t *transport) SetWriteDeadline(at time.Time) error {
	if t.established {
		return nil
	}
	return t.Conn.SetWriteDeadline(at)
}
