package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Scenario is one way in which peers come, stay and go. A hub that is right holds
// nothing of a peer afterwards; the classes of leak a scenario exposes are named
// by their numbers in the catalogue (A01 to H03).
type Scenario struct {
	Name    string
	Exposes string
	// Live is the life of one peer. It returns when the peer has gone; an error
	// means that the life did not happen as planned, and does not count.
	Live func(ctx context.Context, v *Visit) error
}

// Visit is one peer of a crowd that goes through a scenario.
type Visit struct {
	*Peer
	Index int        // of the peer in its crowd, from 0
	Cycle int        // from 0
	Rand  *rand.Rand // seeded by run, cycle, scenario and index
	Home  string     // the network of the peer's group of ten
}

// Scenarios returns the scenarios in which a peer leaves at once. The order is
// fixed.
func Scenarios() []Scenario {
	return []Scenario{
		{"clean", "A03 A12 A13 A19 B09 D01 D06", liveClean},
		{"goodbye", "B09 B12 C04", liveGoodbye},
		{"rst", "A10 B12 B17 G01 G02", liveReset},
		{"drop", "B12 B17 G02", liveDrop},
		{"early-close", "A04 B04 B05 B06", liveEarlyClose},
		{"fresh", "B01 B02 B16 F01 F03 F05 D05", liveFresh},
		{"roam", "B01 B09 B11", liveRoam},
		{"signal", "C01 C02 E01", liveSignal},
		{"absent", "C01 C02 F05", liveAbsent},
		{"large", "E01 E05 E06 E11", liveLarge},
		{"duplicate", "B07 B08 G07", liveDuplicate},
		{"bad-id", "A06 B17 G07", liveBadID},
		{"bad-handshake", "G03 G05 G07", liveBadHandshake},
		{"bad-frame", "A05 A08 B17 G02", liveBadFrame},
		{"half-frame", "A06 B17", liveHalfFrame},
	}
}

// Patient returns the scenarios in which the hub must find out by itself that a
// peer is gone: they take as long as its timeouts.
func Patient() []Scenario {
	return []Scenario{
		{"vanish", "A10 A11 B12 G09", liveVanish},
		{"mute", "A06 B17", liveMute},
		{"reconnect", "B07 B08 A14", liveReconnect},
	}
}

func liveClean(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.Close(ctx)
}

func liveGoodbye(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.Leave(ctx)
}

func liveReset(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.Reset()
}

func liveDrop(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.Drop()
}

// liveEarlyClose leaves while the hub is still at the announce, by every door.
func liveEarlyClose(ctx context.Context, v *Visit) error {
	if err := v.Dial(ctx); err != nil {
		return err
	}
	if err := v.Announce(v.Home); err != nil {
		return err
	}
	if v.Index%2 == 0 {
		return v.Reset()
	}
	return v.Leave(ctx)
}

// liveFresh brings an id and a network that were never there before and never
// will be again.
func liveFresh(ctx context.Context, v *Visit) error {
	v.ID = wire.NewPeerID()
	if err := v.Join(ctx, "fresh-"+string(v.ID)); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveRoam moves through networks of its own without leaving.
func liveRoam(ctx context.Context, v *Visit) error {
	if err := v.Connect(ctx); err != nil {
		return err
	}
	for i := range 3 {
		if err := v.Announce(fmt.Sprintf("roam-%s-%d", v.ID, i)); err != nil {
			return err
		}
	}
	if _, err := v.Fence(ctx); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveSignal sends offers to itself, the one peer that is surely there.
func liveSignal(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	for _, kind := range []wire.Kind{wire.KindOffer, wire.KindAnswer, wire.KindICECandidate} {
		if err := v.Signal(kind, v.ID, Offer()); err != nil {
			return err
		}
	}
	if _, err := v.Want(ctx, wire.KindICECandidate); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveAbsent sends to peers that are not there and never were.
func liveAbsent(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	for range 5 {
		if err := v.Signal(wire.KindOffer, wire.NewPeerID(), Offer()); err != nil {
			return err
		}
	}
	if _, err := v.Fence(ctx); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveLarge announces as much as a hub may let through, under a long name.
func liveLarge(ctx context.Context, v *Visit) error {
	if err := v.Connect(ctx); err != nil {
		return err
	}
	extra := map[string]any{"blob": fmt.Sprintf("%08000d", v.Index)}
	v.Network = fmt.Sprintf("large-%s-%0100d", v.ID, v.Index)
	if err := v.wrap(v.conn.Announce(v.Network, extra)); err != nil {
		return err
	}
	if _, err := v.Fence(ctx); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveDuplicate has a second connection refused while the first is there.
func liveDuplicate(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	listening, stop := context.WithCancel(ctx)
	first := make(chan error, 1)
	go func() { first <- v.Listen(listening) }() // answers the hub's probe
	second := NewPeer(v.target, v.Name+" again", v.ID)
	err := second.Dial(ctx)
	if err == nil {
		_, err = second.WantClose(ctx)
	}
	stop()
	return errors.Join(err, <-first, v.Drop())
}

func liveBadID(ctx context.Context, v *Visit) error {
	v.ID = "not an id"
	if err := v.Dial(ctx); err != nil {
		return err
	}
	_, err := v.WantClose(ctx)
	return err
}

// liveBadHandshake speaks HTTP that is no upgrade, or leaves in the middle of it.
func liveBadHandshake(ctx context.Context, v *Visit) error {
	u, err := url.Parse(v.target.URL())
	if err != nil {
		return err
	}
	conn, err := v.target.Dial(ctx, "tcp", u.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	requests := []string{
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /?peerId=" + string(v.ID) + " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\n\r\n",
		"GET /?peerId=" + string(v.ID) + " HTTP/1.1\r\nHost: x\r\nUpgr",
		"\r\n\r\n",
	}
	if _, err := conn.Write([]byte(requests[v.Index%len(requests)])); err != nil {
		return v.errorf("%w", err)
	}
	if v.Index%len(requests) < 2 {
		deadline, _ := ctx.Deadline()
		conn.SetReadDeadline(deadline)
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			return v.errorf("waiting for an HTTP answer: %w", err)
		}
	}
	return nil
}

// liveBadFrame breaks the protocol once it is a member.
func liveBadFrame(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	frames := [][]byte{
		{0x83, 0x80, 0, 0, 0, 0},                              // reserved opcode
		{0x81, 0x01, 'x'},                                     // not masked
		{0xc1, 0x80, 0, 0, 0, 0},                              // RSV1 without an extension
		{0x81, 0x81, 0, 0, 0, 0, 0xff},                        // not UTF-8
		{0x81, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 'x'}, // 4 GiB to come
		{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed},                  // close code 1005
	}
	if err := v.WriteBytes(frames[v.Index%len(frames)]); err != nil {
		return err
	}
	return v.awaitEnd(ctx)
}

// liveHalfFrame leaves in the middle of a message.
func liveHalfFrame(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	if err := v.WriteBytes([]byte{0x81, 0xfe, 0x10, 0x00, 0, 0, 0, 0, '{', '"'}); err != nil {
		return err
	}
	return v.Drop()
}

// liveVanish is a peer whose network went away: it answers nothing and closes
// nothing. It is over when the hub has given up.
func liveVanish(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.awaitHangup(ctx)
}

// liveMute connects and never says a word, or half of one.
func liveMute(ctx context.Context, v *Visit) error {
	if err := v.Dial(ctx); err != nil {
		return err
	}
	if v.Index%2 == 0 {
		if err := v.WriteBytes([]byte{0x81}); err != nil {
			return err
		}
	}
	return v.awaitEnd(ctx)
}

// liveReconnect comes back under its id while the hub still believes in the old
// connection, whose end comes after.
func liveReconnect(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	again := NewPeer(v.target, v.Name+" again", v.ID)
	if err := again.Join(ctx, v.Home); err != nil {
		return err
	}
	return errors.Join(v.Reset(), again.Close(ctx))
}

// awaitHangup takes in bytes without answering any, pings neither, until the hub
// has closed the connection, and closes then.
func (p *Peer) awaitHangup(ctx context.Context) error {
	conn := p.conn.NetConn()
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	conn.SetReadDeadline(deadline)
	_, err := io.Copy(io.Discard, conn)
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		return p.errorf("waiting for the hub to give up: %w", err)
	}
	return nil // by FIN or RST
}
