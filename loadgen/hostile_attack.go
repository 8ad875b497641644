package loadgen

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/dial"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// input is something that no peer should send.
type input struct {
	name  string
	needs codec.Capabilities
	run   func(context.Context, *attack) (reaction string)
}

// inputs returns all inputs.
func inputs() []input {
	var list []input
	list = append(list, sessionInputs()...)
	list = append(list, floodInputs()...)
	list = append(list, handshakeInputs()...)
	return append(list, idInputs()...)
}

// inputsNamed returns the inputs whose names contain a text.
func inputsNamed(text string) []input {
	var list []input
	for _, in := range inputs() {
		if strings.Contains(in.name, text) {
			list = append(list, in)
		}
	}
	return list
}

// attack is one input under way, with its connections.
type attack struct {
	*hostileRun
	name  string
	id    wire.PeerID
	rng   *rand.Rand
	peers []*Peer
	conns []net.Conn
}

// end resets all connections of the attack.
func (a *attack) end() {
	for _, p := range a.peers {
		p.end()
	}
	for _, c := range a.conns {
		if t, ok := c.(*net.TCPConn); ok {
			t.SetLinger(0)
		}
		c.Close()
	}
}

// connect connects a peer of the attack, and waits for the greeting.
func (a *attack) connect(ctx context.Context, id wire.PeerID) (*Peer, error) {
	now := time.Now()
	p, err := a.fleet.connect(ctx, &Peer{id: id, dialled: schedule.At(now), excused: true})
	if err != nil {
		return nil, err
	}
	a.peers = append(a.peers, p)
	waitFor(ctx, a.patience, func() bool { return p.isGreeted() || p.isOver() })
	return p, nil
}

// reaction returns how the target reacts to an input in a session. A target that answers
// pings is asked for an answer, unless the input is the last: before it answers, it has
// reacted, however slow it is.
func (a *attack) reaction(ctx context.Context, p *Peer, sent error, last bool) string {
	_, asks := a.fleet.codec.(codec.Pinger)
	if asks && a.pings && !last && sent == nil && p.ping(schedule.At(time.Now())) == nil {
		waitFor(ctx, a.patience, func() bool { return p.isOver() || !p.isWaiting() })
	} else {
		waitFor(ctx, a.react, p.isOver)
	}
	switch {
	case p.isOver():
		return "ended: " + wordOf(p.reason())
	case sent != nil:
		return fmt.Sprintf("not taken: %v", withoutAddress(sent))
	}
	return "still connected"
}

// bare returns an input in place of a handshake.
func bare(name string, send func(a *attack, w io.Writer, r request) error) input {
	return input{name: name, run: func(ctx context.Context, a *attack) string {
		r, conn, err := a.dial(ctx)
		if err != nil {
			return fmt.Sprintf("not sent: %v", withoutAddress(err))
		}
		return a.answer(conn, send(a, conn, r), nil)
	}}
}

// answer returns how the target reacts to a handshake. If the target upgrades, then is sent
// next.
func (a *attack) answer(conn net.Conn, sent error, then []byte) string {
	conn.SetReadDeadline(time.Now().Add(a.react))
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		switch {
		case isTimeout(err):
			return "no answer, still connected"
		case sent != nil:
			return fmt.Sprintf("not taken: %v", withoutAddress(sent))
		}
		return "ended without an answer"
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Sprintf("HTTP status %d", resp.StatusCode)
	}
	_ = put(conn, then) // it may have ended the connection
	return "upgraded, " + closing(r)
}

// closing returns how the session after an upgrade ended.
func closing(r io.Reader) string {
	var head [2]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			if isTimeout(err) {
				return "still connected"
			}
			return "ended: no close frame"
		}
		n := int64(head[1])
		if n == 126 { // the length is in the next two bytes
			var long [2]byte
			if _, err := io.ReadFull(r, long[:]); err != nil {
				return "ended: no close frame"
			}
			n = int64(binary.BigEndian.Uint16(long[:]))
		}
		payload, err := io.ReadAll(io.LimitReader(r, n))
		if err == nil && head[0] == hostile.Final|hostile.Close && len(payload) >= 2 {
			return fmt.Sprintf("ended: close code %d %s", binary.BigEndian.Uint16(payload), payload[2:])
		}
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// request is the handshake of a peer, which an input changes.
type request struct {
	line string // method and target
	host string
	path string // with the query
	rest string // the other headers
}

func (r request) String() string {
	return fmt.Sprintf("%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", r.line, r.host, r.rest)
}

const upgradeHeaders = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// dial opens a bare connection to the target, and returns the proper handshake.
func (a *attack) dial(ctx context.Context) (request, net.Conn, error) {
	address, err := a.fleet.codec.Address(a.fleet.url, a.id)
	if err != nil {
		return request{}, nil, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return request{}, nil, err
	}
	conn, err := dialBare(ctx, u, a.fleet.dialer)
	if err != nil {
		return request{}, nil, err
	}
	a.conns = append(a.conns, conn)
	conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	headers := a.fleet.dialer.Header(a.id)
	host := cmp.Or(headers.Get("Host"), u.Host)
	var further strings.Builder
	_ = a.fleet.dialer.Handshake(a.id).Write(&further) // a Builder returns no error
	return request{line: "GET " + u.RequestURI(), host: host, path: u.RequestURI(), rest: upgradeHeaders + further.String()}, conn, nil
}

// dialBare opens a TCP connection to the host of a URL, with TLS for wss.
func dialBare(ctx context.Context, u *url.URL, o *dial.Dialer) (net.Conn, error) {
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "443", false: "80"}[u.Scheme == "wss"]
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	at := net.JoinHostPort(u.Hostname(), port)
	if u.Scheme == "wss" {
		return (&tls.Dialer{Config: o.TLS()}).DialContext(ctx, "tcp", at)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", at)
}
