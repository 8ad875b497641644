package hub

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// counters only ever rise.
type counters struct {
	accepted      atomic.Uint64
	refused       [NumRefuseReasons]atomic.Uint64
	ended         [wire.NumCloseReasons]atomic.Uint64
	dropped       [NumDropReasons]atomic.Uint64
	received      [wire.NumKinds]atomic.Uint64
	receivedBytes atomic.Uint64
	sentBytes     atomic.Uint64
	relayed       atomic.Uint64
	discoveries   atomic.Uint64
	eventsLost    atomic.Uint64
	panics        atomic.Uint64
}

// Stats is what a hub holds and has done, at one moment. The maps have one entry
// for every member of their closed set, zero ones too.
type Stats struct {
	StartedAt time.Time
	IsHub     bool
	Draining  bool

	// Lengths of the collections, and their bounds.
	Sessions            int // connections of all kinds, those being refused or ending too
	Admitted            int // of these, counting against MaxConnections
	Refused             int // of these, being refused
	Probing             int // of these, waiting for the holder of their id
	Peers               int // registered sessions
	Announced           int // memberships: registered sessions in a network
	Networks            int
	Hubs                int
	Subscriptions       int
	QueuedBytes         int64
	ReadingBytes        int64 // of large messages under way
	MaxConnections      int
	MaxProbing          int
	MaxReadingBytes     int64
	MaxSubscriptions    int
	MaxQueuedBytes      int64
	Goroutines          int // of this hub: readers, handshakes, monitor
	LargestNetwork      int // most members a network has had
	MaxQueuedPerSession int

	// Counters.
	Accepted      uint64
	RefusedHTTP   map[string]uint64 // by RefuseReason
	Ended         map[string]uint64 // by wire.CloseReason
	Dropped       map[string]uint64 // by DropReason
	Received      map[string]uint64 // by wire.Kind
	ReceivedBytes uint64            // of messages
	SentBytes     uint64            // of frames
	Relayed       uint64
	Discoveries   uint64
	EventsLost    uint64
	Panics        uint64

	Memory MemoryStats
}

// Stats returns a snapshot. It takes the hub's lock for a moment; its cost does
// not depend on what the hub holds.
func (h *Hub) Stats() Stats {
	st := Stats{
		StartedAt: h.started, IsHub: h.cfg.IsHub, Draining: h.ctx.Err() != nil,
		MaxConnections: h.cfg.MaxConnections, MaxSubscriptions: h.cfg.MaxSubscriptions,
		MaxQueuedBytes: h.cfg.QueueBytesTotal, MaxQueuedPerSession: h.cfg.QueueBytes,
		MaxProbing: maxProbing, MaxReadingBytes: h.cfg.ReadBytesTotal, ReadingBytes: h.reading.Load(),
		QueuedBytes: h.queued.Load() + h.queuedEnding.Load(), Goroutines: h.gate.count(), Memory: h.memory.stats(),
	}
	h.lengths(&st)
	c := &h.counters
	st.Accepted, st.ReceivedBytes, st.SentBytes = c.accepted.Load(), c.receivedBytes.Load(), c.sentBytes.Load()
	st.Relayed, st.Discoveries = c.relayed.Load(), c.discoveries.Load()
	st.EventsLost, st.Panics = c.eventsLost.Load(), c.panics.Load()
	st.RefusedHTTP = byLabel(c.refused[:], func(i int) string { return RefuseReason(i).String() })
	st.Ended = byLabel(c.ended[:], func(i int) string { return wire.CloseReason(i).String() })
	st.Dropped = byLabel(c.dropped[:], func(i int) string { return DropReason(i).String() })
	st.Received = byLabel(c.received[:], func(i int) string { return wire.Kind(i).String() })
	return st
}

// Sessions returns how many connections the hub holds, of all kinds. It costs
// nothing.
func (h *Hub) Sessions() int { return int(h.sockets.Load()) }

func (h *Hub) lengths(st *Stats) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st.Sessions, st.Refused, st.Peers = len(h.sessions), h.refused, len(h.peers)
	st.Announced, st.Networks, st.Hubs = h.memberships, len(h.networks), len(h.hubs)
	st.Subscriptions, st.LargestNetwork = len(h.subscriptions), h.largest
	st.Admitted, st.Probing = h.admitted, h.probing
}

func byLabel(counts []atomic.Uint64, label func(int) string) map[string]uint64 {
	m := make(map[string]uint64, len(counts))
	for i := range counts {
		m[label(i)] = counts[i].Load()
	}
	return m
}

// HubInfo describes one hub that is connected, in the fields of the protocol's
// /hubs. Times are Unix milliseconds.
type HubInfo struct {
	PeerID       wire.PeerID     `json:"peerId"`
	RegisteredAt int64           `json:"registeredAt"`
	LastActivity int64           `json:"lastActivity"`
	NetworkName  string          `json:"networkName"`
	Data         json.RawMessage `json:"data,omitempty"`
	ConnectedAt  int64           `json:"connectedAt"`
}

// Hubs lists the hubs that are connected.
func (h *Hub) Hubs() []HubInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]HubInfo, 0, len(h.hubs))
	for id, s := range h.hubs {
		list = append(list, HubInfo{
			PeerID: id, RegisteredAt: s.announcedAt, LastActivity: time.Unix(0, s.heardAt.Load()).UnixMilli(),
			NetworkName: s.networkNameLocked(), Data: s.hubData, ConnectedAt: s.began.UnixMilli(),
		})
	}
	return list
}
