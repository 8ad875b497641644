package admin

import "github.com/pigeonhub/pigeonhub/hub"

// collection is one collection of the hub, with its length and its bound. Metrics and the
// state page read the same list, so that none lacks a collection.
type collection struct {
	name, unit string // unit is "" or "_bytes"
	help       string
	length     func(*hub.Stats) int64
	bound      func(*hub.Stats) int64 // nil if Stats has none
}

// key returns the name with its unit, as in a metric.
func (c collection) key() string { return c.name + c.unit }

// connections is the bound of what exists at most once for each registered session.
func connections(st *hub.Stats) int64 { return int64(st.MaxConnections) }

var collections = []collection{
	{"sessions", "", "Connections, from the upgrade to the closed socket.",
		func(st *hub.Stats) int64 { return int64(st.Sessions) }, nil},
	{"refused_sessions", "", "Connections that are being refused after the upgrade.",
		func(st *hub.Stats) int64 { return int64(st.Refused) }, nil},
	{"admitted_sessions", "", "Connections that count against the limit of connections.",
		func(st *hub.Stats) int64 { return int64(st.Admitted) }, connections},
	{"probing_sessions", "", "Connections that wait for a sign of life of the peer that holds their id.",
		func(st *hub.Stats) int64 { return int64(st.Probing) },
		func(st *hub.Stats) int64 { return int64(st.MaxProbing) }},
	{"addresses", "", "Addresses and prefixes of peers that have a session or had one lately.",
		func(st *hub.Stats) int64 { return int64(st.Addresses) }, nil},
	{"token_subjects", "", "Tokens, and subjects of tokens, that have a session.",
		func(st *hub.Stats) int64 { return int64(st.Subjects) }, connections},
	{"reserved_ids", "", "Ids of peers that were cut as slow consumers, kept for their addresses.",
		func(st *hub.Stats) int64 { return int64(st.ReservedIDs) }, nil},
	{"peers", "", "Registered sessions.",
		func(st *hub.Stats) int64 { return int64(st.Peers) }, connections},
	{"memberships", "", "Peers in a network.",
		func(st *hub.Stats) int64 { return int64(st.Announced) }, connections},
	{"networks", "", "Networks with a member.",
		func(st *hub.Stats) int64 { return int64(st.Networks) }, connections},
	{"largest_network_members", "", "Most members a network has had.",
		func(st *hub.Stats) int64 { return int64(st.LargestNetwork) }, connections},
	{"hubs", "", "Peers that announced as hubs.",
		func(st *hub.Stats) int64 { return int64(st.Hubs) }, connections},
	{"subscriptions", "", "Subscribers of the hub's events.",
		func(st *hub.Stats) int64 { return int64(st.Subscriptions) },
		func(st *hub.Stats) int64 { return int64(st.MaxSubscriptions) }},
	{"reading", "_bytes", "Memory of the messages over 4 KiB being read.",
		func(st *hub.Stats) int64 { return st.ReadingBytes },
		func(st *hub.Stats) int64 { return st.MaxReadingBytes }},
	{"queued", "_bytes", "Memory of the unsent bytes of all sessions, what many are to get counted once.",
		func(st *hub.Stats) int64 { return st.QueuedBytes },
		func(st *hub.Stats) int64 { return st.MaxQueuedBytes }},
	{"announced", "_bytes", "Memory of the announce data that members hold for newcomers.",
		func(st *hub.Stats) int64 { return st.AnnouncedBytes },
		func(st *hub.Stats) int64 { return st.MaxAnnouncedBytes }},
	{"parked_sessions", "", "Quiet sessions, which have no goroutine.",
		func(st *hub.Stats) int64 { return int64(st.Parked) }, connections},
	{"goroutines", "", "Goroutines and handshakes of the hub.",
		func(st *hub.Stats) int64 { return int64(st.Goroutines) }, nil},
}
