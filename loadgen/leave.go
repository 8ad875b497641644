package loadgen

import (
	"fmt"
	"strings"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// Leave is a way in which a peer leaves.
type Leave uint8

// The ways to leave.
const (
	LeavePolite  Leave = iota // goodbye and a close frame, as a shipped client does
	LeaveGoodbye              // goodbye, and the connection stays open
	LeaveReset                // a RST: the process was killed, the network changed
	LeaveVanish               // it stops reading and answering, without a notice
	LeaveEarly                // a FIN right after the upgrade, before the first message

	numLeaves
)

var leaveWords = [numLeaves]string{"polite", "goodbye", "rst", "vanish", "early"}

func (l Leave) String() string { return leaveWords[l] }

// needs returns what a codec must have for this way.
func (l Leave) needs() codec.Capabilities {
	if l == LeaveGoodbye {
		return codec.Capabilities{codec.SaysGoodbye}
	}
	return nil
}

// mixed selects all ways in turn.
const mixed = "mixed"

// parseLeaves returns the ways that a parameter selects.
func parseLeaves(text string) ([]Leave, error) {
	var all []Leave
	for l := range numLeaves {
		all = append(all, l)
		if leaveWords[l] == text {
			return []Leave{l}, nil
		}
	}
	if text == mixed {
		return all, nil
	}
	return nil, fmt.Errorf("no way to leave %q; there are %s and %s", text, strings.Join(leaveWords[:], ", "), mixed)
}

// leave ends a peer. Only the first call has an effect. A message that cannot be sent is
// ignored: the target has closed the connection first.
func (p *Peer) leave(how Leave, t schedule.Tick) {
	p.mu.Lock()
	r, again := p.network, p.left || p.over
	if !again {
		p.left, p.kept = true, how == LeaveVanish
	}
	p.mu.Unlock()
	if again {
		return
	}
	p.fleet.ledger.Left(p.id)
	if r != nil {
		r.leave(p, t, how != LeaveVanish)
	}
	switch how {
	case LeavePolite, LeaveGoodbye:
		p.goodbye(r)
		if how == LeavePolite {
			_ = p.sock.sendClose(wire.CodeNormal, "Client disconnect", closePatience)
		}
	case LeaveReset:
		p.sock.reset()
	case LeaveVanish:
		p.sock.stopReading()
	case LeaveEarly:
		p.sock.closeWrite(closePatience)
	}
}

// goodbye sends a goodbye if the codec has one and the peer has announced.
func (p *Peer) goodbye(r *network) {
	if leaver, ok := p.fleet.codec.(codec.Leaver); ok && r != nil {
		_ = p.fleet.send(p, leaver.Goodbye(p.id, r.name))
	}
}

// end resets the connection of a peer that has vanished.
func (p *Peer) end() {
	p.mu.Lock()
	over := p.over
	p.left, p.over = true, true
	p.mu.Unlock()
	if over {
		return
	}
	p.sock.reset()
	p.fleet.remove(p)
}
