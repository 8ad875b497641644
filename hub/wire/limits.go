package wire

// Limits of the protocol (section 9). The reference server does not have the ones
// marked as new.
const (
	MaxMessageBytes     = 1 << 20 // one inbound message after reassembly; beyond it the close code is 1009
	MaxNetworkNameBytes = 256     // new
	MaxDepth            = 1000    // new: nesting of one message
	MaxMembers          = 1000    // new: members of one message, not counting what its data holds
	GoodbyeFanout       = 5       // how many of the closest members get a goodbye

	DefaultNetwork       = "global"         // the network of a peer that names none
	DefaultMeshNamespace = "pigeonhub-mesh" // the network in which hubs meet
	SystemPeer           = "system"         // fromPeerId of the hub's own messages
)
