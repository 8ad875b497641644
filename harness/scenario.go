package harness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// Scenario is one way in which peers connect, behave and leave. A correct hub holds nothing of a
// peer afterwards.
type Scenario struct {
	Name string
	// Live runs the life of one peer and returns when the peer has left. An error means that the
	// life did not follow the scenario and does not count as landed.
	Live func(ctx context.Context, v *Visit) error

	Waits   bool // it waits for timeouts of the hub, so its peers come beside the others
	AtOnce  int  // bounds the concurrent peers of a scenario that waits; 0 for all
	Returns bool // its peers have the same ids in each cycle

	// Residents is the number of peers that stay over all cycles. If it is positive, a dose
	// counts events, not peers: Live is one event that a resident sees. The residents take
	// turns, each with one event at a time.
	Residents int
}

// Visit is the life of one peer of a crowd in a scenario.
type Visit struct {
	*Peer
	Index int         // of the peer in its crowd, from 0
	Cycle int         // from 0
	Rand  *rand.Rand  // its seed depends on run, cycle, scenario and index
	Home  string      // the network of ten peers, this one included; of two residents
	Other wire.PeerID // of a further peer of the same life, if it needs one

	HubKey string // of the Crowd

	resident *resident // nil unless the event is one of a resident
}

// Scenarios returns the scenarios in which a peer leaves without waiting for the hub, in a fixed
// order.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "clean", Live: liveClean},
		{Name: "return", Live: liveClean, Returns: true},
		{Name: "goodbye", Live: liveGoodbye},
		{Name: "rst", Live: liveReset},
		{Name: "drop", Live: liveDrop},
		{Name: "early-close", Live: liveEarlyClose},
		{Name: "fresh", Live: liveFresh},
		{Name: "roam", Live: liveRoam},
		{Name: "signal", Live: liveSignal},
		{Name: "absent", Live: liveAbsent},
		{Name: "large", Live: liveLarge},
		{Name: "duplicate", Live: liveDuplicate},
		{Name: "bad-id", Live: liveBadID},
		{Name: "bad-handshake", Live: liveBadHandshake},
		{Name: "bad-frame", Live: liveBadFrame},
		{Name: "flood", Live: liveFlood},
		{Name: "half-frame", Live: liveHalfFrame},
		{Name: "renew", Live: liveRenew},
	}
}

// Patient returns the scenarios in which the hub must detect that a peer has gone. They take as
// long as its timeouts.
func Patient() []Scenario {
	return []Scenario{
		{Name: "vanish", Live: liveVanish, Waits: true},
		{Name: "mute", Live: liveMute, Waits: true},
		{Name: "reconnect", Live: liveReconnect, Waits: true, AtOnce: 16},
		{Name: "trickle", Live: liveTrickle, Waits: true},
		{Name: "stall", Live: liveStall, Waits: true, AtOnce: 8},
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

// liveEarlyClose leaves, by reset or goodbye, while the hub handles the announcement.
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

// liveFresh enters a network that no other peer uses.
func liveFresh(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, "fresh-"+string(v.ID)); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveRoam moves through three networks of its own without a goodbye.
func liveRoam(ctx context.Context, v *Visit) error {
	if err := v.Connect(ctx); err != nil {
		return err
	}
	for i := range 3 {
		if err := v.Announce(fmt.Sprintf("roam-%s-%d", v.ID, i)); err != nil {
			return err
		}
	}
	if err := v.fence(ctx, ignore); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveRenew announces itself again in the network that it is in.
func liveRenew(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	if err := v.Announce(v.Home); err != nil {
		return err
	}
	if err := v.fence(ctx, ignore); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveSignal sends an offer, an answer and a candidate to itself, the only peer that is surely
// connected.
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

// liveAbsent sends offers to peers that do not exist.
func liveAbsent(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	for range 5 {
		if err := v.Signal(wire.KindOffer, wire.NewPeerID(), Offer()); err != nil {
			return err
		}
	}
	if err := v.fence(ctx, ignore); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveLarge announces 8 KB of data in a network with a long name.
func liveLarge(ctx context.Context, v *Visit) error {
	if err := v.Connect(ctx); err != nil {
		return err
	}
	extra := map[string]any{"blob": fmt.Sprintf("%08000d", v.Index)}
	v.Network = fmt.Sprintf("large-%s-%0100d", v.ID, v.Index)
	if err := v.wrap(v.conn.Announce(v.Network, extra)); err != nil {
		return err
	}
	if err := v.fence(ctx, ignore); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveDuplicate opens a second connection with the id of the first, which the hub refuses.
func liveDuplicate(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	listening, stop := context.WithCancel(ctx)
	first := make(chan error, 1)
	go func() { first <- v.Listen(listening) }() // answers the hub's probe
	second := v.Beside("again", v.ID)
	err := second.Dial(ctx)
	if err == nil {
		_, err = second.WantClose(ctx)
	}
	stop()
	return errors.Join(err, <-first, v.Drop())
}

func liveBadID(ctx context.Context, v *Visit) error {
	v.ID = "x" + v.ID // invalid for a hub, but Crowd.Label recognises it
	if err := v.Dial(ctx); err != nil {
		return err
	}
	_, err := v.WantClose(ctx)
	return err
}

// liveBadHandshake sends an HTTP request that is not an upgrade, or leaves in the middle of one.
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

// liveBadFrame sends an invalid frame as a member of a network.
func liveBadFrame(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	frames := hostile.Against(hostile.Frames())
	if err := v.WriteBytes(frames[v.Index%len(frames)].Bytes()); err != nil {
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
