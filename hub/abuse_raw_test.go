package hub_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// frames writes bytes past the client library, all with one write.
func (p *peer) frames(frames ...[]byte) error {
	all := frames[0]
	if len(frames) > 1 {
		all = bytes.Join(frames, nil)
	}
	p.NetConn().SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := p.NetConn().Write(all)
	return err
}

// reset ends the connection without a FIN where it is TCP.
func (p *peer) reset() {
	if tcp, ok := p.NetConn().(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	p.Close()
}

// deaf makes the socket take in as little as it can, for peers that will not
// read.
func (p *peer) deaf() *peer {
	if tcp, ok := p.NetConn().(*net.TCPConn); ok {
		tcp.SetReadBuffer(4 << 10)
	}
	return p
}

// rawConn is a connection on which everything is said by hand, the handshake
// too.
type rawConn struct {
	net.Conn
	r *bufio.Reader
	w *world
}

// rawDial opens a TCP connection to the hub.
func (w *world) rawDial() *rawConn {
	w.Helper()
	u, err := url.Parse(w.url)
	if err != nil {
		w.Fatal(err)
	}
	c, err := net.DialTimeout("tcp", u.Host, 10*time.Second)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { c.Close() })
	return &rawConn{Conn: c, r: bufio.NewReader(c), w: w}
}

// rawUpgrade is the request of a WebSocket handshake.
func rawUpgrade(target, host string) string {
	return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", target, host)
}

func rawTarget(id wire.PeerID) string { return "/?peerId=" + string(id) }

func (c *rawConn) say(b ...[]byte) error {
	c.SetWriteDeadline(time.Now().Add(10 * time.Second))
	_, err := c.Write(bytes.Join(b, nil))
	return err
}

// status returns the HTTP status of the answer, 0 if the connection ended
// without one.
func (c *rawConn) status() int {
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// frame reads one frame of the hub.
func (c *rawConn) frame() (head byte, payload []byte, err error) {
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	return readHubFrame(c.r)
}

// readHubFrame reads one frame, which is not masked.
func readHubFrame(r *bufio.Reader) (head byte, payload []byte, err error) {
	var h [8]byte
	if _, err := io.ReadFull(r, h[:2]); err != nil {
		return 0, nil, err
	}
	head, n := h[0], uint64(h[1])
	switch n {
	case 126:
		_, err = io.ReadFull(r, h[6:])
		n = binary.BigEndian.Uint64(append(make([]byte, 6), h[6:]...))
	case 127:
		_, err = io.ReadFull(r, h[:])
		n = binary.BigEndian.Uint64(h[:])
	}
	if err != nil || n > 1<<20 {
		return head, nil, io.ErrUnexpectedEOF
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(r, payload)
	return head, payload, err
}

// wantClose reads frames until the hub's close frame and asserts it.
func (c *rawConn) wantClose(code int, reason string) {
	c.w.Helper()
	for {
		head, payload, err := c.frame()
		if err != nil {
			c.w.Errorf("ended with %v, want close %d %q", err, code, reason)
			return
		}
		if head != hostile.Final|hostile.Close {
			continue
		}
		if len(payload) < 2 || int(binary.BigEndian.Uint16(payload)) != code || !strings.HasPrefix(string(payload[2:]), reason) {
			c.w.Errorf("close frame is %q, want %d %q", payload, code, reason)
		}
		return
	}
}
