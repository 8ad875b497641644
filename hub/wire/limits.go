package wire

// Limits of the protocol. Those of the reference server are kept; the ones it
// lacks are marked as ours.
const (
	MaxMessageBytes     = 1 << 20 // one inbound message after reassembly; beyond it the close code is 1009
	MaxNetworkNameBytes = 256     // ours: the reference keeps names of any length for ever
	MaxDepth            = 128     // ours: nesting of one message
	GoodbyeFanout       = 5       // how many of the closest members hear a goodbye

	DefaultNetwork       = "global"         // the network of a peer that names none
	DefaultMeshNamespace = "pigeonhub-mesh" // the network in which hubs meet
	SystemPeer           = "system"         // fromPeerId of what the hub itself says
)
