package hub

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// counters count events since the hub was made. They never decrease.
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

// Stats is a snapshot of the lengths of a hub's collections, their bounds, and its
// counters. The maps have an entry for every member of their closed set, also if it
// is zero.
type Stats struct {
	StartedAt time.Time
	IsHub     bool
	Draining  bool

	// Lengths of the collections, and their bounds.
	Sessions            int // all connections, those being refused or ending included
	Admitted            int // of these, the ones that count against MaxConnections
	Subjects            int // whose tokens sessions carry
	ReservedIDs         int // ids of peers that were cut, kept for their addresses
	Addresses           int // addresses and prefixes that hub/admission knows
	Refused             int // of these, the ones being refused
	Probing             int // of these, the ones that wait for a sign of life of their id's holder
	Peers               int // registered sessions
	Announced           int // memberships: registered sessions in a network
	Networks            int
	Hubs                int
	Subscriptions       int
	QueuedBytes         int64 // memory for what waits, what many are to get counted once
	AnnouncedBytes      int64 // memory of the announce data that members hold for newcomers
	ReadingBytes        int64 // memory of messages over 4 KiB being read
	MaxConnections      int
	MaxProbing          int
	MaxReadingBytes     int64
	MaxSubscriptions    int
	MaxQueuedBytes      int64 // of QueuedBytes and AnnouncedBytes together
	MaxAnnouncedBytes   int64
	Parked              int // sessions without a goroutine: quiet ones, see Config.ParkAfter
	Goroutines          int // of this hub: readers, handshakes, monitor, the one that wakes parked sessions
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

	// What the hub suspects to leak, see package suspect. The growth is in entries or bytes for
	// each 1,000 departed sessions. It is 0 without suspicion, which does not mean that nothing leaks.
	Suspected map[string]float64 // by collection
	LowPoints uint64             // idle times that have been compared with others

	// Times. RelayTime and QueueWait are of at most one relayed message in 256.
	RelayTime    Histogram // from the first bytes read to the last bytes written to the socket
	QueueWait    Histogram // the part of it in the queue of the receiver
	AnnounceTime Histogram // from the first bytes read until all introductions are queued

	Memory MemoryStats
}

// Stats returns a snapshot. Its cost does not grow with the number of sessions.
func (h *Hub) Stats() Stats {
	p := h.policy()
	st := Stats{
		StartedAt: h.started, IsHub: h.cfg.IsHub, Draining: h.ctx.Err() != nil,
		MaxConnections: p.MaxConnections, MaxSubscriptions: h.cfg.MaxSubscriptions,
		MaxQueuedBytes: p.QueueBytesTotal, MaxQueuedPerSession: p.QueueBytes,
		MaxProbing: maxProbing, MaxReadingBytes: p.ReadBytesTotal, ReadingBytes: h.reading.load(),
		QueuedBytes: h.queuedBytes(), AnnouncedBytes: h.announced.Load(), MaxAnnouncedBytes: p.QueueBytesTotal / 2,
		Memory: h.memory.stats(),
	}
	st.Parked, st.Goroutines = h.parking.counts()
	h.lengths(&st)
	st.Addresses, _ = h.addresses.Count()
	st.ReservedIDs, st.Subjects = h.addresses.Reserved(), h.subjects.Len()
	c := &h.counters
	st.Accepted, st.ReceivedBytes, st.SentBytes = c.accepted.Load(), c.receivedBytes.Load(), c.sentBytes.Load()
	st.Relayed, st.Discoveries = c.relayed.Load(), c.discoveries.Load()
	st.Suspected, st.LowPoints = h.leaks.stats()
	st.RelayTime, st.QueueWait, st.AnnounceTime = h.times.relay.stats(), h.times.queue.stats(), h.times.announce.stats()
	st.EventsLost, st.Panics = c.eventsLost.Load(), c.panics.Load()
	st.RefusedHTTP = byLabel(c.refused[:], func(i int) string { return RefuseReason(i).String() })
	st.Ended = byLabel(c.ended[:], func(i int) string { return wire.CloseReason(i).String() })
	st.Dropped = byLabel(c.dropped[:], func(i int) string { return DropReason(i).String() })
	st.Received = byLabel(c.received[:], func(i int) string { return wire.Kind(i).String() })
	return st
}

// Sessions returns Stats.Sessions. It takes no lock.
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

// HubInfo describes one connected hub. Its JSON is an element of /hubs (protocol
// section 2). Times are Unix milliseconds.
type HubInfo struct {
	PeerID       wire.PeerID     `json:"peerId"`
	RegisteredAt int64           `json:"registeredAt"`
	LastActivity int64           `json:"lastActivity"`
	NetworkName  string          `json:"networkName"`
	Data         json.RawMessage `json:"data,omitempty"`
	ConnectedAt  int64           `json:"connectedAt"`
}

// Hubs returns the connected hubs, in no order.
func (h *Hub) Hubs() []HubInfo {
	h.mu.Lock()
	defer h.mu.Unlock()
	list, at, clock := make([]HubInfo, 0, len(h.hubs)), time.Now(), h.clock()
	for id, s := range h.hubs {
		list = append(list, HubInfo{
			PeerID: id, RegisteredAt: s.announcedAt, LastActivity: at.Add(time.Duration(s.heardAt.Load()) - clock).UnixMilli(),
			NetworkName: s.networkNameLocked(), Data: s.hubData, ConnectedAt: s.began.UnixMilli(),
		})
	}
	return list
}
