package hub

import (
	"errors"
	"fmt"
)

// CheckInvariants compares every index of the hub with every other and with the
// gauges. It returns all disagreements, joined, or nil. It may be called at any
// time. It holds the hub's lock for a time proportional to the number of sessions.
func (h *Hub) CheckInvariants() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &check{}
	h.checkSessions(c)
	h.checkNetworks(c)
	for id, s := range h.hubs {
		c.that(s.isHub && s.registered && s.id == id, "hubs[%s] is not a registered hub of that id", id)
	}
	c.that(h.sockets.Load() == int64(len(h.sessions)), "sockets is %d, but there are %d sessions", h.sockets.Load(), len(h.sessions))
	h.checkQueues(c)
	h.parking.check(c)
	c.that(len(h.sessions) > 0 || h.reading.load() == 0, "%d bytes are being read without a session", h.reading.load())
	if h.gate.count() == 0 { // the monitor ends last
		_, counted := h.addresses.Count()
		c.that(counted == 0, "%d sessions of addresses are counted, but there is none", counted)
		c.that(h.subjects.Len() == 0, "%d subjects of tokens are counted, but there is no session", h.subjects.Len())
	}
	for s := range h.subscriptions {
		c.that(s.ctx.Err() == nil, "the subscription of %s is closed but still in subscriptions", s.holder)
	}
	return errors.Join(c.errs...)
}

// check collects the disagreements.
type check struct{ errs []error }

// that adds a disagreement unless ok. Loops over sessions and members call fail instead,
// because arguments are allocated even where all is well, while the hub's lock is held.
func (c *check) that(ok bool, format string, args ...any) {
	if !ok {
		c.fail(format, args...)
	}
}

func (c *check) fail(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf("hub: invariant: "+format, args...))
}

func (h *Hub) checkSessions(c *check) {
	registered, admitted, refused, hubs := 0, 0, 0, 0
	for s := range h.sessions {
		if s.registered {
			registered++
			if h.peers[s.id] != s {
				c.fail("the registered session of %s is not the one in peers", s.name())
			}
		} else if s.network != nil {
			c.fail("the session of %s is in a network but not registered", s.name())
		}
		if s.admitted {
			admitted++
		}
		if s.refused {
			refused++
			if s.registered {
				c.fail("the refused session of %s is registered", s.name())
			}
		}
		if s.isHub {
			hubs++
			if h.hubs[s.id] != s {
				c.fail("hub %s is not the one in hubs", s.name())
			}
		}
		if (s.network == nil) != (s.notice == nil) {
			c.fail("the session of %s has a network without a notice, or a notice without a network", s.name())
		}
	}
	c.that(registered == len(h.peers), "%d sessions are registered, but peers has %d", registered, len(h.peers))
	c.that(admitted == h.admitted, "%d sessions are admitted, but admitted is %d", admitted, h.admitted)
	c.that(refused == h.refused, "%d sessions are being refused, but refused is %d", refused, h.refused)
	c.that(hubs == len(h.hubs), "%d sessions are hubs, but hubs has %d", hubs, len(h.hubs))
	for id, s := range h.peers {
		if s.id != id || !s.registered {
			c.fail("peers[%s] is not registered under that id", id)
		}
		if _, held := h.sessions[s]; !held {
			c.fail("peers[%s] is not in sessions", id)
		}
	}
}

// checkQueues compares the gauges of memory with what is held.
func (h *Hub) checkQueues(c *check) {
	changes, held, incoming, announced := h.queued.changes()+h.reading.changes(), 0, 0, int64(0)
	for s := range h.sessions {
		s.mu.Lock()
		held += s.held
		if s.incoming != nil {
			incoming += s.incoming.held
		}
		if !s.writing {
			memory, bytes := 0, 0
			if s.out != nil {
				memory, bytes = s.out.capacity(), s.out.bytes
			}
			if s.held != memory || s.bytes != bytes {
				c.fail("the queue of %s holds %d of memory and %d bytes, but %d and %d are counted",
					s.name(), memory, bytes, s.held, s.bytes)
			}
		}
		s.mu.Unlock()
		if s.notice != nil {
			announced += s.notice.bytes()
		}
	}
	queued, reading := h.queued.load(), h.reading.load()
	if h.queued.changes()+h.reading.changes() == changes { // else they were not read at one moment
		c.that(queued == int64(held), "queued is %d, but all queues hold %d", queued, held)
		c.that(reading == int64(incoming), "reading is %d, but all messages being read hold %d", reading, incoming)
	}
	c.that(announced == h.announced.Load(), "announced is %d, but members hold %d", h.announced.Load(), announced)
	loose := h.loose.Load()
	c.that(len(h.sessions) > 0 || loose == 0, "%d bytes of notices are left without a session", loose)
	c.that(h.gate.count() > 0 || h.stalled.count()+h.receiving.count() == 0, "%d sessions are stalled and %d receiving without a goroutine",
		h.stalled.count(), h.receiving.count())
}

func (h *Hub) checkNetworks(c *check) {
	total := 0
	for name, n := range h.networks {
		live := 0
		for i, m := range n.members {
			if m == nil {
				continue
			}
			live++
			if m.network != n || m.slot != i {
				c.fail("network %.50q: the member in slot %d has another network or slot", name, i)
			}
			if !m.registered {
				c.fail("network %.50q: member %s is not registered", name, m.name())
			}
		}
		total += live
		if n.name != name {
			c.fail("networks[%.50q] has the name %.50q", name, n.name)
		}
		if live == 0 {
			c.fail("network %.50q is empty", name)
		}
		if live != n.live {
			c.fail("network %.50q has %d members, but live is %d", name, live, n.live)
		}
	}
	c.that(total == h.memberships, "all networks have %d members, but memberships is %d", total, h.memberships)
}
