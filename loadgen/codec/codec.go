package codec

import "github.com/pigeonhub/pigeonhub/hub/wire"

// Codec is how virtual peers speak to a target. A message that a protocol does not
// have is nil; what needs it is then left out, or cannot be run. Its methods may be
// called concurrently.
type Codec interface {
	// Address returns the URL that a peer dials.
	Address(base string, id wire.PeerID) (string, error)
	// Announce enters a network. It is the first message of a peer.
	Announce(id wire.PeerID, network string) []byte
	// Signal speaks to one peer of the network. Data is a JSON object.
	Signal(kind wire.Kind, from, to wire.PeerID, network string, data []byte) []byte
	// Goodbye comes before the close of who leaves on purpose.
	Goodbye(id wire.PeerID, network string) []byte
	// Ping is answered by the target.
	Ping() []byte
	// Decode says what a message of the target means.
	Decode(message []byte) Event
}

// HubCodec is a Codec of a protocol in which peers may say that they are hubs, and
// tell each other of theirs.
type HubCodec interface {
	Codec
	// AnnounceHub is an announce that says whether the peer is a hub.
	AnnounceHub(id wire.PeerID, network string, isHub bool) []byte
	// Report is what a hub tells another of a peer of its own in a network.
	Report(of wire.PeerID, network string) []byte
}

// Event is what a message of the target means to a virtual peer. Its slices are
// views of the message.
type Event struct {
	Kind    EventKind
	Peer    wire.PeerID // whom it speaks of
	From    []byte      // of a signal: who sent it, as the target says
	Signal  wire.Kind
	Network string
	Data    []byte
}

// EventKind is what kind of event it is.
type EventKind uint8

// The events.
const (
	EventOther      EventKind = iota // of no interest
	EventGreeting                    // the target has accepted the peer
	EventDiscovered                  // a peer is in the network
	EventGone                        // a peer has left the network
	EventSignal                      // another peer spoke to this one
	EventPong
)
