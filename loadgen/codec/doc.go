// Package codec translates between virtual peers and the protocol of a target.
//
//	c, err := codec.New("peerpigeon", codec.Options{})
//	address, err := c.Address("ws://127.0.0.1:3000", id)
//	message := c.Announce(id, "lobby")
//	event := c.Decode(received)
//	if codec.Relays.In(c) {
//		message = c.(codec.Relay).Signal(wire.KindOffer, id, other, "lobby", data)
//	}
//
// Each codec has the three methods of Codec. What only some protocols have is an
// interface of its own, and a Capability that a profile can ask for. A further codec is
// one file and one row of the list.
//
//	codec.go        Codec, and Event, what a message of the target means
//	capability.go   what only some protocols have: greetings, relays, pings ...
//	list.go         the list of codecs
//	peerpigeon.go   PeerPigeon hubs
//	text.go         any other WebSocket server, by templates
package codec
