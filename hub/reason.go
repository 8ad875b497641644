package hub

// RefuseReason says why a request was answered with an HTTP error instead of an
// upgrade: a closed set, used as log word and metric label. Refusals after the
// upgrade are wire.CloseReason.
type RefuseReason uint8

// The reasons.
const (
	RefuseHandshake RefuseReason = iota // no valid WebSocket handshake
	RefuseUnauthorized
	RefuseOrigin
	RefuseDraining
	RefuseMemory
	RefuseCapacity

	NumRefuseReasons
)

var refuseLabels = [NumRefuseReasons]string{"handshake", "unauthorized", "origin", "draining", "memory", "capacity"}

// String returns the label.
func (r RefuseReason) String() string { return refuseLabels[r] }

// DropReason says why a message went no further: a closed set, used as metric
// label. The protocol answers most of them with silence.
type DropReason uint8

// The reasons.
const (
	DropMalformed     DropReason = iota // not JSON
	DropNull                            // a bare null
	DropNoTarget                        // a signal without targetPeerId
	DropBadTarget                       // targetPeerId is no peer id
	DropUnknownTarget                   // the target is not here
	DropOtherNetwork                    // sender, message and target are not of one network
	DropNotHub                          // a hub's message, or the hub role, without the right to it
	DropUnrouted                        // a type the hub does not route: answered with error
	DropEnding                          // the target's session is ending

	NumDropReasons
)

var dropLabels = [NumDropReasons]string{
	"malformed", "null", "no_target", "bad_target", "unknown_target", "other_network", "not_hub", "unrouted", "ending",
}

// String returns the label.
func (r DropReason) String() string { return dropLabels[r] }
