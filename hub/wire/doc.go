// Package wire is the PeerPigeon 1.x signaling protocol and nothing else: peer
// ids, message kinds, the envelope a peer sends, the frames a hub answers with,
// the reasons a session ends for, the limits, and the client half.
//
// # Flow
//
// A peer opens a WebSocket to any path with ?peerId=<40 hex digits>. The hub
// greets it with "connected"; the peer sends "announce" and so enters one
// network; every member hears "peer-discovered" about it and it hears one about
// every member. "offer", "answer" and "ice-candidate" are relayed to the peer
// they name; "goodbye" or the end of the connection takes the peer out, which
// the members hear as "peer-disconnected".
//
// # Bytes
//
// Parse proves that a message is well-formed JSON in the same pass that finds
// its fields, because the hub copies the payload into a message of its own
// without decoding it: one unproven byte would let a sender close the payload
// early and forge the fields after it. The frame builders (Append*, Notice)
// write the whole WebSocket frame, header included, so that a hub can collect
// many in one buffer and hand them to the kernel with one write.
//
// All functions are pure and safe for concurrent use; a Conn allows one reader
// and any number of writers.
package wire
