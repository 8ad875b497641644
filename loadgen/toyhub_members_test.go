package loadgen

import (
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func (h *toyHub) announce(p *toyPeer, network string) {
	h.mu.Lock()
	p.network = network
	var others []*toyPeer
	for o := range h.open {
		if o != p && o.network == network {
			others = append(others, o)
		}
	}
	h.mu.Unlock()
	if h.tellsAll {
		p.send(discovered(p, network+"-other"))
	}
	if h.tellsNobody {
		p.send(wire.Message{Type: "peer-discovered", FromPeerID: "system", NetworkName: network, Data: []byte("{}")})
	}
	for _, o := range others {
		o.send(discovered(p, network))
		p.send(discovered(o, network))
	}
}

// left notifies the members of a network of a peer whose connection has ended.
func (h *toyHub) left(p *toyPeer) {
	h.mu.Lock()
	var others []*toyPeer
	for o := range h.open {
		if o != p && o.network == p.network {
			others = append(others, o)
		}
	}
	h.mu.Unlock()
	for _, o := range others {
		o.send(wire.Message{Type: "peer-disconnected", FromPeerID: "system", NetworkName: p.network, Data: fmt.Appendf(nil, `{"peerId":%q}`, p.id)})
	}
}

// reported notifies the members of a network of a peer of another hub.
func (h *toyHub) reported(p *toyPeer, m wire.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for o := range h.open {
		if h.believes && o != p && o.network == m.NetworkName {
			o.send(wire.Message{Type: m.Type, FromPeerID: "system", NetworkName: m.NetworkName, Data: m.Data})
		}
	}
}

func discovered(p *toyPeer, network string) wire.Message {
	return wire.Message{Type: "peer-discovered", FromPeerID: "system", NetworkName: network, Data: fmt.Appendf(nil, `{"peerId":%q}`, p.id)}
}

func (h *toyHub) relay(p *toyPeer, m wire.Message) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m.FromPeerID = p.id
	p.offered = p.offered || m.Type == "offer"
	if h.swapNetwork {
		m.NetworkName += "-other"
	}
	for o := range h.open {
		if o.id == string(m.TargetPeerID) && (h.late == 0 || o.network == m.NetworkName) {
			h.deliver(o, m)
		}
	}
}

// deliver sends a message to a peer, in the order of such messages. The caller, which holds
// mu, does not wait for the peer, unless the hub is one that does.
func (h *toyHub) deliver(o *toyPeer, m wire.Message) {
	if h.waits {
		o.send(m)
		return
	}
	if h.keepsAll {
		h.kept += len(m.Data)
	}
	o.queue = append(o.queue, m)
	if !o.draining {
		o.draining = true
		h.done.Go(func() { h.drain(o) })
	}
}

func (h *toyHub) drain(o *toyPeer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(o.queue) > 0 {
		m := o.queue[0]
		o.queue = o.queue[1:]
		h.mu.Unlock()
		o.send(m)
		h.mu.Lock()
		if h.keepsAll {
			h.kept -= len(m.Data)
		}
	}
	o.draining = false
}

func (p *toyPeer) send(m wire.Message) {
	p.write.Lock()
	defer p.write.Unlock()
	p.sent.Add(1)
	p.ws.SetWriteDeadline(time.Now().Add(p.patience))
	_ = p.ws.WriteJSON(m) // the reader finds out
}

// historyBytes is the size of a message that the hub retains.
const historyBytes = 64 << 10

// retained returns how many messages to open sessions the hub retains. The caller holds mu.
func (h *toyHub) retained() (n int64) {
	for p := range h.open {
		n += min(p.sent.Load(), h.history)
	}
	return n
}
