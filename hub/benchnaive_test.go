//go:build linux

package hub_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// naiveHub is the competitor: the hub most people would write first, after gorilla's chat example. Two goroutines a
// peer, a channel of ready messages, encoding/json of the whole message both ways, one mutex. It is meant to be a good
// specimen of its kind, so nothing in it is slower than that style asks for: the handler returns after the upgrade (no
// request is pinned), WriteMessage is gorilla's single-frame fast path, and all it leaves out (validation, limits,
// federation) is work it does not have to do.
type naiveHub struct {
	queue    int // messages a peer may be behind before it is cut
	upgrader websocket.Upgrader

	mu       sync.Mutex
	peers    map[string]*naivePeer
	networks map[string]map[string]*naivePeer
}

type naivePeer struct {
	id   string
	conn *websocket.Conn
	send chan []byte // closed under naiveHub.mu, as all sends are, so none can hit a closed channel

	network   string
	announced bool
	gone      bool // send is closed
	data      map[string]any
}

const (
	naiveWriteWait  = 10 * time.Second
	naivePongWait   = 60 * time.Second
	naivePingPeriod = naivePongWait * 9 / 10
	naiveMaxMessage = 1 << 20
)

func newNaiveHub(queue int) *naiveHub {
	return &naiveHub{
		queue:    queue,
		peers:    make(map[string]*naivePeer),
		networks: make(map[string]map[string]*naivePeer),
	}
}

func (h *naiveHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := h.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	p := &naivePeer{id: r.URL.Query().Get("peerId"), conn: conn, send: make(chan []byte, h.queue), network: "global"}
	if reason := h.register(p); reason != "" {
		msg := websocket.FormatCloseMessage(websocket.ClosePolicyViolation, reason)
		_ = conn.WriteControl(websocket.CloseMessage, msg, time.Now().Add(naiveWriteWait))
		_ = conn.Close()
		return
	}
	go h.writePump(p)
	go h.readPump(p)
}

func (h *naiveHub) register(p *naivePeer) (refused string) {
	if len(p.id) != 40 {
		return "Invalid peerId format"
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.peers[p.id] != nil {
		return "Peer already connected"
	}
	h.peers[p.id] = p
	h.sendLocked(p, map[string]any{
		"type": "connected", "data": map[string]any{"peerId": p.id}, "fromPeerId": "system", "timestamp": naiveNow(),
	})
	return ""
}

func (h *naiveHub) readPump(p *naivePeer) {
	defer func() {
		h.unregister(p)
		_ = p.conn.Close()
	}()
	p.conn.SetReadLimit(naiveMaxMessage)
	_ = p.conn.SetReadDeadline(time.Now().Add(naivePongWait))
	p.conn.SetPongHandler(func(string) error { return p.conn.SetReadDeadline(time.Now().Add(naivePongWait)) })
	for {
		_, raw, err := p.conn.ReadMessage()
		if err != nil {
			return
		}
		var msg map[string]any
		if json.Unmarshal(raw, &msg) != nil {
			continue
		}
		h.dispatch(p, msg)
	}
}

func (h *naiveHub) writePump(p *naivePeer) {
	ticker := time.NewTicker(naivePingPeriod)
	defer func() {
		ticker.Stop()
		_ = p.conn.Close()
	}()
	for {
		select {
		case msg, ok := <-p.send:
			_ = p.conn.SetWriteDeadline(time.Now().Add(naiveWriteWait))
			if !ok {
				_ = p.conn.WriteMessage(websocket.CloseMessage, nil)
				return
			}
			if p.conn.WriteMessage(websocket.TextMessage, msg) != nil {
				return
			}
		case <-ticker.C:
			_ = p.conn.SetWriteDeadline(time.Now().Add(naiveWriteWait))
			if p.conn.WriteMessage(websocket.PingMessage, nil) != nil {
				return
			}
		}
	}
}

func (h *naiveHub) dispatch(p *naivePeer, msg map[string]any) {
	kind, _ := msg["type"].(string)
	switch kind {
	case "announce":
		h.announce(p, msg)
	case "offer", "answer", "ice-candidate":
		h.relay(p, msg, kind)
	case "ping":
		h.send(p, map[string]any{
			"type": "pong", "data": map[string]any{"timestamp": naiveNow()}, "fromPeerId": "system",
			"targetPeerId": p.id, "timestamp": naiveNow(),
		})
	}
}

func (h *naiveHub) announce(p *naivePeer, msg map[string]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.gone {
		return
	}
	h.leaveNetworkLocked(p)
	p.network, p.announced = naiveNetwork(msg), true
	p.data, _ = msg["data"].(map[string]any)
	members := h.networks[p.network]
	if members == nil {
		members = make(map[string]*naivePeer)
		h.networks[p.network] = members
	}
	members[p.id] = p
	for _, other := range members {
		if other != p {
			h.discoveredLocked(p, other)
			h.discoveredLocked(other, p)
		}
	}
}

// discoveredLocked introduces the peer about to the peer to.
func (h *naiveHub) discoveredLocked(about, to *naivePeer) {
	data := map[string]any{"peerId": about.id, "isHub": false}
	for k, v := range about.data {
		data[k] = v
	}
	h.sendLocked(to, map[string]any{
		"type": "peer-discovered", "data": data, "networkName": about.network, "fromPeerId": "system",
		"targetPeerId": to.id, "timestamp": naiveNow(),
	})
}

func (h *naiveHub) relay(p *naivePeer, msg map[string]any, kind string) {
	target, _ := msg["targetPeerId"].(string)
	network := naiveNetwork(msg)
	out := naiveEncode(map[string]any{ // before the lock: it is the expensive part
		"type": kind, "data": msg["data"], "fromPeerId": p.id, "targetPeerId": target, "networkName": network,
		"timestamp": naiveNow(),
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	if to := h.peers[target]; to != nil && to.network == network {
		h.enqueueLocked(to, out)
	}
}

func (h *naiveHub) unregister(p *naivePeer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropLocked(p)
}

func (h *naiveHub) dropLocked(p *naivePeer) {
	if p.gone {
		return
	}
	p.gone = true
	if h.peers[p.id] == p {
		delete(h.peers, p.id)
	}
	close(p.send)
	h.leaveNetworkLocked(p)
}

func (h *naiveHub) leaveNetworkLocked(p *naivePeer) {
	members := h.networks[p.network]
	if members[p.id] != p {
		return
	}
	delete(members, p.id)
	if len(members) == 0 {
		delete(h.networks, p.network)
	}
	for _, other := range members {
		h.sendLocked(other, map[string]any{
			"type": "peer-disconnected", "data": map[string]any{"peerId": p.id, "isHub": false},
			"networkName": p.network, "fromPeerId": "system", "targetPeerId": other.id, "timestamp": naiveNow(),
		})
	}
}

func (h *naiveHub) send(p *naivePeer, msg map[string]any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sendLocked(p, msg)
}

func (h *naiveHub) sendLocked(p *naivePeer, msg map[string]any) { h.enqueueLocked(p, naiveEncode(msg)) }

// enqueueLocked cuts a peer that is a whole channel behind, as the chat example does.
func (h *naiveHub) enqueueLocked(p *naivePeer, out []byte) {
	if p.gone {
		return
	}
	select {
	case p.send <- out:
	default:
		h.dropLocked(p)
	}
}

func naiveEncode(msg map[string]any) []byte {
	out, err := json.Marshal(msg)
	if err != nil {
		panic(err) // only values that came from JSON go in
	}
	return out
}

func naiveNetwork(msg map[string]any) string {
	if name, _ := msg["networkName"].(string); name != "" {
		return name
	}
	return "global"
}

func naiveNow() int64 { return time.Now().UnixMilli() }
