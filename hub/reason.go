package hub

// RefuseReason names why a request was answered with an HTTP error instead of an
// upgrade. It is a closed set; String is the word in logs and metric labels.
// Refusals after the upgrade are a wire.CloseReason.
type RefuseReason uint8

// The reasons.
const (
	RefuseHandshake    RefuseReason = iota // the WebSocket handshake is not valid
	RefuseUnauthorized                     // the token is missing or wrong, has expired, or is for another peer id
	RefuseOrigin                           // the Origin is not in Config.AllowedOrigins
	RefuseDraining                         // Shutdown has begun
	RefuseMemory                           // the process uses more than 90 % of its memory limit
	RefuseCapacity                         // the hub is full and Config.CapacityStatus is set
	RefuseAddress                          // the address has too many sessions, or begins too many
	RefuseToken                            // the token, or its subject, has too many sessions

	NumRefuseReasons
)

var refuseLabels = [NumRefuseReasons]string{
	RefuseHandshake:    "handshake",
	RefuseUnauthorized: "unauthorized",
	RefuseOrigin:       "origin",
	RefuseDraining:     "draining",
	RefuseMemory:       "memory",
	RefuseCapacity:     "capacity",
	RefuseAddress:      "address",
	RefuseToken:        "token",
}

// String returns the label.
func (r RefuseReason) String() string { return refuseLabels[r] }

// DropReason names why the hub discarded a message. It is a closed set; String is
// the metric label. The sender gets no answer, except for DropUnrouted and for an
// announce that has no effect: DropNetworkDenied, DropNetworkFull, and DropNotHub for the
// network of hubs. DropAnnounceData discards a part.
type DropReason uint8

// The reasons.
const (
	DropMalformed     DropReason = iota // the message is not JSON
	DropNull                            // the message is a bare null
	DropNoTarget                        // a signal without targetPeerId
	DropBadTarget                       // targetPeerId is not a valid peer id
	DropUnknownTarget                   // the target is not connected
	DropOtherNetwork                    // sender, message and target are not in the same network
	DropNotHub                          // the sender has no hub role and used a hub's message or claimed the role
	DropUnrouted                        // the hub does not route the type: the sender gets an error message
	DropEnding                          // the target's session is ending
	DropShare                           // the sender's address has as much waiting for the target as it may have
	DropNetworkDenied                   // the announce names a network that the sender's token is not for
	DropNetworkFull                     // the announce names a network with Config.NetworkSessions members
	DropAnnounceData                    // the hub holds all the announce data it may: the peer is introduced without its own

	NumDropReasons
)

var dropLabels = [NumDropReasons]string{
	DropMalformed:     "malformed",
	DropNull:          "null",
	DropNoTarget:      "no_target",
	DropBadTarget:     "bad_target",
	DropUnknownTarget: "unknown_target",
	DropOtherNetwork:  "other_network",
	DropNotHub:        "not_hub",
	DropUnrouted:      "unrouted",
	DropEnding:        "ending",
	DropShare:         "share",
	DropNetworkDenied: "network_denied",
	DropNetworkFull:   "network_full",
	DropAnnounceData:  "announce_data",
}

// String returns the label.
func (r DropReason) String() string { return dropLabels[r] }
