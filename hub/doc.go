// Package hub is a PeerPigeon 1.x signaling hub that cannot leak: peers connect
// over WebSocket, announce themselves into a network, are told of each other and
// exchange WebRTC offers, answers and ICE candidates through it. Package
// hub/wire is the protocol; package hub/admin the HTTP pages beside it.
//
//	h, err := hub.New(hub.Config{})
//	...
//	go http.Serve(listener, h)
//	...
//	err = h.Shutdown(ctx)
//
// # The life of a session
//
// ServeHTTP screens the request, lets gorilla/websocket do the handshake on a
// transport of ours, starts the session's reader and returns. The reader admits
// the session (or refuses it with a close frame), handles message after message,
// and alone ends it. Whatever else wants a session to end (a slow consumer found
// while queueing, a newcomer taking its id over, Shutdown) takes it out of the
// indexes, queues the close frame and sets the deadline by which the reader,
// which is waiting for the peer's half of the close, gives up.
//
// # Goroutines
//
// One reader for each session, plus a writeLoop for as long as its socket is
// full; one memory monitor for the hub. All are counted in through the hub's
// gate, which lets nobody in once Shutdown has begun, and are joined by it; a
// session's writeLoop is joined by its reader. There is no timer for a session:
// the reader keeps time by the read deadline it blocks under.
//
// # Locks
//
// Hub.mu guards all state of the hub: sessions, peers, networks, hubs,
// subscriptions. Each session's queue has a mutex of its own. Hub.mu comes
// first, then a queue's; no two queues' are held together; gate.mu and monitor.mu
// are leaves. Nothing blocks under any of them: sending is appending to a
// buffer. What the critical section decided (queues to flush, sessions to cut) is
// in the batch, and committed after it.
//
// # Bounds
//
// Everything that a peer can make grow has a bound in Config: connections, bytes
// of a message, of an announce, of a queue and of all queues, messages and
// announces a second, subscriptions. A network is deleted with its last member
// in the same critical section; maps that were large are made anew once most of
// a peak has left. A session that was taken out never comes back: registered
// only ever goes from true to false.
package hub
