package conformance

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

func leaveChecks() []Check {
	checks := []Check{
		newCheck("goodbye", "5.4", func(x *examination) {
			alice, bob := x.pair()
			data := fmt.Appendf(nil, `{"peerId":%q,"timestamp":1}`, bob.ID)
			x.send(bob, fmt.Sprintf(`{"type":"goodbye","data":%s,"networkName":%q}`, data, bob.Network))
			x.same(x.want(alice, wire.KindGoodbye), wire.Message{
				Type: "goodbye", Data: data, FromPeerID: string(bob.ID), NetworkName: bob.Network,
			})
			x.notifiedOfEnd(alice, bob)
		}),
		newCheck("goodbye to the closest", "5.4", goodbyeFanout),
	}
	for name, end := range map[string]func(p *harness.Peer, ctx context.Context) error{
		"close": (*harness.Peer).Close, "reset": func(p *harness.Peer, _ context.Context) error { return p.Reset() },
	} {
		checks = append(checks, newCheck("peer-disconnected after "+name, "5.5", func(x *examination) {
			alice, bob := x.pair()
			x.ok(end(bob, x.ctx))
			x.notifiedOfEnd(alice, bob)
		}))
	}
	slices.SortFunc(checks, func(a, b Check) int { return strings.Compare(a.Section+a.Name, b.Section+b.Name) })
	return checks
}

// notifiedOfEnd checks that a member receives the notice that another one has disconnected.
func (x *examination) notifiedOfEnd(p, gone *harness.Peer) {
	m := x.want(p, wire.KindPeerDisconnected)
	x.same(m, wire.Message{Type: m.Type, FromPeerID: wire.SystemPeer, TargetPeerID: p.ID, NetworkName: gone.Network})
	if id := wire.PeerIDOf(m.Data); id != gone.ID {
		x.failf("%s: wanted the notice that %s has disconnected, got %s", p.Name, gone.ID, id)
	}
}

// goodbyeFanout checks that the five closest of eight members receive the goodbye, and that all
// receive the notice of the end.
func goodbyeFanout(x *examination) {
	network := x.network()
	leaver := x.peer("leaver", wire.NewPeerID())
	var members []*harness.Peer
	for i := range wire.GoodbyeFanout + 3 { // at distances that differ
		id := []byte(leaver.ID)
		for d := range 1 + i {
			id[d] = "fedcba9876543210"[strings.IndexByte("0123456789abcdef", id[d])]
		}
		members = append(members, x.peer(fmt.Sprintf("member %d", i), wire.PeerID(id)))
	}
	slices.SortFunc(members, func(a, b *harness.Peer) int {
		return cmp.Compare(wire.Distance(a.ID, leaver.ID), wire.Distance(b.ID, leaver.ID))
	})
	for _, p := range append(members, leaver) {
		x.enter(p)
		x.ok(p.Announce(network))
		x.fence(p)
	}
	x.send(leaver, fmt.Sprintf(`{"type":"goodbye","data":{"peerId":%q},"networkName":%q}`, leaver.ID, network))
	for i, p := range members {
		heard := 0
		for m := (wire.Message{}); m.Type != wire.KindPeerDisconnected.String(); {
			var err error
			if m, err = p.Receive(x.ctx); err != nil {
				x.failf("wanted peer-disconnected: %w", err)
			}
			if m.Type == wire.KindGoodbye.String() {
				heard++
			}
			if !x.concerns(m) {
				m.Type = ""
			}
		}
		if want := min(1, max(0, wire.GoodbyeFanout-i)); heard != want {
			x.failf("%s, the closest but %d of %d: wanted %d goodbyes, got %d", p.Name, i, len(members), want, heard)
		}
	}
}

func messageChecks() []Check {
	return []Check{
		newCheck("ping", "5.6", func(x *examination) {
			alice := x.connect("alice")
			x.send(alice, `{"type":"ping"}`)
			m := x.want(alice, wire.KindPong)
			x.same(m, wire.Message{
				Type: "pong", Data: fmt.Appendf(nil, `{"timestamp":%d}`, m.Timestamp), FromPeerID: wire.SystemPeer, TargetPeerID: alice.ID,
			})
		}),
		newCheck("cleanup", "5.7", func(x *examination) {
			alice, bob := x.pair()
			x.send(bob, fmt.Sprintf(`{"type":"cleanup","data":{"peerId":%q},"targetPeerId":%q,"networkName":%q}`, bob.ID, alice.ID, bob.Network))
			x.silence(bob, wire.KindPeerDiscovered)
			x.silence(alice)
		}),
		newCheck("unknown type", "5.9", func(x *examination) {
			alice, bob := x.pair()
			x.refuses(bob, `{"type":"telegram","data":1,"targetPeerId":"`+string(alice.ID)+`"}`, "telegram")
			x.silence(alice)
		}),
		newCheck("no type", "4", func(x *examination) {
			alice := x.connect("alice")
			for _, message := range []string{`{}`, `[1,2]`, `"word"`, `42`, `true`} {
				x.refuses(alice, message, "undefined")
			}
		}),
		newCheck("malformed messages", "4", func(x *examination) {
			alice := x.connect("alice")
			for _, message := range []string{``, `{`, `{"type":"ping"`, `{"type":"ping"}}`, `null`, `nonsense`} {
				x.send(alice, message)
				x.silence(alice)
			}
		}),
		newCheck("binary message", "3", func(x *examination) {
			alice := x.connect("alice")
			x.write(alice, hostile.Frame(hostile.Final|hostile.Binary, []byte(`{"type":"ping"}`)))
			x.want(alice, wire.KindPong)
		}),
		newCheck("message in fragments", "3", func(x *examination) {
			alice := x.connect("alice")
			for _, frame := range [][]byte{
				hostile.Frame(hostile.Text, []byte(`{"type"`)),
				hostile.Frame(hostile.Continuation, []byte(`:"pi`)),
				hostile.Frame(hostile.Final|hostile.Continuation, []byte(`ng"}`)),
			} {
				x.write(alice, frame)
			}
			x.want(alice, wire.KindPong)
		}),
		newCheck("ping frame", "3", pingFrame),
		newCheck("message too big", "9", func(x *examination) {
			alice := x.connect("alice")
			sent := make(chan error, 1) // an error if the hub does not read the whole message
			go func() { sent <- alice.SendRaw(bytes.Repeat([]byte(" "), wire.MaxMessageBytes+1)) }()
			x.wantClose(alice, wire.CodeTooBig, "")
			<-sent
		}),
		newCheck("against RFC 6455", "3", func(x *examination) {
			for _, in := range hostile.Against(slices.Concat(hostile.Frames(), hostile.Messages())) {
				p := x.connect(in.Name)
				x.write(p, in.Bytes())
				x.wantCode(p, in.Ends.Code())
			}
		}),
	}
}

// refuses checks that the hub answers a message with the error for a type.
func (x *examination) refuses(p *harness.Peer, message, typ string) {
	x.send(p, message)
	m := x.want(p, wire.KindError)
	if m.Error != wire.ErrorText(typ) {
		x.failf("after %s: wanted the error %q, got %q", message, wire.ErrorText(typ), m.Error)
	}
}

// wantCode checks the code of a close frame, whose reason depends on the WebSocket library.
func (x *examination) wantCode(p *harness.Peer, code int) {
	closed, err := p.WantClose(x.ctx)
	x.ok(err)
	if closed.Code != code {
		x.failf("wanted a close with %d, got %d %q", code, closed.Code, closed.Reason)
	}
}

// pingFrame checks that the hub answers a ping frame with a pong frame of the same payload.
func pingFrame(x *examination) {
	alice := x.connect("alice")
	x.write(alice, hostile.Frame(hostile.Final|hostile.Ping, []byte("hello")))
	conn := alice.Conn().NetConn() // a peer that has not announced receives nothing else
	deadline, _ := x.ctx.Deadline()
	x.ok(conn.SetReadDeadline(deadline))
	got, want := make([]byte, 7), "\x8a\x05hello"
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
		x.failf("wanted the pong frame %q, got %q: %v", want, got, err)
	}
	x.ok(conn.SetReadDeadline(time.Time{}))
}
