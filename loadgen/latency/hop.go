package latency

import "slices"

// Hop is a stretch of the way of a message or of a peer. Its time is measured.
type Hop uint8

// The hops.
const (
	HopConnect        Hop = iota // TCP, TLS and the upgrade
	HopConnected                 // from dialling to the greeting of the hub
	HopDiscoveryFirst            // from an announce to the first notice of it
	HopDiscoveryAll              // from an announce to the last notice to a member that was there before
	HopOffer                     // from an offer to its receiver
	HopAnswer                    // from an offer to the answer, back at the sender of the offer
	HopCandidate                 // from an ICE candidate to its receiver
	HopPing                      // from a ping to its pong
	HopNotice                    // from a leave to each notice of it
	HopReply                     // from a message to the answer that a codec recognises
	HopTimeout                   // from the moment a peer falls silent to each notice that it is gone
	HopBack                      // from the end of a connection to the greeting of the peer's next one

	NumHops
)

var hopNames = [NumHops]string{
	HopConnect:        "connect",
	HopConnected:      "connected",
	HopDiscoveryFirst: "discovery-first",
	HopDiscoveryAll:   "discovery-all",
	HopOffer:          "offer",
	HopAnswer:         "answer",
	HopCandidate:      "candidate",
	HopPing:           "ping",
	HopNotice:         "notice",
	HopReply:          "reply",
	HopTimeout:        "timeout",
	HopBack:           "back",
}

func (h Hop) String() string { return hopNames[h] }

// HopNames returns the names of all hops.
func HopNames() []string { return slices.Clone(hopNames[:]) }

// ParseHop returns the hop of a name.
func ParseHop(name string) (h Hop, ok bool) {
	i := slices.Index(hopNames[:], name)
	return Hop(max(i, 0)), i >= 0
}
