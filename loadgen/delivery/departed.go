package delivery

import "github.com/pigeonhub/pigeonhub/hub/wire"

// departed holds the peers that left last. Messages that other peers still send to them are not
// delivered, nor are replies to messages that they sent before they left.
type departed struct {
	ids    map[wire.PeerID]bool
	order  []wire.PeerID // in a ring once there are maxDeparted
	oldest int
}

// maxDeparted bounds the peers that are remembered. Messages cross a leave within seconds.
const maxDeparted = 1 << 13

func (d *departed) add(id wire.PeerID) {
	if d.ids[id] {
		return
	}
	d.ids[id] = true
	if len(d.order) < maxDeparted {
		d.order = append(d.order, id)
		return
	}
	delete(d.ids, d.order[d.oldest])
	d.order[d.oldest] = id
	d.oldest = (d.oldest + 1) % maxDeparted
}
