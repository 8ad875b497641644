package codec

import "github.com/pigeonhub/pigeonhub/hub/wire"

// Codec translates between virtual peers and a target. Its methods may be called
// concurrently.
type Codec interface {
	// Address returns the URL that a peer dials.
	Address(base string, id wire.PeerID) (string, error)
	// Announce returns the first message of a peer, with which it enters a network. It
	// returns nil if the protocol has none.
	Announce(id wire.PeerID, network string) []byte
	// Decode returns what a message of the target means.
	Decode(message []byte) Event
}

// Event is what a message of the target means to a virtual peer. Its slices are views of
// the message.
type Event struct {
	Kind    EventKind
	Peer    wire.PeerID // the peer that joined or left
	From    []byte      // of a signal: the sender that the target names
	Signal  wire.Kind
	Network string
	Data    []byte
}

// EventKind is the kind of an event.
type EventKind uint8

// The kinds of events.
const (
	EventOther      EventKind = iota // without a meaning for the load
	EventGreeting                    // the target has accepted the peer
	EventDiscovered                  // a peer is in the network
	EventGone                        // a peer has left the network
	EventSignal                      // another peer sent a signal to this one
	EventPong                        // the answer to a ping
)
