package hub

import "github.com/pigeonhub/pigeonhub/hub/wire"

// network is one isolation scope: nothing crosses it. Hub.mu guards all of it. It is
// deleted with its last member.
type network struct {
	name string
	// members in the order in which they joined, which is the order in which a
	// newcomer is introduced to them. A member that leaves sets its slot to nil, so
	// that the cost does not grow with the network; compact removes such slots.
	members []*session
	live    int // members that are not nil
}

// liveLocked returns the number of members of the network of that name.
func (h *Hub) liveLocked(name string) int {
	if n := h.networks[name]; n != nil {
		return n.live
	}
	return 0
}

// joinLocked makes s a member of the network of that name.
func (h *Hub) joinLocked(s *session, name string) {
	n := h.networks[name]
	if n == nil {
		n = &network{name: name}
		h.networks[name] = n
	}
	s.network, s.slot = n, len(n.members)
	s.lastNetwork = n.name
	n.members = append(n.members, s)
	n.live++
	h.memberships++
	h.largest = max(h.largest, n.live)
}

// leaveLocked removes s from its network, if it is in one, and from the registry of
// hubs. It notifies the remaining members, or deletes the network if there are none.
func (h *Hub) leaveLocked(s *session, at int64, b *batch) {
	n := s.network
	if n == nil {
		return
	}
	n.members[s.slot] = nil
	n.live--
	h.memberships--
	s.network = nil
	h.keepNoticeLocked(s, nil)
	if n.live == 0 {
		delete(h.networks, n.name)
	} else {
		n.compact()
		if h.ctx.Err() == nil { // in a shutdown all leave, and the notices would be quadratic
			h.broadcastLocked(n, wire.NewDisconnected(s.id, s.isHub, n.name), at, b)
		}
	}
	if s.isHub {
		s.isHub, s.hubData = false, nil
		delete(h.hubs, s.id)
		h.emitLocked(Event{Name: EventHubUnregistered, PeerID: s.id, TotalHubs: len(h.hubs)})
	}
}

// compact removes the nil slots once they outnumber the members. It makes a new
// slice, so that a network that was large does not keep its memory.
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

// broadcastLocked queues a notice for every member.
func (h *Hub) broadcastLocked(n *network, frame wire.Notice, at int64, b *batch) {
	notice := h.newNotice(frame)
	defer notice.release()
	for _, m := range n.members {
		if m != nil {
			m.sendNotice(b, notice, at)
		}
	}
}

// closest returns up to wire.GoodbyeFanout members by wire.Distance from id, the
// nearest first, without the member of that id.
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
