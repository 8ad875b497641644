package hub

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Refusals and cuts are logged at level info, a line each, but no more than reportLines
// for one reason in reportWindow. Further ones are counted, and logged together.
const (
	reportLines  = 5
	reportWindow = 10 * time.Second
)

// reports counts the lines about each reason. Both sets of reasons are closed.
type reports struct {
	mu      sync.Mutex
	refused [NumRefuseReasons]quota     // requests
	ended   [wire.NumCloseReasons]quota // sessions
}

// quota counts the lines of one window.
type quota struct {
	began time.Duration // Hub.clock
	lines int
	more  int // events without a line
}

// logRefusal logs that a request was refused. id is what it gave as its peer id. why may be nil.
func (h *Hub) logRefusal(reason RefuseReason, address, id string, why error) {
	if h.mayReport(&h.reports.refused[reason], "refused", reason.String()) {
		args := []any{"reason", reason.String(), "address", address, "peer", peerName(wire.PeerID(id))}
		if why != nil {
			args = append(args, "why", why)
		}
		h.cfg.Logger.Info("refused", args...)
	}
}

// logBegin logs the begin of a session.
func (s *session) logBegin() {
	s.hub.cfg.Logger.Debug("session began", "address", s.address, "peer", s.name())
}

// logEnd logs the end of a session: at level info if the hub refused or cut it.
func (s *session) logEnd(why wire.CloseReason) {
	level, message, log := slog.LevelDebug, "session ended", s.hub.cfg.Logger
	if what := whatEnded(why); what != "" && s.hub.mayReport(&s.hub.reports.ended[why], what, why.String()) {
		level, message = slog.LevelInfo, "session "+what
	}
	if !log.Enabled(context.Background(), level) {
		return
	}
	network := s.lastNetwork
	if len(network) > 50 {
		network = network[:50]
	}
	log.Log(context.Background(), level, message, "reason", why.String(), "address", s.address, "peer", s.name(),
		"network", fmt.Sprintf("%q", network), "duration", time.Since(s.began).Round(time.Millisecond).String(),
		"received_bytes", s.received, "sent_bytes", s.written.bytes)
}

// whatEnded returns what the hub did to a session that ended for a reason: "refused",
// "cut", or "" if the peer ended it or the hub shuts down.
func whatEnded(why wire.CloseReason) string {
	switch {
	case why >= wire.ReasonInvalidPeerID && why <= wire.ReasonCapacity:
		return "refused"
	case why >= wire.ReasonMessageTooBig && why <= wire.ReasonOperator:
		return "cut"
	}
	return ""
}

// unwanted returns how many requests and sessions were refused, and how many sessions were cut.
func (c *counters) unwanted() (refused, cut uint64) {
	for i := range c.refused {
		refused += c.refused[i].Load()
	}
	for i := range c.ended {
		switch n := c.ended[i].Load(); whatEnded(wire.CloseReason(i)) {
		case "refused":
			refused += n
		case "cut":
			cut += n
		}
	}
	return refused, cut
}

// mayReport counts an event and reports whether it gets a line of its own.
func (h *Hub) mayReport(q *quota, what, reason string) bool {
	h.reports.mu.Lock()
	defer h.reports.mu.Unlock()
	h.closeWindowLocked(q, what, reason, h.clock())
	if q.lines == reportLines {
		q.more++
		return false
	}
	if q.lines == 0 {
		q.began = h.clock()
	}
	q.lines++
	return true
}

// closeWindowLocked begins a new window if the one of q is over by then, and logs how
// many events had no line. reports.mu is held.
func (h *Hub) closeWindowLocked(q *quota, what, reason string, at time.Duration) {
	if q.lines == 0 || at-q.began < reportWindow {
		return
	}
	if q.more > 0 {
		took := (h.clock() - q.began).Round(time.Second)
		h.cfg.Logger.Info(fmt.Sprintf("%d more %s: %s, in %v", q.more, what, reason, took),
			"count", q.more, "reason", reason)
	}
	*q = quota{}
}

// flushReports closes the windows that are over after another wait of that length. The
// memory monitor calls it, so that counted events are logged even if none follows.
func (h *Hub) flushReports(wait time.Duration) {
	h.reports.mu.Lock()
	defer h.reports.mu.Unlock()
	at := h.clock() + wait
	for i := range h.reports.refused {
		h.closeWindowLocked(&h.reports.refused[i], "refused", RefuseReason(i).String(), at)
	}
	for i := range h.reports.ended {
		why := wire.CloseReason(i)
		h.closeWindowLocked(&h.reports.ended[i], whatEnded(why), why.String(), at)
	}
}
