package delivery

import "github.com/pigeonhub/pigeonhub/hub/wire"

// departed holds the peers that left last. What another peer still sends to them, or they
// answered before they left, reaches nobody.
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
