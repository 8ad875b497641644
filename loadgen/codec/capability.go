package codec

import (
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Greeter is a Codec whose target greets each peer that it has accepted: Decode returns
// EventGreeting. With any other codec a peer counts as accepted once it is connected.
type Greeter interface{ Greets() }

// MemberNotifier is a Codec whose target notifies the members of a network of each join
// and leave: Decode returns EventDiscovered and EventGone.
type MemberNotifier interface{ NotifiesMembers() }

// NetworkNamer is a Codec with which a peer enters networks of any name, and moves from
// one to another by a further announce.
type NetworkNamer interface{ NamesNetworks() }

// Relay is a Codec with which a peer reaches another one by its id.
type Relay interface {
	// Signal returns a message to one peer of the network. Data is a JSON object.
	Signal(kind wire.Kind, from, to wire.PeerID, network string, data []byte) []byte
}

// Leaver is a Codec with which a peer can announce that it leaves.
type Leaver interface {
	// Goodbye returns the message that precedes the close frame of a polite peer.
	Goodbye(id wire.PeerID, network string) []byte
}

// Pinger is a Codec with a ping of its own: Decode returns EventPong for the answer.
type Pinger interface{ Ping() []byte }

// Exchanger is a Codec with which each peer sends messages to the target and recognises
// what answers them.
type Exchanger interface {
	// Say returns a message of a peer, and what recognises its reply.
	Say(id wire.PeerID, sequence uint64) (message []byte, isReply func([]byte) bool)
	// Specific reports whether a reply shows which message it answers. Otherwise replies
	// are taken in the order of the messages.
	Specific() bool
	// TakesTurns reports whether a peer waits for a reply before its next message.
	TakesTurns() bool
}

// Answerer is a Codec whose peers answer keep-alives of the target by themselves.
type Answerer interface {
	// Answer returns the answer to a message, nil if it is no keep-alive.
	Answer(id wire.PeerID, message []byte) []byte
}

// Framer is a Codec that chooses the kind of its frames. Those of others are text.
type Framer interface{ IsBinary() bool }

// HubAnnouncer is a Codec with which a peer can announce that it is a hub, and report
// peers of its own.
type HubAnnouncer interface {
	// AnnounceHub returns an announce that says whether the peer is a hub.
	AnnounceHub(id wire.PeerID, network string, isHub bool) []byte
	// Report returns the notice from one hub to another about a peer of its own.
	Report(of wire.PeerID, network string) []byte
}

// Capability is something that only some protocols have.
type Capability uint8

// The capabilities.
const (
	Greets          Capability = iota // Greeter
	NotifiesMembers                   // MemberNotifier
	NamesNetworks                     // NetworkNamer
	Relays                            // Relay
	SaysGoodbye                       // Leaver
	Pings                             // Pinger
	AnnouncesHubs                     // HubAnnouncer
	Sends                             // Relay or Exchanger: messages whose arrival is recognised
	Answers                           // Pinger or Exchanger: the target answers each peer
)

var capabilities = [...]struct {
	text string
	in   func(Codec) bool
}{
	Greets:          {"greetings", is[Greeter]},
	NotifiesMembers: {"notices of joins and leaves", is[MemberNotifier]},
	NamesNetworks:   {"networks that a peer names", is[NetworkNamer]},
	Relays:          {"messages from peer to peer", is[Relay]},
	SaysGoodbye:     {"goodbyes", is[Leaver]},
	Pings:           {"pings", is[Pinger]},
	AnnouncesHubs:   {"hubs among the peers", is[HubAnnouncer]},
	Sends:           {"messages that are recognised when they arrive", either(is[Relay], is[Exchanger])},
	Answers:         {"answers of the target", either(is[Pinger], is[Exchanger])},
}

func is[T any](c Codec) bool {
	_, ok := c.(T)
	return ok
}

func either(a, b func(Codec) bool) func(Codec) bool {
	return func(c Codec) bool { return a(c) || b(c) }
}

func (p Capability) String() string { return capabilities[p].text }

// In reports whether a codec has the capability.
func (p Capability) In(c Codec) bool { return capabilities[p].in(c) }

// Capabilities are what something needs of a codec.
type Capabilities []Capability

// MissingIn returns the capabilities that a codec lacks.
func (list Capabilities) MissingIn(c Codec) Capabilities {
	var missing Capabilities
	for _, p := range list {
		if !p.In(c) {
			missing = append(missing, p)
		}
	}
	return missing
}

func (list Capabilities) String() string {
	var texts []string
	for _, p := range list {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, " and ")
}
