// Package hub is a PeerPigeon 1.x signaling hub. Peers connect over WebSocket and
// announce themselves into a network. The hub introduces them to each other and
// relays their WebRTC offers, answers and ICE candidates.
//
//	h, err := hub.New(hub.Config{}) // a zero field stands for its default
//	if err != nil {
//		return err
//	}
//	go http.Serve(listener, h)
//	...
//	err = h.Shutdown(ctx) // returns when nothing of the hub is left
//
// Package hub/wire has the protocol, and its PROTOCOL.md the sections and numbered
// weaknesses (W1, G1, ...) that comments refer to. Package hub/admin has the HTTP
// pages beside the WebSocket.
//
// # Files
//
// In the order of a connection's life:
//
//	hub.go, config.go, validate.go   Hub, New, the gate; Config, its defaults and its checks
//	policy.go                        what Reconfigure replaces
//	accept.go, auth.go, address.go   from the HTTP request to the session
//	admit.go                         from the session to the registered peer
//	session.go                       the life of a session
//	session_read.go, incoming.go     reading messages
//	bucket.go                        rates
//	session_time.go                  deadlines, pings, probes
//	session_park.go, park_*.go       sessions without a goroutine
//	session_send.go, session_write.go, written.go, queue.go   the queue and its one writer
//	pending.go, chain.go, notice.go  what waits in a queue, its memory, frames that queues share
//	relief.go                        the bound on all queues together
//	transport.go, frames.go, os_*.go the connection underneath gorilla/websocket
//	route.go, announce.go            what a message does
//	network.go                       members of a network
//	batch.go                         what follows once no lock is held
//	remove.go                        taking a session out
//	shutdown.go                      Shutdown and Close
//	events.go, trace.go, stats.go    Subscribe, Trace, Stats
//	report.go, ends.go               log lines about refusals and cuts, the latest of them
//	listing.go, history.go           sessions and networks one by one, the last hour
//	check.go, reason.go              CheckInvariants, closed sets of reasons
//	memory.go, memory_return.go      the memory monitor, returning memory to the OS
//	leaks.go, census.go              what the monitor suspects to leak
//
// # The life of a session
//
// ServeHTTP screens the request and lets gorilla/websocket do the handshake on the
// hub's own transport. It starts the session's reader and returns. The reader admits
// the session, or refuses it with a close frame, and handles one message after
// another. Only the reader ends the session. Any other goroutine that wants a session
// to end (a reader whose message fills its queue, a newcomer that replaces it,
// Shutdown) removes it from the indexes, queues the close frame and sets a deadline.
// The reader then waits for the peer's close frame until that deadline.
//
// # Goroutines
//
// Each session has one reader unless it is parked, and a writeLoop while its socket is
// full. The hub has one memory monitor, and one goroutine that wakes parked sessions.
// All are counted by the hub's gate, which refuses new ones once Shutdown has begun, and
// Shutdown joins them. A session's writeLoop is joined by its reader. A session has no
// timer: its reader blocks under a read deadline and keeps time by that.
//
// # Parking
//
// A reader ends when nothing has arrived for Config.ParkAfter, if the socket is plain TCP
// on Linux and gorilla holds no part of a frame or message. The session is then parked:
// its socket waits in an epoll set, the time of its next deadline in a heap, and it has
// no goroutine, websocket.Conn, read buffer or timer. Bytes, the deadline, or closing the
// connection wake it: a new reader goes on where the last one ended, with the same code
// for all that it does. What the reader owns is passed on under parking.mu. Writing needs
// no reader. The gate counts a parked session too, so that Shutdown, which ends sessions
// as always, joins it. All other connections are never parked; see park_other.go, which
// the build tag nopark selects on Linux.
//
// # Locks
//
// Hub.mu guards the state of the hub: sessions, peers, networks, hubs,
// subscriptions. Each session's queue has a mutex of its own. Hub.mu is locked before
// stalled.mu, and that before a queue's mutex. No goroutine holds the mutexes of two
// queues. parking.mu is locked after a queue's, and before gate.mu. gate.mu, monitor.mu,
// endings.mu and history.mu are leaves. The configuration has no lock: it is behind an
// atomic pointer, see policy. No goroutine blocks while it holds any of them: sending
// only adds to a queue. Queues to flush and sessions to cut are collected
// in a batch, which is committed when no lock is held.
//
// # Memory of a queue
//
// What waits for a peer is in pieces of a fixed size, from a pool. The queue owns them,
// or its writer for the time of one write that does not block, and whichever drops the
// last item of a piece returns it. A frame for many receivers is a notice: it is held
// once, each queue has a ref to it, and the receiver's id and time are filled in when
// it is written. The refs and the member that the notice introduces hold it; the last
// one to let go takes its memory off the sum. Before a frame takes a piece it asks
// whether Config.QueueBytesTotal has room. If not, relieve drops the queues in which
// most waits. It finds them among the sessions whose sockets are full, so it needs no
// lock that a sender may hold for long.
//
// # Bounds
//
// All that a peer can make grow has a bound in Config: connections, bytes of a
// message, of an announce, of a queue and of all queues, messages and announces a
// second, sessions of an address and, if wanted, of a token or network (package
// hub/admission), subscriptions. One address can
// fill half of a peer's queue at most, so that it cannot have the peer cut. On Linux the
// socket of a peer that does not read takes little more than 64 KiB, so that what waits
// waits where the bounds are. A network is
// deleted with its last member in the same critical section. Maps are made anew once
// most sessions of a peak have left. A session that was removed never comes back:
// registered only changes from true to false.
package hub
