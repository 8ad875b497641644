// Package wire is the PeerPigeon 1.x signaling protocol: peer ids, message kinds, the
// envelopes that peers send, the frames that a hub sends, the reasons for the end of a
// session, the limits, and a client.
//
//	conn, err := wire.Dial(ctx, "ws://localhost:3000", wire.NewPeerID(), nil)
//	if err != nil {
//		return err
//	}
//	defer conn.Close()
//	err = conn.Announce("my-network", nil)
//	...
//	msg, err := conn.Receive()
//
// PROTOCOL.md describes the protocol. The files:
//
//	envelope.go, scan*.go, word.go  parsing a peer's message
//	frame.go                        building a hub's frames
//	kind.go, peerid.go, reason.go   message kinds, peer ids, close reasons
//	limits.go                       limits
//	client.go                       the client
//
// # Flow
//
// A peer opens a WebSocket on any path with ?peerId=<40 hex digits>. The hub sends
// "connected". The peer sends "announce" and so enters one network. Every member gets a
// "peer-discovered" about it, and it gets one about every member. "offer", "answer" and
// "ice-candidate" are relayed to the peer that they name. "goodbye" or the end of the
// connection removes the peer, and the members get a "peer-disconnected".
//
// # Bytes
//
// Parse validates a message as JSON in the pass that finds its fields. The hub copies
// the payload into its own message without decoding it, so one invalid byte would let a
// sender end the payload early and forge the fields after it. The frame builders
// (Append*, Notice) write whole WebSocket frames, header included, so that a hub can
// collect many in one buffer and send them with one write.
//
// All functions are pure and may be called concurrently. A Conn allows one reader and
// any number of writers.
package wire
