package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

func handshakeChecks() []Check {
	return []Check{
		newCheck("greeting", "3", func(x *examination) {
			alice := x.peer("alice", wire.NewPeerID())
			x.ok(alice.Dial(x.ctx))
			m, err := alice.Receive(x.ctx)
			x.ok(err)
			x.same(m, wire.Message{Type: "connected", Data: fmt.Appendf(nil, `{"peerId":%q}`, alice.ID), FromPeerID: wire.SystemPeer})
		}),
		newCheck("any path", "3", func(x *examination) {
			x.target = elsewhere{x.target, "some/where"}
			x.connect("alice")
		}),
		newCheck("invalid id", "3", func(x *examination) {
			for _, id := range []string{"", "abc", strings.Repeat("a", 41), strings.Repeat("g", 40)} {
				p := x.peer(fmt.Sprintf("peer with the id %q", id), wire.PeerID(id))
				x.ok(p.Dial(x.ctx))
				x.wantClose(p, wire.CodePolicy, "Invalid peerId format")
			}
		}),
		newCheck("upper and lower case", "1", func(x *examination) {
			low := x.peer("alice", "abcdefabcdef"+wire.NewPeerID()[12:])
			up := x.peer("ALICE", wire.PeerID(strings.ToUpper(string(low.ID))))
			x.enter(low)
			x.enter(up)
			x.fence(low)
		}),
		newCheck("duplicate id", "3", duplicateID),
		newCheck("id free again", "3", func(x *examination) {
			alice := x.join("alice", x.network())
			x.ok(alice.Close(x.ctx))
			x.comesBack(alice)
			again := x.peers[len(x.peers)-1]
			x.ok(again.Reset())
			x.comesBack(again)
		}),
	}
}

// duplicateID checks that the hub refuses a second peer with an id and keeps the first one, which
// answers its ping.
func duplicateID(x *examination) {
	alice, bob := x.pair()
	listening, stop := context.WithCancel(x.ctx)
	heard := make(chan error, 1)
	go func() { heard <- alice.Listen(listening) }()
	second := x.peer("the second alice", alice.ID)
	err := second.Dial(x.ctx)
	var m wire.Message
	if err == nil {
		m, err = second.Receive(x.ctx)
	}
	stop()
	x.ok(<-heard)
	var closed *wire.CloseError
	switch want := (wire.CloseError{Code: wire.CodePolicy, Reason: "Peer already connected"}); {
	case err == nil:
		x.failf("%s: wanted %v, got %s", second.Name, &want, quoted([]wire.Message{m}))
	case !errors.As(err, &closed) || *closed != want:
		x.failf("%s: wanted %v, got %w", second.Name, &want, err)
	}
	x.signal(alice, wire.KindOffer, bob.ID, harness.Offer())
	x.want(bob, wire.KindOffer)
}

// comesBack waits until the hub accepts a peer again that has left.
func (x *examination) comesBack(p *harness.Peer) {
	refused := errors.New("nothing")
	for {
		again := x.peer(p.Name+" again", p.ID)
		err := again.Connect(x.ctx)
		if err == nil {
			return
		}
		if x.ctx.Err() == nil {
			refused = err
		}
		if !settle.Pause(x.ctx, 100*time.Millisecond) {
			x.failf("wanted the id to be free again, got %w", refused)
		}
	}
}

func announceChecks() []Check {
	return []Check{
		newCheck("announce both ways", "5.1", func(x *examination) {
			network := x.network()
			alice := x.join("alice", network)
			bob := x.connect("bob")
			x.ok(bob.Announce(network))
			x.discovers(alice, bob)
			x.discovers(bob, alice)
		}),
		newCheck("announce in an empty network", "5.1", func(x *examination) {
			alice := x.connect("alice")
			x.ok(alice.Announce(x.network()))
			x.silence(alice)
		}),
		newCheck("announce again", "5.1", func(x *examination) {
			alice, bob := x.pair()
			x.ok(bob.Announce(bob.Network))
			x.discovers(alice, bob)
			x.discovers(bob, alice)
		}),
		newCheck("announced data", "5.2", func(x *examination) {
			network := x.network()
			alice, bob := x.join("alice", network), x.connect("bob")
			x.ok(bob.Conn().Announce(network, map[string]any{"role": "reader", "n": 7}))
			var got struct {
				Role string
				N    int
			}
			m := x.want(alice, wire.KindPeerDiscovered)
			if err := json.Unmarshal(m.Data, &got); err != nil || got.Role != "reader" || got.N != 7 {
				x.failf(`wanted "role":"reader" and "n":7 in the data, got %s`, quoted([]wire.Message{m}))
			}
		}),
		newCheck("networks are apart", "5.1", func(x *examination) {
			alice := x.join("alice", x.network())
			bob := x.connect("bob")
			x.ok(bob.Announce(x.network()))
			x.silence(bob)
			x.silence(alice)
			x.ok(bob.Close(x.ctx))
			x.silence(alice)
		}),
	}
}

// discovers checks that a peer receives the notice about another one.
func (x *examination) discovers(p, other *harness.Peer) {
	m := x.want(p, wire.KindPeerDiscovered)
	x.same(m, wire.Message{Type: m.Type, FromPeerID: wire.SystemPeer, TargetPeerID: p.ID, NetworkName: other.Network})
	var data struct {
		PeerID wire.PeerID `json:"peerId"`
		IsHub  *bool       `json:"isHub"`
	}
	if err := json.Unmarshal(m.Data, &data); err != nil || data.PeerID != other.ID || data.IsHub == nil || *data.IsHub {
		x.failf("%s: wanted a notice about %s, which is no hub, got %s", p.Name, other.ID, quoted([]wire.Message{m}))
	}
}

// payloads returns payloads as JSON.stringify writes them, so that a hub that parses and writes them
// again gets the same bytes.
func payloads() map[wire.Kind]json.RawMessage {
	return map[wire.Kind]json.RawMessage{
		wire.KindOffer:        harness.Offer(),
		wire.KindAnswer:       []byte(`{"type":"answer","sdp":"v=0\r\na=<script>&\"quoted\" é 鳩 \\u0041\r\n"}`),
		wire.KindICECandidate: []byte(`{"candidate":"candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":null}`),
	}
}

func relayChecks() []Check {
	var checks []Check
	for _, kind := range []wire.Kind{wire.KindOffer, wire.KindAnswer, wire.KindICECandidate} {
		checks = append(checks, newCheck("relay "+kind.String(), "5.3", func(x *examination) {
			alice, bob := x.pair()
			data := payloads()[kind]
			x.signal(bob, kind, alice.ID, data)
			x.same(x.want(alice, kind), wire.Message{
				Type: kind.String(), Data: data, FromPeerID: string(bob.ID), TargetPeerID: alice.ID, NetworkName: bob.Network,
			})
			x.silence(bob, wire.KindPeerDiscovered)
		}))
	}
	return append(checks,
		newCheck("relay in order", "5.3", func(x *examination) {
			alice, bob := x.pair()
			for i := range 50 {
				x.signal(bob, wire.KindICECandidate, alice.ID, fmt.Appendf(nil, `{"candidate":"%d"}`, i))
			}
			for i := range 50 {
				m := x.want(alice, wire.KindICECandidate)
				if want := fmt.Sprintf(`{"candidate":"%d"}`, i); string(m.Data) != want {
					x.failf("wanted %s, got %.100s", want, m.Data)
				}
			}
		}),
		newCheck("relay of a large message", "9", func(x *examination) {
			alice, bob := x.pair()
			data := fmt.Appendf(nil, `{"sdp":"%0900000d"}`, 1)
			sent := make(chan error, 1) // a pipe has no buffer: the hub may have to write first
			go func() { sent <- bob.Signal(wire.KindOffer, alice.ID, data) }()
			m := x.want(alice, wire.KindOffer)
			x.ok(<-sent)
			if !bytes.Equal(m.Data, data) {
				x.failf("wanted %d bytes of data, got %d, or other bytes", len(data), len(m.Data))
			}
		}),
		newCheck("before the announce", "5.3", func(x *examination) {
			alice, bob := x.connect("alice"), x.connect("bob")
			x.send(bob, fmt.Sprintf(`{"type":"offer","data":{"sdp":"1234567890"},"targetPeerId":%q}`, alice.ID))
			x.same(x.want(alice, wire.KindOffer), wire.Message{
				Type: "offer", FromPeerID: string(bob.ID), TargetPeerID: alice.ID, NetworkName: wire.DefaultNetwork,
			})
		}),
		newCheck("relay to an unknown peer", "5.3", func(x *examination) {
			alice := x.join("alice", x.network())
			x.signal(alice, wire.KindOffer, wire.NewPeerID(), harness.Offer())
			x.send(alice, `{"type":"offer","data":{"sdp":"1234567890"}}`)
			x.silence(alice)
		}),
		newCheck("no relay between networks", "5.3", func(x *examination) {
			alice, bob := x.join("alice", x.network()), x.join("bob", x.network())
			x.signal(bob, wire.KindOffer, alice.ID, harness.Offer())
			x.silence(bob)
			x.silence(alice)
		}),
	)
}
