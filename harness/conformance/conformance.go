package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Check is one thing that a PeerPigeon 1.x hub does, or does not do, on its
// WebSocket.
type Check struct {
	Name    string // "duplicate id"
	Section string // of the protocol: 1 terms, 3 handshake, 4 envelopes, 5 messages (5.1 announce, 5.3 signaling, ...), 9 limits
	// Run returns nil, or an error that says what was wanted and what came. It
	// takes at most 30 s, and leaves no peer connected. Checks may run
	// concurrently, also against a hub that has other peers: they use ids and
	// networks that nobody else has.
	Run func(ctx context.Context, t harness.Target) error
}

// Checks returns the checks, in the order of the protocol. They ask for what
// shipped clients rely on; where the reference server has a weakness that a hub may
// repair without their noticing, both pass. The server of peerpigeon 1.1.3 passes
// all. What takes the hub's end (the code of a
// shutdown), its configuration (the most connections) or its HTTP side is not
// looked at, nor is federation.
func Checks() []Check {
	return slices.Concat(handshakeChecks(), announceChecks(), relayChecks(), leaveChecks(), messageChecks())
}

// Run runs all checks, one after another, and returns the errors of those that
// failed, each with its name and section.
func Run(ctx context.Context, t harness.Target) error {
	var errs []error
	for _, c := range Checks() {
		if err := c.Run(ctx, t); err != nil {
			errs = append(errs, fmt.Errorf("%s (protocol section %s): %w", c.Name, c.Section, err))
		}
	}
	return errors.Join(errs...)
}

// checkLongest bounds a check: a hub may ask the holder of an id for a sign of
// life before it refuses a second one, for some seconds.
const checkLongest = 30 * time.Second

// newCheck makes a check of a function that fails by examiner.failf.
func newCheck(name, section string, f func(x *examiner)) Check {
	return Check{name, section, func(ctx context.Context, t harness.Target) (err error) {
		ctx, cancel := context.WithTimeout(ctx, checkLongest)
		defer cancel()
		x := &examiner{ctx: ctx, target: t}
		defer x.dismiss()
		defer func() {
			switch failed := recover().(type) {
			case nil:
			case *checkFailure:
				err = failed.err
			default:
				panic(failed)
			}
		}()
		f(x)
		return nil
	}}
}

// examiner is one run of a check. Its methods end the check when what they ask for
// does not happen, by a panic that newCheck turns into the error.
type examiner struct {
	ctx    context.Context
	target harness.Target
	peers  []*harness.Peer
}

type checkFailure struct{ err error }

func (x *examiner) failf(format string, args ...any) {
	panic(&checkFailure{fmt.Errorf(format, args...)})
}

func (x *examiner) ok(err error) {
	if err != nil {
		x.failf("%w", err)
	}
}

// dismiss closes all peers.
func (x *examiner) dismiss() {
	for _, p := range x.peers {
		if p.Connected() {
			p.Drop()
		}
	}
}

// network is a name that nobody else has.
func (x *examiner) network() string { return "conformance-" + string(wire.NewPeerID()) }

// peer is one that is not connected.
func (x *examiner) peer(name string, id wire.PeerID) *harness.Peer {
	p := harness.NewPeer(x.target, name, id)
	x.peers = append(x.peers, p)
	return p
}

// connect is a peer that has been greeted.
func (x *examiner) connect(name string) *harness.Peer {
	p := x.peer(name, wire.NewPeerID())
	x.enter(p)
	return p
}

// enter connects a peer and waits for the greeting.
func (x *examiner) enter(p *harness.Peer) {
	if err := p.Connect(x.ctx); err != nil {
		x.failf("wanted to be let in and greeted, got %w", err)
	}
}

// join is a peer in a network, of which the hub has handled the announce.
func (x *examiner) join(name, network string) *harness.Peer {
	p := x.connect(name)
	x.ok(p.Announce(network))
	x.fence(p)
	return p
}

// pair is two peers in a network that know of each other.
func (x *examiner) pair() (alice, bob *harness.Peer) {
	network := x.network()
	alice, bob = x.join("alice", network), x.join("bob", network)
	x.want(alice, wire.KindPeerDiscovered)
	return alice, bob
}

// send sends a message as it is.
func (x *examiner) send(p *harness.Peer, message string) {
	if err := p.SendRaw([]byte(message)); err != nil {
		x.failf("wanted the hub to take in %.80q, got %w", message, err)
	}
}

// write sends a frame as it is.
func (x *examiner) write(p *harness.Peer, frame []byte) {
	if err := p.WriteBytes(frame); err != nil {
		x.failf("wanted the hub to take in the frame %q, got %w", frame, err)
	}
}

// signal sends an offer, answer or candidate without a change to its data.
func (x *examiner) signal(p *harness.Peer, kind wire.Kind, to wire.PeerID, data []byte) {
	x.send(p, fmt.Sprintf(`{"type":%q,"data":%s,"targetPeerId":%q,"networkName":%q}`, kind, data, to, p.Network))
}

// want returns the next message of a kind that concerns a peer of the check.
func (x *examiner) want(p *harness.Peer, kind wire.Kind) wire.Message {
	var others []wire.Message
	for {
		m, err := p.Receive(x.ctx)
		if err != nil {
			x.failf("wanted %s, got %s and then: %w", kind, told(others), err)
		}
		if m.Type == kind.String() && x.concerns(m) {
			return m
		}
		others = append(others, m)
	}
}

// fence returns what comes before the hub has handled all that the peer has sent,
// as far as it concerns the check.
func (x *examiner) fence(p *harness.Peer) []wire.Message {
	got, err := p.Fence(x.ctx)
	if err != nil {
		x.failf("wanted a pong, got %s and then: %w", told(got), err)
	}
	return slices.DeleteFunc(got, func(m wire.Message) bool { return !x.concerns(m) })
}

// silence checks that nothing came for a peer but what is named.
func (x *examiner) silence(p *harness.Peer, but ...wire.Kind) {
	got := slices.DeleteFunc(x.fence(p), func(m wire.Message) bool {
		return slices.ContainsFunc(but, func(k wire.Kind) bool { return m.Type == k.String() })
	})
	if len(got) > 0 {
		x.failf("%s: wanted nothing, got %s", p.Name, told(got))
	}
}

// concerns reports whether a message is none of those the reference server sends
// about peers of other networks to everybody.
func (x *examiner) concerns(m wire.Message) bool {
	if m.Type != wire.KindPeerDisconnected.String() {
		return true
	}
	about := wire.PeerIDOf(m.Data)
	return m.NetworkName != "" && slices.ContainsFunc(x.peers, func(p *harness.Peer) bool { return p.ID == about })
}

// same checks the envelope of a message. Data is compared if it is given.
func (x *examiner) same(got, want wire.Message) {
	switch {
	case got.Type != want.Type, got.FromPeerID != want.FromPeerID, got.TargetPeerID != want.TargetPeerID, got.NetworkName != want.NetworkName:
		x.failf("wanted %s, got %s", told([]wire.Message{want}), told([]wire.Message{got}))
	case want.Data != nil && !bytes.Equal(got.Data, want.Data):
		at := firstDifference(got.Data, want.Data)
		x.failf("%s: wanted the data %.100q, got %.100q, from byte %d on", want.Type, want.Data[at:], got.Data[at:], at)
	case got.Timestamp <= 0:
		x.failf("wanted a timestamp in milliseconds, got %s", told([]wire.Message{got}))
	}
}

// firstDifference is the index of the first byte in which two texts differ, but for
// some before it to see where that is.
func firstDifference(a, b []byte) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return max(0, i-20)
}

// wantClose checks how the hub ends a connection.
func (x *examiner) wantClose(p *harness.Peer, code int, reason string) {
	closed, err := p.WantClose(x.ctx)
	x.ok(err)
	if closed.Code != code || closed.Reason != reason {
		x.failf("%s: wanted a close with %d %q, got %d %q", p.Name, code, reason, closed.Code, closed.Reason)
	}
}

// mostTold is how much of a message an error quotes.
const mostTold = 300

// told writes messages for a person.
func told(messages []wire.Message) string {
	if len(messages) == 0 {
		return "nothing"
	}
	var all []string
	for _, m := range messages {
		s := m.Type
		for _, field := range []struct{ name, value string }{
			{"data", string(m.Data)}, {"from", m.FromPeerID}, {"to", string(m.TargetPeerID)}, {"network", m.NetworkName}, {"error", m.Error},
		} {
			if field.value != "" {
				s += fmt.Sprintf(" %s %.*q", field.name, mostTold, field.value)
			}
		}
		all = append(all, s)
	}
	return strings.Join(all, "; ")
}

// elsewhere is a target under another path.
type elsewhere struct {
	harness.Target
	path string
}

func (e elsewhere) URL() string {
	u, err := url.Parse(e.Target.URL())
	if err != nil {
		return e.Target.URL() // and dialling says why
	}
	return u.JoinPath(e.path).String()
}
