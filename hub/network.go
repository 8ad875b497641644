package hub

import "github.com/pigeonhub/pigeonhub/hub/wire"

// network is one isolation scope: nothing crosses it. All of it is guarded by
// Hub.mu. It exists as long as it has members.
type network struct {
	name string
	// members in the order they joined, which is the order the protocol lists
	// them in. A member that left leaves a nil slot behind, so that leaving costs
	// the same in a network of two and of ten thousand; compact takes them out.
	members []*session
	live    int // members that are not nil
}

// liveLocked returns how many members the network of this name has.
func (h *Hub) liveLocked(name string) int {
	if n := h.networks[name]; n != nil {
		return n.live
	}
	return 0
}

// joinLocked makes s a member of the network of this name.
func (h *Hub) joinLocked(s *session, name string) {
	n := h.networks[name]
	if n == nil {
		n = &network{name: name}
		h.networks[name] = n
	}
	s.network, s.slot = n, len(n.members)
	n.members = append(n.members, s)
	n.live++
	h.memberships++
	h.largest = max(h.largest, n.live)
}

// leaveLocked takes s out of its network, if it is in one, tells the members
// that stay, and deletes a network that is left empty. A hub is struck off the
// registry with it.
func (h *Hub) leaveLocked(s *session, at int64, b *batch) {
	n := s.network
	if n == nil {
		return
	}
	n.members[s.slot] = nil
	n.live--
	h.memberships--
	s.network, s.notice = nil, nil
	if n.live == 0 {
		delete(h.networks, n.name)
	} else {
		n.compact()
		if h.ctx.Err() == nil { // in a shutdown all leave, and telling each of each is quadratic
			h.broadcastLocked(n, wire.NewDisconnected(s.id, s.isHub, n.name), nil, at, b)
		}
	}
	if s.isHub {
		s.isHub, s.hubData = false, nil
		delete(h.hubs, s.id)
		h.emitLocked(Event{Name: EventHubUnregistered, PeerID: s.id, TotalHubs: len(h.hubs)})
	}
}

// compact takes the empty slots out once they outnumber the members, into a
// slice of the right size: what was large must not stay so.
func (n *network) compact() {
	if len(n.members) <= 2*n.live+8 {
		return
	}
	members := make([]*session, 0, n.live+n.live/4)
	for _, m := range n.members {
		if m != nil {
			m.slot = len(members)
			members = append(members, m)
		}
	}
	n.members = members
}

// broadcastLocked queues a notice for every member but one.
func (h *Hub) broadcastLocked(n *network, notice wire.Notice, except *session, at int64, b *batch) {
	for _, m := range n.members {
		if m != nil && m != except {
			m.sendNotice(notice, at, b)
		}
	}
}

// closest returns up to wire.GoodbyeFanout members nearest to id by the
// protocol's distance, nearest first, leaving out the one with that id.
func (n *network) closest(id wire.PeerID) []*session {
	var near []*session
	var distance []int
	for _, m := range n.members {
		if m == nil || m.id == id {
			continue
		}
		d, i := wire.Distance(id, m.id), len(near)
		for i > 0 && distance[i-1] > d {
			i--
		}
		if i == wire.GoodbyeFanout {
			continue
		}
		if len(near) == wire.GoodbyeFanout {
			near, distance = near[:len(near)-1], distance[:len(distance)-1]
		}
		near = append(near[:i], append([]*session{m}, near[i:]...)...)
		distance = append(distance[:i], append([]int{d}, distance[i:]...)...)
	}
	return near
}
