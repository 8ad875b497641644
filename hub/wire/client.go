package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// Message is one message that a Conn sends or receives.
type Message struct {
	Type         string          `json:"type"`
	Data         json.RawMessage `json:"data,omitempty"`
	FromPeerID   string          `json:"fromPeerId,omitempty"`
	TargetPeerID PeerID          `json:"targetPeerId,omitempty"`
	NetworkName  string          `json:"networkName,omitempty"`
	Timestamp    int64           `json:"timestamp,omitempty"` // Unix milliseconds, the hub's clock
	Error        string          `json:"error,omitempty"`
}

// CloseError is the error of a connection that a close frame has ended.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("wire: closed with %d %q", e.Code, e.Reason)
}

// DialOptions configures Dial; nil stands for the zero value.
type DialOptions struct {
	NetDialContext func(ctx context.Context, network, addr string) (net.Conn, error)
	Header         http.Header   // sent with the request
	WriteTimeout   time.Duration // of every Send; default 10s
}

// Conn is the client half of a connection. One goroutine may call Receive; the
// other methods may be called concurrently. Pings are answered inside Receive.
type Conn struct {
	id      PeerID
	ws      *websocket.Conn
	timeout time.Duration
	write   sync.Mutex // gorilla allows one writer
}

// Dial connects to the hub at rawURL as the peer id. The scheme is ws, wss, http or
// https; other query parameters are kept. ctx bounds the dial and the handshake. If
// the hub refuses the peer after the upgrade, Receive returns a *CloseError.
func Dial(ctx context.Context, rawURL string, id PeerID, opts *DialOptions) (*Conn, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	address, err := PeerURL(rawURL, id)
	if err != nil {
		return nil, fmt.Errorf("wire: dial: %w", err)
	}
	ws, err := dial(ctx, address, opts)
	if err != nil {
		return nil, fmt.Errorf("wire: dial: %w", err)
	}
	c := &Conn{id: id, ws: ws, timeout: opts.WriteTimeout}
	if c.timeout == 0 {
		c.timeout = 10 * time.Second
	}
	return c, nil
}

// PeerURL returns the URL at which a peer dials a hub: with the peer id in the query,
// and ws instead of http.
func PeerURL(rawURL string, id PeerID) (string, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "", err
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	}
	q := u.Query()
	q.Set("peerId", string(id))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// dial dials with gorilla and gives up as soon as ctx ends. Once the connection
// exists, gorilla itself observes only the deadline of ctx.
func dial(ctx context.Context, rawURL string, opts *DialOptions) (*websocket.Conn, error) {
	netDial := opts.NetDialContext
	if netDial == nil {
		netDial = new(net.Dialer).DialContext
	}
	release := func() bool { return true }
	d := websocket.Dialer{
		NetDialContext: func(dialCtx context.Context, network, addr string) (net.Conn, error) {
			conn, err := netDial(dialCtx, network, addr)
			if err == nil {
				release = context.AfterFunc(ctx, func() { conn.Close() })
			}
			return conn, err
		},
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: 10 * time.Second,
	}
	ws, resp, err := d.DialContext(ctx, rawURL, opts.Header)
	switch {
	case !release():
		return nil, ctx.Err() // AfterFunc has closed the connection
	case err != nil && resp != nil:
		return nil, fmt.Errorf("%w: HTTP status %s", err, resp.Status)
	}
	return ws, err
}

// ID returns the peer id the connection was dialled with.
func (c *Conn) ID() PeerID { return c.id }

// NetConn returns the underlying connection, for tools that need its socket.
func (c *Conn) NetConn() net.Conn { return c.ws.NetConn() }

// Receive returns the next message. Its error is a *CloseError if a close frame has
// ended the connection.
func (c *Conn) Receive() (Message, error) {
	var m Message
	b, err := c.ReceiveRaw()
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("wire: receive: %w", err)
	}
	return m, nil
}

// ReceiveRaw returns the bytes of the next message. If the connection has ended
// without a close frame, the error is io.ErrUnexpectedEOF or the socket's.
func (c *Conn) ReceiveRaw() ([]byte, error) {
	_, b, err := c.ws.ReadMessage()
	var closed *websocket.CloseError
	switch {
	case !errors.As(err, &closed):
		return b, err
	case closed.Code == websocket.CloseAbnormalClosure: // what gorilla makes of an EOF
		return nil, io.ErrUnexpectedEOF
	}
	return nil, &CloseError{closed.Code, closed.Text}
}

// SetReceiveDeadline sets the deadline of Receive. After a Receive that missed it, the
// connection can only be closed.
func (c *Conn) SetReceiveDeadline(at time.Time) error { return c.ws.SetReadDeadline(at) }

// Send sends a message.
func (c *Conn) Send(m Message) error {
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("wire: send: %w", err)
	}
	return c.SendRaw(b)
}

// SendRaw sends b as one text message. It need not be JSON.
func (c *Conn) SendRaw(b []byte) error {
	c.write.Lock()
	defer c.write.Unlock()
	c.ws.SetWriteDeadline(time.Now().Add(c.timeout))
	return c.ws.WriteMessage(websocket.TextMessage, b)
}

// Announce sends an announce as a shipped client does. extra has further members of
// its data, or is nil.
func (c *Conn) Announce(network string, extra map[string]any) error {
	data := map[string]any{"peerId": c.id}
	for k, v := range extra {
		data[k] = v
	}
	b, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("wire: announce: %w", err)
	}
	return c.Send(Message{Type: KindAnnounce.String(), Data: b, NetworkName: network})
}

// Signal sends an offer, answer or ice-candidate to a peer of the network.
func (c *Conn) Signal(kind Kind, target PeerID, network string, data json.RawMessage) error {
	return c.Send(Message{Type: kind.String(), Data: data, TargetPeerID: target, NetworkName: network})
}

// Leave sends a goodbye and a close frame, as a shipped client does when it disconnects
// on purpose. It does not wait for the hub's close frame, which Receive returns.
func (c *Conn) Leave(network string) error {
	data := fmt.Sprintf(`{"peerId":%q,"timestamp":%d}`, c.id, time.Now().UnixMilli())
	if err := c.Send(Message{Type: KindGoodbye.String(), Data: json.RawMessage(data), NetworkName: network}); err != nil {
		return err
	}
	return c.SendClose(CodeNormal, "Client disconnect")
}

// SendClose sends a close frame.
func (c *Conn) SendClose(code int, reason string) error {
	return c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(c.timeout))
}

// Close closes the connection without a close frame. It may be called more than
// once.
func (c *Conn) Close() error { return c.ws.Close() }
