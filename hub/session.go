package hub

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// session is one connection of a peer, from the upgrade to the closed socket. Its
// reader is its one goroutine for as long as it is not parked, and only the reader ends
// it.
type session struct {
	// Fixed after construction.
	hub     *Hub
	id      wire.PeerID // may be invalid: then the session is refused
	grant   *Grant      // what its token allows; nil: what any peer may
	address string      // of the peer, without its port, for the log
	conn    *transport
	began   time.Time

	// Owned by the reader. A parked session has none.
	ws           *websocket.Conn
	batch        *batch // nil when nothing is collected
	messages     bucket
	announces    bucket
	greeted      time.Duration // Hub.clock at the greeting
	messageBegan time.Time     // zero between messages
	spoke        bool          // the first message has arrived
	messageArmed bool          // the read deadline covers the message being read
	messageBytes int64         // read for the message being read, frame headers included
	received     int64         // bytes read since the session began
	pinged       time.Duration // Hub.clock at the last ping; 0 once any bytes arrived after it
	backlog      backlog       // of that ping

	heardAt atomic.Int64 // Hub.clock at the last bytes read; written by the reader
	pings   atomic.Int32 // pings sent and not answered yet

	written written
	probed  atomic.Pointer[probe] // what waits for a sign of life; nil if nothing does

	// Guarded by Hub.mu.
	running     bool // the handshake is done and the reader has started
	admitted    bool // counted in Hub.admitted
	refused     bool // counted in Hub.refused
	registered  bool // in Hub.peers
	isHub       bool
	slot        int     // index in network.members
	lastNetwork string  // the network that it is in, or was in last, for the log
	notice      *notice // the peer-discovered about this peer, for newcomers to its network
	network     *network
	hubData     []byte // data of a hub's announce, for Hubs
	announcedAt int64  // Unix milliseconds

	spot spot // guarded by parking.mu

	queue
}

// Errors with which the reader gives up on the peer.
var (
	errPingTimeout  = errors.New("hub: ping not answered in time")
	errCloseTimeout = errors.New("hub: close not answered in time")
	errFragments    = errors.New("hub: message in too many fragments")
	errQuiet        = errors.New("hub: nothing to read for a while") // the session may be parked
)

// run reads and handles messages until the session is over. It is the reader.
// It returns earlier if the session is parked: then wake starts the next one.
func (s *session) run() {
	parked := false
	defer func() {
		if !parked {
			s.teardown()
		}
	}()
	defer s.recover()
	if s.began.IsZero() && !s.begin() {
		return
	}
	parked = s.readMessages()
}

// begin admits the session. It reports false if the session is over.
func (s *session) begin() bool {
	cfg := s.hub.policy()
	s.hub.cfg.Trace.sessionBegan(s)
	s.began = time.Now()
	s.logBegin()
	s.heardAt.Store(int64(s.hub.clock()))
	s.messages.tokens, s.announces.tokens = float64(cfg.MessageBurst), float64(cfg.AnnounceBurst)
	if why, linger := s.hub.admit(s); why != wire.ReasonNone {
		s.beginClose(why)
		return linger
	}
	s.greeted = s.hub.clock()
	s.arm(s.pingIn())
	return true
}

// readMessages returns when the session is over or parked.
func (s *session) readMessages() (parked bool) {
	for {
		if s.ws == nil {
			s.unpark()
		}
		text, r, err := s.ws.NextReader()
		if err == errQuiet {
			if s.ws = nil; s.park() {
				return true
			}
			continue
		}
		if err != nil {
			s.readFailed(err)
			return false
		}
		if s.isEnding() {
			continue // wait for the peer's close frame; NextReader skips this message
		}
		s.messageBegan, s.messageBytes = time.Now(), 0
		if err := s.receive(text == websocket.TextMessage, r); err != nil {
			s.readFailed(err)
			return false
		}
		s.messageBegan, s.messageArmed = time.Time{}, false
	}
}

// recover ends this session, and nothing else, when the reader panics.
func (s *session) recover() {
	if v := recover(); v != nil {
		s.hub.counters.panics.Add(1)
		s.hub.cfg.Logger.Error("panic in a session", "peer", s.name(), "panic", v, "stack", string(debug.Stack()))
		s.commitBatch()
		s.beginClose(wire.ReasonInternalError)
	}
}

// teardown removes the session from the hub, joins its writer and releases all
// it holds.
func (s *session) teardown() {
	s.commitBatch() // answers to messages that arrived together with the end
	s.hub.do(func(b *batch) { s.hub.remove(s, websocket.CloseAbnormalClosure, "", b) })
	why := s.finishWriting()
	s.conn.release()
	s.hub.noteEnd(s, why)
	defer s.hub.recover() // the trace and the logger are the caller's code
	s.hub.cfg.Trace.sessionEnded(s, why)
	s.logEnd(why)
}

// beginClose removes the session and queues its close frame. The reader goes on
// until the peer has closed its half.
func (s *session) beginClose(why wire.CloseReason) {
	s.hub.do(func(b *batch) { s.hub.beginClose(s, why, b) })
}

// readFailed ends the session for the reason that err stands for.
func (s *session) readFailed(err error) {
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Code != websocket.CloseAbnormalClosure:
		s.hub.do(func(b *batch) { s.hub.beginCloseWith(s, wire.ReasonPeerClosed, closed.Code, closed.Text, b) })
	case s.conn.failed == errPingTimeout:
		s.abort(wire.ReasonPingTimeout)
	case err == websocket.ErrReadLimit, s.conn.failed == errFragments:
		s.beginClose(wire.ReasonMessageTooBig)
		s.discardInput()
	case s.conn.failed != nil:
		s.abort(wire.ReasonPeerLost)
	default:
		s.beginClose(wire.ReasonProtocolError)
		s.discardInput()
	}
}

// discardInput reads until the peer closes or CloseTimeout is over. A socket that
// is closed with unread bytes sends a reset, which would overtake the close frame.
func (s *session) discardInput() {
	io.Copy(io.Discard, s.conn)
}

func (s *session) isEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

// name returns the peer id for logs.
func (s *session) name() string { return peerName(s.id) }

// peerName returns an id for logs. An invalid one is quoted and cut.
func peerName(id wire.PeerID) string {
	if id.Valid() {
		return string(id)
	}
	return fmt.Sprintf("%.50q", string(id))
}

// networkNameLocked returns the network that the session's signals belong to: the
// default one until it announces.
func (s *session) networkNameLocked() string {
	if s.network == nil {
		return wire.DefaultNetwork
	}
	return s.network.name
}
