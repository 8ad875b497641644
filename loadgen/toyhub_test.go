package loadgen

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// toyHub is a small hub of another make, whose only page is /health. Its fields make it
// misbehave.
type toyHub struct {
	leakOffers  bool // it retains the record of a peer that has offered
	releaseLate time.Duration
	swapNetwork bool          // signals are delivered in another network
	believes    bool          // it forwards the reports of any peer as those of a hub
	diesOn      string        // text of a message that kills it
	hangsOn     string        // text of a message after which it does nothing for six seconds
	keepsAll    bool          // its queues have no bound
	closed      bool          // it refuses connections
	patient     bool          // it never ends a silent peer
	idle        time.Duration // silence after which it ends a peer, 0 for idleLimit
	waits       bool          // it serves no peer while one does not read
	tellsAll    bool          // it notifies all networks of a join
	accepts     int           // connections that it accepts in all, 0 for any number
	most        int           // connections that it accepts at the same time, 0 for any number
	takesTwo    bool          // it accepts a second session of an id
	late        time.Duration // it reads the announce of each second peer so much later, and relays to members only
	tellsLeft   bool          // it notifies members of a leave
	history     int64         // messages to a session that it retains while that lasts
	tellsNobody bool          // it sends each peer a notice without an id

	server   *httptest.Server
	mu       sync.Mutex
	open     map[*toyPeer]bool
	accepted int
	kept     int               // bytes that wait
	peers    map[*toyPeer]bool // records
	done     sync.WaitGroup
}

type toyPeer struct {
	id, network string
	number      int // of the connection
	ws          *websocket.Conn
	write       sync.Mutex
	patience    time.Duration // for it to read
	sent        atomic.Int64

	offered  bool           // the hub's mu guards it
	queue    []wire.Message // signals on their way to it; the hub's mu guards it
	draining bool           // a goroutine sends them
}

// idleLimit is the silence after which the toy hub ends a peer. A busy machine is silent
// for less.
const idleLimit = 5 * time.Second

func (h *toyHub) start(t *testing.T) string {
	t.Helper()
	h.open, h.peers = map[*toyPeer]bool{}, map[*toyPeer]bool{}
	h.server = httptest.NewServer(h)
	t.Cleanup(func() {
		h.kill()
		h.done.Wait()
	})
	return "ws" + strings.TrimPrefix(h.server.URL, "http")
}

// closeAll ends all connections, and refuses or accepts new ones from now on.
func (h *toyHub) closeAll(closed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = closed
	for p := range h.open {
		p.ws.Close()
	}
}

// takes accepts some more connections, or any number if it is negative.
func (h *toyHub) takes(more int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepts = 0
	if more >= 0 {
		h.accepts = h.accepted + more
	}
}

// hang stops the hub after a time, until end is called.
func (h *toyHub) hang(after time.Duration) (end func()) {
	over, hung := make(chan struct{}), make(chan struct{})
	h.done.Go(func() {
		select {
		case <-over:
		case <-time.After(after):
			h.mu.Lock()
			close(hung)
			<-over
			h.mu.Unlock()
		}
	})
	if after == 0 {
		<-hung
	}
	return func() { close(over) }
}

// kill ends the hub at once.
func (h *toyHub) kill() {
	h.server.Listener.Close()
	h.mu.Lock()
	h.closed = true // to those that are on their way
	for p := range h.open {
		p.ws.Close()
	}
	h.mu.Unlock()
	h.server.CloseClientConnections()
	h.server.Close()
}

func (h *toyHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/health" {
		h.mu.Lock()
		defer h.mu.Unlock()
		fmt.Fprintf(w, `{"status":"healthy","uptime":%f,"connections":%d,"peers":%d,"history":%d,"memory":{"heapUsed":%d}}`, float64(time.Now().UnixMilli()), len(h.open), len(h.peers),
			h.retained(), 1_000_000+int64(h.kept)+h.retained()*historyBytes)
		return
	}
	u := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	h.done.Add(1) // while the server still waits for this connection: of one that is hijacked it does not know
	defer h.done.Done()
	ws, err := u.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	p := &toyPeer{id: r.URL.Query().Get("peerId"), ws: ws, patience: 10 * time.Second}
	switch {
	case h.keepsAll:
		p.patience = time.Hour
	case h.waits:
		p.patience = 2 * time.Second
	}
	h.serve(p)
}

func (h *toyHub) serve(p *toyPeer) {
	if !h.admit(p) {
		_ = p.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(wire.CodePolicy, "Peer already connected"), time.Now().Add(time.Second))
		p.ws.Close()
		return
	}
	p.send(wire.Message{Type: "connected", FromPeerID: "system"})
	over := make(chan struct{})
	h.done.Go(func() { p.pings(over) })
	err := h.read(p)
	close(over)
	p.ws.Close()
	if h.tellsLeft {
		h.left(p)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, p)
	switch reset := p.network != "" && isReset(err); {
	case h.leakOffers && p.offered:
	case h.releaseLate > 0 && reset:
		time.AfterFunc(h.releaseLate, func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			delete(h.peers, p)
		})
	default:
		delete(h.peers, p)
	}
}

func (h *toyHub) admit(p *toyPeer) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for o := range h.open {
		if o.id == p.id && !h.takesTwo {
			return false
		}
	}
	if h.closed || h.most > 0 && len(h.open) >= h.most {
		return false
	}
	if h.accepted++; h.accepts > 0 && h.accepted > h.accepts {
		return false
	}
	p.number = h.accepted
	h.open[p], h.peers[p] = true, true
	return true
}

// isReset reports whether a connection ended without a close frame. If the hub was writing,
// the reader sees the end of the stream in place of the reset.
func isReset(err error) bool {
	var silence net.Error
	if errors.As(err, &silence) && silence.Timeout() {
		return false
	}
	return err != nil && !websocket.IsCloseError(err, websocket.CloseNormalClosure)
}

// pings asks a peer for signs of life.
func (p *toyPeer) pings(over <-chan struct{}) {
	ticker := time.NewTicker(idleLimit / 5)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
			_ = p.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(idleLimit)) // the reader finds out
		}
	}
}

func (h *toyHub) read(p *toyPeer) error {
	alive := func(string) error {
		if h.keepsAll || h.waits || h.patient {
			return nil
		}
		return p.ws.SetReadDeadline(time.Now().Add(cmp.Or(h.idle, idleLimit)))
	}
	p.ws.SetPongHandler(alive)
	for {
		if err := alive(""); err != nil {
			return err
		}
		_, b, err := p.ws.ReadMessage()
		if err != nil {
			return err
		}
		h.suffer(string(b))
		var m wire.Message
		if json.Unmarshal(b, &m) != nil {
			continue
		}
		switch m.Type {
		case "announce":
			if p.number%2 == 0 {
				<-time.After(h.late)
			}
			h.announce(p, m.NetworkName)
		case "goodbye":
			return nil
		case "peer-discovered":
			h.reported(p, m)
		case "ping":
			h.mu.Lock()
			h.mu.Unlock() //nolint:staticcheck // waits while the hub hangs
			p.send(wire.Message{Type: "pong", FromPeerID: "system"})
		case "offer", "answer", "ice-candidate":
			h.relay(p, m)
		}
	}
}

// suffer lets a message do harm.
func (h *toyHub) suffer(message string) {
	if h.diesOn != "" && strings.Contains(message, h.diesOn) {
		h.done.Go(h.kill)
	}
	if h.hangsOn != "" && strings.Contains(message, h.hangsOn) {
		h.mu.Lock()
		defer h.mu.Unlock()
		<-time.After(6 * time.Second)
	}
}
