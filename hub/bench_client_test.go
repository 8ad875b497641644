//go:build linux

package hub_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// benchPeer is one connection of the load client: a bare net.Conn, frames cut by hand, so that the client costs the same
// little for every server. One goroutine reads at a time; anyone may write whole frames.
type benchPeer struct {
	id, network string
	nc          net.Conn
	buf         []byte // buf[r:w] is read and not consumed
	r, w        int

	tally bool // tell the kinds of text frames apart, for those whose count is checked by kind
	seen  func(payload []byte)

	texts, discovered, gone atomic.Int64
	ended                   atomic.Bool
	err                     error // why run ended, once ended
}

var (
	errBenchClosed = errors.New("server closed the session")
	benchDials     atomic.Uint32
)

const benchDeadline = time.Minute // no phase of any benchmark takes this long unless it has failed

// dialBenchPeer connects, upgrades and reads the frame `connected`. Source addresses rotate over 127.0.1.1 to
// 127.0.4.200, for the ports of one would not do for all the connections in TIME_WAIT.
func dialBenchPeer(addr, id, network string, buf []byte) (*benchPeer, error) {
	n := benchDials.Add(1)
	from := net.IPv4(127, 0, byte(1+n/200%4), byte(1+n%200))
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}, Timeout: 20 * time.Second}
	nc, err := dialer.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	p := &benchPeer{id: id, network: network, nc: nc, buf: buf}
	if err := p.open(); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("open %s: %w", id[:8], err)
	}
	return p, nil
}

func (p *benchPeer) open() error {
	_ = p.nc.SetDeadline(time.Now().Add(20 * time.Second))
	_, err := fmt.Fprintf(p.nc, "GET /?peerId=%s HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", p.id)
	if err != nil {
		return err
	}
	for {
		if end := bytes.Index(p.buf[:p.w], []byte("\r\n\r\n")); end >= 0 {
			p.r = end + 4
			break
		}
		if err := p.fill(512); err != nil {
			return err
		}
	}
	if !bytes.HasPrefix(p.buf, []byte("HTTP/1.1 101 ")) {
		return fmt.Errorf("not upgraded: %q", p.buf[:p.r])
	}
	payload, err := p.next()
	if err != nil {
		return err
	}
	if !bytes.Contains(payload, []byte(`"type":"connected"`)) {
		return fmt.Errorf("first frame %q", payload)
	}
	return p.nc.SetDeadline(time.Now().Add(2 * benchDeadline)) // so that no client hangs if the server fails to send
}

// fill reads at least once, making room for need bytes from r.
func (p *benchPeer) fill(need int) error {
	if p.r > 0 && p.r == p.w {
		p.r, p.w = 0, 0
	}
	if p.r+need > len(p.buf) || p.w == len(p.buf) {
		to := p.buf
		if need > len(p.buf) {
			to = make([]byte, need)
		}
		p.w = copy(to, p.buf[p.r:p.w])
		p.buf, p.r = to, 0
	}
	n, err := p.nc.Read(p.buf[p.w:])
	p.w += n
	if n > 0 {
		return nil
	}
	return err
}

// next waits for a text frame. It answers pings on the way, as browsers do.
func (p *benchPeer) next() ([]byte, error) {
	for {
		op, payload, n, need := cutBenchFrame(p.buf[p.r:p.w])
		if n == 0 {
			if err := p.fill(need); err != nil {
				return nil, err
			}
			continue
		}
		p.r += n
		switch op {
		case websocket.TextMessage:
			p.texts.Add(1)
			return payload, nil
		case websocket.PingMessage:
			if _, err := p.nc.Write(benchFrame(websocket.PongMessage, payload)); err != nil {
				return nil, err
			}
		case websocket.CloseMessage:
			code, reason := uint16(1005), payload
			if len(payload) >= 2 {
				code, reason = binary.BigEndian.Uint16(payload), payload[2:]
			}
			return nil, fmt.Errorf("%w: %d %q", errBenchClosed, code, reason)
		}
	}
}

// whole reports whether next would not have to read.
func (p *benchPeer) whole() bool {
	op, _, n, _ := cutBenchFrame(p.buf[p.r:p.w])
	return n > 0 && op == websocket.TextMessage
}

// run reads until the connection ends.
func (p *benchPeer) run() {
	for {
		payload, err := p.next()
		if err != nil {
			p.err = err
			p.ended.Store(true)
			_ = p.nc.Close()
			return
		}
		if p.seen != nil {
			p.seen(payload)
		}
		if p.tally {
			switch {
			case bytes.Contains(payload, []byte(`"type":"peer-discovered"`)):
				p.discovered.Add(1)
			case bytes.Contains(payload, []byte(`"type":"peer-disconnected"`)):
				p.gone.Add(1)
			}
		}
	}
}

func (p *benchPeer) write(frames []byte) error {
	_, err := p.nc.Write(frames)
	return err
}

func (p *benchPeer) announce() error { return p.write(benchAnnounce(p.id, p.network)) }

// leave sends a close frame and waits until the server has closed. No other goroutine may read the peer.
func (p *benchPeer) leave() error {
	defer p.nc.Close()
	if err := p.write(benchLeaveFrame); err != nil {
		return err
	}
	_ = p.nc.SetReadDeadline(time.Now().Add(10 * time.Second))
	for {
		switch _, err := p.next(); {
		case err == nil: // what was on its way
		case errors.Is(err, errBenchClosed), errors.Is(err, io.EOF):
			return nil
		default:
			return fmt.Errorf("leave: %w", err)
		}
	}
}

// benchParallel calls do(0..n-1) from a few workers and returns the first error.
func benchParallel(n, workers int, do func(i int) error) error {
	var next atomic.Int64
	var once sync.Once
	var first error
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(i); err != nil {
					once.Do(func() { first = err })
					next.Store(int64(n))
					return
				}
			}
		})
	}
	wg.Wait()
	return first
}

// benchWaitCount waits until count says want, then a little longer, for a surplus is as wrong as a lack.
func benchWaitCount(what string, want int64, count func() int64) error {
	for end := time.Now().Add(benchDeadline); count() < want; {
		if time.Now().After(end) {
			return fmt.Errorf("%s: %d of %d after %v", what, count(), want, benchDeadline)
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// benchWantExactly is for after the measurement: it gives surplus frames the time to arrive.
func benchWantExactly(what string, want int64, count func() int64) error {
	if err := benchWaitCount(what, want, count); err != nil {
		return err
	}
	time.Sleep(200 * time.Millisecond)
	if got := count(); got != want {
		return fmt.Errorf("%s: got %d, want %d", what, got, want)
	}
	return nil
}
