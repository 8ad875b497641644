package hub

import (
	"net"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Trace holds functions that a Hub calls as sessions begin and end, as
// net/http/httptrace does for requests. Any may be nil. They run on the
// session's own goroutine without a lock of the hub held; a slow one delays that
// session, and Shutdown, but nobody else.
type Trace struct {
	SessionBegin func(SessionTrace)
	SessionEnd   func(SessionTrace, wire.CloseReason)
}

// SessionTrace is one session as a tool sees it. Object and Conn are pointers to
// what the hub keeps for the session: a tool that watches for leaks makes weak
// pointers of them and must not keep the pointers themselves.
type SessionTrace struct {
	PeerID wire.PeerID // may be invalid: refused sessions are traced too
	Object any         // the session
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
