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

// Check is a test of one behaviour of a PeerPigeon 1.x hub on its WebSocket.
type Check struct {
	Name    string // "duplicate id"
	Section string // of the protocol: 1 terms, 3 handshake, 4 envelopes, 5 messages (5.1 announce, 5.3 signaling, ...), 9 limits
	// Run returns nil, or an error with what was wanted and what was received. It takes at most
	// 30 s and leaves no peer connected. Checks may run concurrently and beside other peers of
	// the hub, because they use ids and networks of their own.
	Run func(ctx context.Context, t harness.Target) error
}

// Checks returns all checks in the order of the protocol. They require what released clients rely
// on. If a hub may repair a weakness of the reference server without an effect on clients, both
// pass. The server of peerpigeon 1.1.3 passes all checks. They do not cover shutdown, limits of
// the configuration, HTTP and federation.
func Checks() []Check {
	return slices.Concat(handshakeChecks(), announceChecks(), relayChecks(), leaveChecks(), messageChecks())
}

// Run runs all checks, one after another. It returns the errors of the failed ones, each with the
// name and section of the check.
func Run(ctx context.Context, t harness.Target) error {
	var errs []error
	for _, c := range Checks() {
		if err := c.Run(ctx, t); err != nil {
			errs = append(errs, fmt.Errorf("%s (protocol section %s): %w", c.Name, c.Section, err))
		}
	}
	return errors.Join(errs...)
}

// checkLongest bounds a check. Before a hub refuses a second peer with an id, it may ping the first
// one and wait some seconds.
const checkLongest = 30 * time.Second

// newCheck returns a check that runs a function, which fails by examination.failf.
func newCheck(name, section string, f func(x *examination)) Check {
	return Check{name, section, func(ctx context.Context, t harness.Target) (err error) {
		ctx, cancel := context.WithTimeout(ctx, checkLongest)
		defer cancel()
		x := &examination{ctx: ctx, target: t}
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

// examination is one run of a check. Its methods end the check if the hub does not do what they
// require, by a panic that newCheck converts to the error.
type examination struct {
	ctx    context.Context
	target harness.Target
	peers  []*harness.Peer
}

type checkFailure struct{ err error }

func (x *examination) failf(format string, args ...any) {
	panic(&checkFailure{fmt.Errorf(format, args...)})
}

func (x *examination) ok(err error) {
	if err != nil {
		x.failf("%w", err)
	}
}

// dismiss closes all peers.
func (x *examination) dismiss() {
	for _, p := range x.peers {
		if p.Connected() {
			p.Drop()
		}
	}
}

// network returns the name of a new network.
func (x *examination) network() string { return "conformance-" + string(wire.NewPeerID()) }

// peer returns a peer that is not connected.
func (x *examination) peer(name string, id wire.PeerID) *harness.Peer {
	p := harness.NewPeer(x.target, name, id)
	x.peers = append(x.peers, p)
	return p
}

// connect returns a peer that has received the greeting.
func (x *examination) connect(name string) *harness.Peer {
	p := x.peer(name, wire.NewPeerID())
	x.enter(p)
	return p
}

// enter connects a peer and waits for the greeting.
func (x *examination) enter(p *harness.Peer) {
	if err := p.Connect(x.ctx); err != nil {
		x.failf("wanted a connection and the greeting, got %w", err)
	}
}

// join returns a peer in a network, after the hub has handled the announcement.
func (x *examination) join(name, network string) *harness.Peer {
	p := x.connect(name)
	x.ok(p.Announce(network))
	x.fence(p)
	return p
}

// pair returns two peers of a network that have discovered each other.
func (x *examination) pair() (alice, bob *harness.Peer) {
	network := x.network()
	alice, bob = x.join("alice", network), x.join("bob", network)
	x.want(alice, wire.KindPeerDiscovered)
	return alice, bob
}

// send sends a message unchanged.
func (x *examination) send(p *harness.Peer, message string) {
	if err := p.SendRaw([]byte(message)); err != nil {
		x.failf("wanted the hub to accept %.80q, got %w", message, err)
	}
}

// write sends a frame unchanged.
func (x *examination) write(p *harness.Peer, frame []byte) {
	if err := p.WriteBytes(frame); err != nil {
		x.failf("wanted the hub to accept the frame %q, got %w", frame, err)
	}
}

// signal sends an offer, answer or candidate with unchanged data.
func (x *examination) signal(p *harness.Peer, kind wire.Kind, to wire.PeerID, data []byte) {
	x.send(p, fmt.Sprintf(`{"type":%q,"data":%s,"targetPeerId":%q,"networkName":%q}`, kind, data, to, p.Network))
}

// want returns the next message of a kind that concerns a peer of the check.
func (x *examination) want(p *harness.Peer, kind wire.Kind) wire.Message {
	var others []wire.Message
	for {
		m, err := p.Receive(x.ctx)
		if err != nil {
			x.failf("wanted %s, got %s and then: %w", kind, quoted(others), err)
		}
		if m.Type == kind.String() && x.concerns(m) {
			return m
		}
		others = append(others, m)
	}
}

// fence waits until the hub has handled all messages of the peer. It returns the messages received
// meanwhile that concern the check.
func (x *examination) fence(p *harness.Peer) []wire.Message {
	got, err := p.Fence(x.ctx)
	if err != nil {
		x.failf("wanted a pong, got %s and then: %w", quoted(got), err)
	}
	return slices.DeleteFunc(got, func(m wire.Message) bool { return !x.concerns(m) })
}

// silence checks that a peer received no message, except those of the given kinds.
func (x *examination) silence(p *harness.Peer, except ...wire.Kind) {
	got := slices.DeleteFunc(x.fence(p), func(m wire.Message) bool {
		return slices.ContainsFunc(except, func(k wire.Kind) bool { return m.Type == k.String() })
	})
	if len(got) > 0 {
		x.failf("%s: wanted nothing, got %s", p.Name, quoted(got))
	}
}

// concerns reports whether a message is about the check. The reference server sends notices about
// peers of other networks to all peers.
func (x *examination) concerns(m wire.Message) bool {
	if m.Type != wire.KindPeerDisconnected.String() {
		return true
	}
	about := wire.PeerIDOf(m.Data)
	return m.NetworkName != "" && slices.ContainsFunc(x.peers, func(p *harness.Peer) bool { return p.ID == about })
}

// same checks the envelope of a message, and its data if want has data.
func (x *examination) same(got, want wire.Message) {
	switch {
	case got.Type != want.Type, got.FromPeerID != want.FromPeerID, got.TargetPeerID != want.TargetPeerID, got.NetworkName != want.NetworkName:
		x.failf("wanted %s, got %s", quoted([]wire.Message{want}), quoted([]wire.Message{got}))
	case want.Data != nil && !bytes.Equal(got.Data, want.Data):
		at := firstDifference(got.Data, want.Data)
		x.failf("%s: wanted the data %.100q, got %.100q, from byte %d on", want.Type, want.Data[at:], got.Data[at:], at)
	case got.Timestamp <= 0:
		x.failf("wanted a timestamp in milliseconds, got %s", quoted([]wire.Message{got}))
	}
}

// firstDifference returns an index shortly before the first byte in which two texts differ.
func firstDifference(a, b []byte) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return max(0, i-20)
}

// wantClose checks how the hub ends a connection.
func (x *examination) wantClose(p *harness.Peer, code int, reason string) {
	closed, err := p.WantClose(x.ctx)
	x.ok(err)
	if closed.Code != code || closed.Reason != reason {
		x.failf("%s: wanted a close with %d %q, got %d %q", p.Name, code, reason, closed.Code, closed.Reason)
	}
}

// longestQuote bounds the bytes of a message in an error.
const longestQuote = 300

// quoted returns messages as text for an error.
func quoted(messages []wire.Message) string {
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
				s += fmt.Sprintf(" %s %.*q", field.name, longestQuote, field.value)
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
		return e.Target.URL() // dialling returns the error
	}
	return u.JoinPath(e.path).String()
}
