package hub

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// session is one connection of a peer, from the upgrade to the closed socket. It
// has one goroutine, its reader, which alone ends it.
type session struct {
	// Fixed after construction.
	hub     *Hub
	id      wire.PeerID // not valid in a session that will be refused for it
	hubRole bool        // may be a hub
	conn    *transport
	ws      *websocket.Conn
	began   time.Time

	// Owned by the reader.
	batch        *batch // nil when nothing is collected
	messages     bucket
	announces    bucket
	spoke        bool      // a message has come
	messageBegan time.Time // zero between messages
	messageArmed bool      // the read deadline knows of the message under way
	messageBytes int64     // read for the message under way, frame headers too
	pinged       time.Time // when a ping was sent, zero once anything came

	heardAt atomic.Int64 // Unix nanoseconds of the last bytes; written by the reader
	pings   atomic.Int32 // sent and not answered yet

	progressAt atomic.Int64 // Unix nanoseconds of the last write of a writeLoop

	// Guarded by Hub.mu.
	running     bool // the handshake is done and the reader at work
	admitted    bool // counted in Hub.admitted
	refused     bool // counted in Hub.refused
	registered  bool // in Hub.peers
	network     *network
	slot        int         // in network.members
	notice      wire.Notice // what a newcomer to the network hears of us
	isHub       bool
	hubData     []byte // data of a hub's announce, for Hubs
	announcedAt int64  // Unix milliseconds

	queue
}

// Errors by which a session gives up on its peer.
var (
	errPingTimeout  = errors.New("hub: no answer to a ping")
	errCloseTimeout = errors.New("hub: the peer did not close in time")
	errFragments    = errors.New("hub: a message in too many fragments")
)

// run is the life of a session.
func (s *session) run() {
	defer s.teardown()
	defer s.recover()
	cfg := &s.hub.cfg
	cfg.Trace.sessionBegan(s)
	s.began = time.Now()
	s.heardAt.Store(s.began.UnixNano())
	s.messages.tokens, s.announces.tokens = float64(cfg.MessageBurst), float64(cfg.AnnounceBurst)
	s.arm(s.pingIn())
	if why, linger := s.hub.admit(s); why != wire.ReasonNone {
		if s.beginClose(why); !linger {
			return
		}
	}
	for {
		text, r, err := s.ws.NextReader()
		if err != nil {
			s.readFailed(err)
			return
		}
		if s.isEnding() {
			continue // wait for the peer's close frame; NextReader skips the rest
		}
		s.messageBegan, s.messageBytes = time.Now(), 0
		if err := s.receive(text == websocket.TextMessage, r); err != nil {
			s.readFailed(err)
			return
		}
		s.messageBegan, s.messageArmed = time.Time{}, false
	}
}

// recover turns a panic into the end of this session alone.
func (s *session) recover() {
	if v := recover(); v != nil {
		s.hub.counters.panics.Add(1)
		s.hub.cfg.Logger.Error("panic in a session", "peer", s.name(), "panic", v, "stack", string(debug.Stack()))
		s.commitBatch()
		s.beginClose(wire.ReasonInternalError)
	}
}

// exit takes the session out of the hub and lets go of everything.
func (s *session) teardown() {
	s.commitBatch() // what came together with the end is handled but not yet written
	s.hub.do(func(b *batch) { s.hub.remove(s, websocket.CloseAbnormalClosure, "", b) })
	why := s.finishWriting()
	s.conn.release()
	s.hub.noteEnd(s, why)
	defer s.hub.recover() // from what is not ours: the trace, the logger
	s.hub.cfg.Trace.sessionEnded(s, why)
	s.hub.cfg.Logger.Debug("session ended", "peer", s.name(), "reason", why.String())
}

// recover counts a panic that it has nothing to end for.
func (h *Hub) recover() {
	if v := recover(); v != nil {
		h.counters.panics.Add(1)
	}
}

// finish begins the end of the session; the reader goes on until the peer has
// closed its half.
func (s *session) beginClose(why wire.CloseReason) {
	s.hub.do(func(b *batch) { s.hub.beginClose(s, why, b) })
}

// readFailed ends the session for what stopped the reader.
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

// drain reads and forgets until the peer closes or its time is up. Closing a
// socket that has unread bytes resets the connection, and the close frame would
// be lost on the way.
func (s *session) discardInput() {
	io.Copy(io.Discard, s.conn)
}

// receive reads one message and handles it. Its error is the reader's.
func (s *session) receive(isText bool, r io.Reader) error {
	buf := buffers.Get().(*buffer)
	defer buf.free()
	why, err := s.readAll(r, buf)
	if err != nil {
		return err
	}
	b := s.currentBatch()
	if why == wire.ReasonNone {
		s.spoke = true
		s.hub.counters.receivedBytes.Add(uint64(len(buf.b)))
		why = s.handleMessage(isText, buf.b, b)
	}
	if why != wire.ReasonNone {
		s.hub.beginClose(s, why, b)
	}
	if b.full() {
		s.commitBatch()
	}
	return nil
}

// largeMessage is the size from which on a message counts against the bound on
// all that are under way; smaller ones are bounded by the number of sessions.
const largeMessage = 4 << 10

// readAll reads a message into buf. A slow sender holds what it has sent so far
// for up to MessageTimeout, and many of them together must not fill the memory.
func (s *session) readAll(r io.Reader, buf *buffer) (wire.CloseReason, error) {
	charged := 0
	defer func() { s.hub.reading.Add(int64(-charged)) }()
	for {
		if len(buf.b) == cap(buf.b) {
			buf.b = slices.Grow(buf.b, cap(buf.b))
		}
		if size := cap(buf.b); size > largeMessage && size > charged {
			total, limit := s.hub.reading.Add(int64(size-charged)), s.hub.cfg.ReadBytesTotal
			charged = size
			if total > limit && int64(size) > limit/max(1, s.hub.sockets.Load()) {
				return wire.ReasonOverload, nil
			}
		}
		n, err := r.Read(buf.b[len(buf.b):cap(buf.b)])
		buf.b = buf.b[:len(buf.b)+n]
		if err == io.EOF {
			return wire.ReasonNone, nil
		}
		if err != nil {
			return wire.ReasonNone, err
		}
	}
}

// judge handles a message and says what the session is to be ended for, if
// anything.
func (s *session) handleMessage(isText bool, msg []byte, b *batch) wire.CloseReason {
	if s.isEnding() {
		return wire.ReasonNone // cut while it came in
	}
	if !s.mayReceive(len(msg)) {
		return wire.ReasonMessageRate
	}
	if !utf8.Valid(msg) {
		if isText {
			return wire.ReasonInvalidUTF8
		}
		s.hub.drop(DropMalformed)
		return wire.ReasonNone
	}
	return s.hub.handle(s, msg, b)
}

// mayReceive charges one message of n bytes.
func (s *session) mayReceive(n int) bool {
	cfg := &s.hub.cfg
	return s.messages.take(time.Since(s.began), 1+float64(n/4096), cfg.MessageRate, cfg.MessageBurst)
}

// mayAnnounce charges one announce of n bytes to so many members.
func (s *session) mayAnnounce(n, members int) bool {
	cfg := &s.hub.cfg
	return s.announces.take(time.Since(s.began), 1+float64(n/1024+members/256), cfg.AnnounceRate, cfg.AnnounceBurst)
}

// onPing answers a ping frame and onPong takes a pong. Both cost what a message
// costs, so that a flood of them is one, but for the pong to a ping of ours: how
// often we ask is in other peers' hands (see probe).
func (s *session) onPing(payload string) error {
	s.onControl()
	if !s.isEnding() {
		s.send(s.currentBatch(), func(dst []byte) []byte { return wire.AppendPongFrame(dst, payload) })
	}
	return nil
}

func (s *session) onPong(string) error {
	if s.pings.Load() > 0 { // only here it falls
		s.pings.Add(-1)
		return nil
	}
	return s.onControl()
}

func (s *session) onControl() error {
	if !s.isEnding() && !s.mayReceive(0) {
		s.hub.beginClose(s, wire.ReasonMessageRate, s.currentBatch())
	}
	return nil
}

// collect returns the reader's batch.
func (s *session) currentBatch() *batch {
	if s.batch == nil {
		s.batch = batches.Get().(*batch)
	}
	return s.batch
}

// passing counts bytes on their way to gorilla. The read limit counts payload
// only, and a message may come in frames without any.
func (s *session) countRead(n int) error {
	s.messageBytes += int64(n)
	if !s.messageBegan.IsZero() && s.messageBytes > s.hub.cfg.MaxMessageBytes+largeMessage+s.hub.cfg.MaxMessageBytes/16 && !s.isEnding() {
		return errFragments
	}
	return nil
}

// beforeRead is called by the reader's transport when it is about to block. A
// message that has to wait for its bytes is put under its deadline.
func (s *session) beforeRead() {
	s.commitBatch()
	if !s.messageBegan.IsZero() && !s.messageArmed {
		s.messageArmed = true
		s.arm(s.pingIn())
	}
}

// commitBatch does what the reader collected.
func (s *session) commitBatch() {
	if b := s.batch; b != nil {
		s.batch = nil
		s.hub.commit(b)
		batches.Put(b)
	}
}

// heard notes that bytes came: a sign of life, whatever they are.
func (s *session) noteRead() {
	s.pinged = time.Time{}
	s.heardAt.Store(time.Now().UnixNano())
	s.answerProbe()
}

// alive tells the newcomer that waits for a sign of life, if one does.
func (s *session) answerProbe() {
	s.mu.Lock()
	probed := s.probed
	s.probed = nil
	s.mu.Unlock()
	if probed != nil {
		probed <- true
	}
}

// onDeadline decides, each time the read deadline passes, what the silence
// means. The deadline is set again only here, not with every message, so a
// message costs no timer. It returns an error when the session is over.
func (s *session) onDeadline() error {
	cfg, now := &s.hub.cfg, time.Now()
	silence := now.Sub(time.Unix(0, s.heardAt.Load()))
	switch {
	case s.isEnding():
		return s.onEndDeadline(now)
	case !s.spoke && now.Sub(s.began) >= cfg.FirstMessageTimeout:
		s.beginClose(wire.ReasonFirstMessageTimeout)
	case !s.messageBegan.IsZero() && now.Sub(s.messageBegan) >= cfg.MessageTimeout:
		s.beginClose(wire.ReasonMessageTimeout)
	case !s.pinged.IsZero() && s.progressAt.Load() > s.pinged.UnixNano():
		s.pinged = now // it takes in what waits before the ping
		s.arm(cfg.PongTimeout)
	case !s.pinged.IsZero() && now.Sub(s.pinged) >= cfg.PongTimeout:
		return errPingTimeout
	case !s.pinged.IsZero():
		s.arm(cfg.PongTimeout - now.Sub(s.pinged))
	case silence >= cfg.PingInterval-cfg.PingInterval/5:
		s.pinged = now
		s.hub.do(s.ping)
		s.arm(cfg.PongTimeout)
	default:
		s.arm(max(s.pingIn()-silence, time.Millisecond))
	}
	return nil
}

// onEndDeadline tells the deadline of the end from an older one that passed in the
// moment the end began.
func (s *session) onEndDeadline(now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !now.Before(s.endBy) {
		return errCloseTimeout
	}
	s.conn.Conn.SetReadDeadline(s.endBy)
	return nil
}

// pingIn returns how long the peer may be silent, spread so that the sessions of
// a herd do not ping in step.
func (s *session) pingIn() time.Duration {
	interval := s.hub.cfg.PingInterval
	return interval - rand.N(interval/5+1)
}

// arm sets the read deadline, sooner if a limit on the first message or on the
// one under way ends before. The lock makes it either see that the session is
// ending or be overruled by end.
func (s *session) arm(in time.Duration) {
	now := time.Now()
	if !s.spoke {
		in = min(in, max(s.hub.cfg.FirstMessageTimeout-now.Sub(s.began), time.Millisecond))
	}
	if !s.messageBegan.IsZero() {
		in = min(in, max(s.hub.cfg.MessageTimeout-now.Sub(s.messageBegan), time.Millisecond))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ending {
		s.conn.Conn.SetReadDeadline(now.Add(in))
	}
}

func (s *session) isEnding() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ending
}

// name is the peer id for logs: cut and quoted where it is not one.
func (s *session) name() string {
	if s.id.Valid() {
		return string(s.id)
	}
	return fmt.Sprintf("%.50q", string(s.id))
}

// bucket is a token bucket. It has one owner, the reader, so it needs no lock;
// that and its size, two words of every idle session, are why it is not a
// library's.
type bucket struct {
	tokens float64
	at     time.Duration // of the last take, since the session began
}

// take takes cost tokens at a time and reports whether they were there. A
// negative rate is unlimited.
func (k *bucket) take(at time.Duration, cost, rate float64, burst int) bool {
	if rate < 0 {
		return true
	}
	// What costs more than there can ever be costs all there can be.
	k.tokens = min(float64(burst), k.tokens+rate*(at-k.at).Seconds()) - min(cost, float64(burst))
	k.at = at
	return k.tokens >= 0
}
