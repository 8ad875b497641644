package hub

import (
	"net"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Trace holds functions that a Hub calls when sessions begin and end, as
// net/http/httptrace does for requests. Each may be nil. They run on the session's
// goroutine, without a lock of the hub. A slow one delays its session and Shutdown,
// but no other session.
type Trace struct {
	SessionBegin func(SessionTrace)
	SessionEnd   func(SessionTrace, wire.CloseReason)
}

// SessionTrace describes one session. Object and Conn are pointers that the hub
// itself uses: a tool that looks for leaks makes weak pointers of them and does not
// keep the originals.
type SessionTrace struct {
	PeerID wire.PeerID // may be invalid, because refused sessions are traced, too
	Object any         // the hub's own object of the session
	Conn   net.Conn    // its connection
}

func (t *Trace) sessionBegan(s *session) {
	if t.SessionBegin != nil {
		t.SessionBegin(SessionTrace{s.id, s, s.conn})
	}
}

func (t *Trace) sessionEnded(s *session, why wire.CloseReason) {
	if t.SessionEnd != nil {
		t.SessionEnd(SessionTrace{s.id, s, s.conn}, why)
	}
}
