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
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// toyHub is a small hub of another make, with nothing to look at but /health. It can
// be told to do wrong.
type toyHub struct {
	leakOffers  bool // the record of a peer that has offered stays
	releaseLate time.Duration
	swapNetwork bool          // signals are delivered in another network
	believes    bool          // what anybody reports as a hub goes to the network
	diesOn      string        // what is in a message that kills it
	hangsOn     string        // after a message with it nothing is done for six seconds
	keepsAll    bool          // what a peer does not read waits for it, however much it is
	closed      bool          // who connects is refused
	patient     bool          // it waits for ever for a peer that is silent
	idle        time.Duration // after how much silence it gives a peer up; 0: idleLimit
	waits       bool          // nobody is served while a peer does not read
	tellsAll    bool          // members of all networks are told of who comes
	accepts     int           // connections that it takes in all; 0: any number
	takesTwo    bool          // a second session of an id is taken, not refused
	late        time.Duration // announces are read so much later, and signals go to members only
	tellsLeft   bool          // members are told of whose connection ends
	tellsNobody bool          // who comes is told of a peer that has no id

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
	ws          *websocket.Conn
	write       sync.Mutex
	patience    time.Duration // for it to read

	offered  bool           // the hub's mu guards it
	queue    []wire.Message // signals on their way to it; the hub's mu guards it
	draining bool           // somebody sends them
}

// idleLimit is after how much silence the toy hub gives a peer up: more than a busy
// machine is silent.
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

// closeAll ends all connections, and refuses new ones or lets them in again.
func (h *toyHub) closeAll(closed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = closed
	for p := range h.open {
		p.ws.Close()
	}
}

// takes lets so many more in, or any number if it is negative.
func (h *toyHub) takes(more int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.accepts = 0
	if more >= 0 {
		h.accepts = h.accepted + more
	}
}

// hang has the hub do nothing any more after so long, until what is returned is called.
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
		fmt.Fprintf(w, `{"status":"healthy","uptime":%f,"connections":%d,"peers":%d,"memory":{"heapUsed":%d}}`, float64(time.Now().UnixMilli()), len(h.open), len(h.peers), 1_000_000+h.kept)
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
	if h.closed {
		return false
	}
	if h.accepted++; h.accepts > 0 && h.accepted > h.accepts {
		return false
	}
	h.open[p], h.peers[p] = true, true
	return true
}

// isReset reports whether a connection ended without a word. Where the hub was writing,
// the reader sees an end of file in place of the reset.
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
			<-time.After(h.late)
			h.announce(p, m.NetworkName)
		case "goodbye":
			return nil
		case "peer-discovered":
			h.reported(p, m)
		case "ping":
			h.mu.Lock()
			h.mu.Unlock() //nolint:staticcheck // waits, if somebody has it
			p.send(wire.Message{Type: "pong", FromPeerID: "system"})
		case "offer", "answer", "ice-candidate":
			h.relay(p, m)
		}
	}
}

// suffer has a message do harm.
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
