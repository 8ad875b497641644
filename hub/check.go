package hub

import (
	"errors"
	"fmt"
)

// CheckInvariants compares every index of the hub with every other and with the
// gauges, and returns all that does not agree, or nil. It holds the hub's lock
// for a time in proportion to the number of sessions; it may be called at any
// time.
func (h *Hub) CheckInvariants() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := &check{}
	h.checkSessions(c)
	h.checkNetworks(c)
	for id, s := range h.hubs {
		c.that(s.isHub && s.registered && s.id == id, "hubs[%s] holds a session that is no registered hub of that id", id)
	}
	c.that(h.sockets.Load() == int64(len(h.sessions)), "sockets is %d, sessions are %d", h.sockets.Load(), len(h.sessions))
	queued, parting := h.queued.Load(), h.queuedEnding.Load()
	c.that(len(h.sessions) > 0 || queued+parting == 0, "%d bytes are queued for no session", queued+parting)
	c.that(len(h.sessions) > 0 || h.reading.Load() == 0, "%d bytes are being read from no session", h.reading.Load())
	c.that(queued >= 0 && parting >= 0, "queued bytes are %d, parting %d", queued, parting)
	for s := range h.subscriptions {
		c.that(s.ctx.Err() == nil, "the subscription of %s is closed but held", s.holder)
	}
	return errors.Join(c.errs...)
}

type check struct{ errs []error }

func (c *check) that(ok bool, format string, args ...any) {
	if !ok {
		c.errs = append(c.errs, fmt.Errorf("hub: invariant: "+format, args...))
	}
}

func (h *Hub) checkSessions(c *check) {
	registered, admitted, refused, hubs := 0, 0, 0, 0
	for s := range h.sessions {
		if s.registered {
			registered++
			c.that(h.peers[s.id] == s, "a registered session of %s is not the one in peers", s.name())
		} else {
			c.that(s.network == nil, "a session of %s is a member but not registered", s.name())
		}
		if s.admitted {
			admitted++
		}
		if s.refused {
			refused++
			c.that(!s.registered, "a refused session of %s is registered", s.name())
		}
		if s.isHub {
			hubs++
			c.that(h.hubs[s.id] == s, "hub %s is not the one in hubs", s.name())
		}
		c.that((s.network == nil) == (s.notice == nil), "session %s: network and notice disagree", s.name())
	}
	c.that(registered == len(h.peers), "%d sessions are registered, peers holds %d", registered, len(h.peers))
	c.that(admitted == h.admitted, "%d sessions are admitted, admitted is %d", admitted, h.admitted)
	c.that(refused == h.refused, "%d sessions are being refused, refused is %d", refused, h.refused)
	c.that(hubs == len(h.hubs), "%d sessions are hubs, hubs holds %d", hubs, len(h.hubs))
	for id, s := range h.peers {
		c.that(s.id == id && s.registered, "peers[%s] holds a session that is not registered under that id", id)
		_, held := h.sessions[s]
		c.that(held, "peers[%s] holds a session that is not in sessions", id)
	}
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
			c.that(m.network == n && m.slot == i, "network %.50q: the member in slot %d does not know it", name, i)
			c.that(m.registered, "network %.50q: member %s is not registered", name, m.name())
		}
		total += live
		c.that(n.name == name, "networks[%.50q] is named %.50q", name, n.name)
		c.that(live > 0, "network %.50q is empty", name)
		c.that(live == n.live, "network %.50q has %d members, live is %d", name, live, n.live)
	}
	c.that(total == h.memberships, "networks have %d members, memberships is %d", total, h.memberships)
}
