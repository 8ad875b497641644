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
	h.parking.check(c)
	h.checkIdle(c)
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

// checkSessions looks at each session once, because the lock is held for as long as that takes.
func (h *Hub) checkSessions(c *check) {
	var n sums
	changes := h.queued.changes() + h.reading.changes()
	for s := range h.sessions {
		n.add(c, s)
		if s.registered && h.peers[s.id] != s {
			c.fail("the registered session of %s is not the one in peers", s.name())
		}
		if s.isHub && h.hubs[s.id] != s {
			c.fail("hub %s is not the one in hubs", s.name())
		}
	}
	if n.registered != len(h.peers) || c.errs != nil {
		h.checkPeers(c, n.registered) // else each of peers is a session that was looked at
	}
	c.that(n.admitted == h.admitted, "%d sessions are admitted, but admitted is %d", n.admitted, h.admitted)
	c.that(n.refused == h.refused, "%d sessions are being refused, but refused is %d", n.refused, h.refused)
	c.that(n.hubs == len(h.hubs), "%d sessions are hubs, but hubs has %d", n.hubs, len(h.hubs))
	queued, reading := h.queued.load(), h.reading.load()
	if h.queued.changes()+h.reading.changes() == changes { // else they were not read at one moment
		c.that(queued == int64(n.held), "queued is %d, but all queues hold %d", queued, n.held)
		c.that(reading == int64(n.incoming), "reading is %d, but all messages being read hold %d", reading, n.incoming)
	}
	c.that(n.announced == h.announced.Load(), "announced is %d, but members hold %d", h.announced.Load(), n.announced)
}

func (h *Hub) checkPeers(c *check, registered int) {
	c.that(registered == len(h.peers), "%d sessions are registered, but peers has %d", registered, len(h.peers))
	for id, s := range h.peers {
		if s.id != id || !s.registered {
			c.fail("peers[%s] is not registered under that id", id)
		}
		if _, held := h.sessions[s]; !held {
			c.fail("peers[%s] is not in sessions", id)
		}
	}
}

// sums are of all sessions.
type sums struct {
	registered, admitted, refused, hubs int
	held, incoming                      int   // memory of queues and of messages being read
	announced                           int64 // bytes
}

// add checks a session and adds it to the sums.
func (n *sums) add(c *check, s *session) {
	count := func(to *int, is bool) {
		if is {
			*to++
		}
	}
	count(&n.registered, s.registered)
	count(&n.admitted, s.admitted)
	count(&n.refused, s.refused)
	count(&n.hubs, s.isHub)
	if s.network != nil && !s.registered {
		c.fail("the session of %s is in a network but not registered", s.name())
	}
	if s.refused && s.registered {
		c.fail("the refused session of %s is registered", s.name())
	}
	if (s.network == nil) != (s.notice == nil) {
		c.fail("the session of %s has a network without a notice, or a notice without a network", s.name())
	}
	if s.notice != nil {
		n.announced += s.notice.bytes()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n.held += s.held
	if s.incoming != nil {
		n.incoming += s.incoming.held
	}
	if s.writing {
		return // its writer has the queue
	}
	memory, bytes := 0, 0
	if s.out != nil {
		memory, bytes = s.out.capacity(), s.out.bytes
	}
	if s.held != memory || s.bytes != bytes {
		c.fail("the queue of %s holds %d of memory and %d bytes, but %d and %d are counted", s.name(), memory, bytes, s.held, s.bytes)
	}
}

// checkIdle compares the counts that must be zero in a hub without sessions, or without goroutines.
func (h *Hub) checkIdle(c *check) {
	loose := h.loose.Load()
	c.that(len(h.sessions) > 0 || h.reading.load() == 0, "%d bytes are being read without a session", h.reading.load())
	c.that(len(h.sessions) > 0 || loose == 0, "%d bytes of notices are left without a session", loose)
	if h.gate.count() > 0 { // the monitor ends last
		return
	}
	c.that(h.stalled.count()+h.receiving.count() == 0, "%d sessions are stalled and %d receiving without a goroutine",
		h.stalled.count(), h.receiving.count())
	_, counted := h.addresses.Count()
	c.that(counted == 0, "%d sessions of addresses are counted, but there is none", counted)
	c.that(h.subjects.Len() == 0, "%d subjects of tokens are counted, but there is no session", h.subjects.Len())
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
