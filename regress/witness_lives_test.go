package regress_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	witnessHubKey = "the key of the hubs"
	witnessToken  = "the token of the peers"
	witnessWait   = 10 * time.Second // bounds every wait of a life
	pipeWait      = 3 * time.Second  // the same over a pipe; short, because the timer of a deadline retains a closed pipe
)

// life is a scenario as the witness runs it.
type life struct {
	name   string
	atOnce int
	ownHub bool // each life has a hub of its own
	stays  bool // a life is an event that a resident sees
	live   func(ctx context.Context, target *hubtest.Target, v *harness.Visit) error
}

// witnessLife returns the life with the name of a scenario.
func witnessLife(name string) life {
	if name == every {
		name = "clean"
	}
	for _, l := range allLives() {
		if l.name == name {
			return l
		}
	}
	panic("no life is named " + name)
}

// allLives returns the lives of all scenarios.
func allLives() []life {
	lives := []life{
		{name: "return", atOnce: 32, live: liveReturn}, {name: "stall", atOnce: 16, live: liveStall}, {name: "flood", atOnce: 8, live: liveFlood},
		{name: "trickle", atOnce: 64, live: liveTrickle}, {name: "hub", atOnce: 16, live: liveHub}, {name: "subscribe", atOnce: 8, live: liveSubscribe},
		{name: "reload", atOnce: 24, live: liveReload},
		{name: "start-stop", atOnce: 8, ownHub: true, live: liveStartStop}, {name: "cut-off", atOnce: 8, ownHub: true, live: liveCutOff}, {name: "full", atOnce: 8, ownHub: true, live: liveFull},
		{name: "unauthorized", atOnce: 8, ownHub: true, live: liveUnauthorized},
	}
	for _, s := range slices.Concat(harness.Scenarios(), harness.Patient()) {
		if !slices.ContainsFunc(lives, func(l life) bool { return l.name == s.Name }) {
			lives = append(lives, life{name: s.Name, atOnce: 24, live: ofHarness(s)}) // the hub lets no more wait for a probe
		}
	}
	return append(lives, residentLives()...)
}

func ofHarness(s harness.Scenario) func(context.Context, *hubtest.Target, *harness.Visit) error {
	return func(ctx context.Context, _ *hubtest.Target, v *harness.Visit) error { return s.Live(ctx, v) }
}

// live runs one life of a peer with a new id.
func (w *witness) live(ctx context.Context) error {
	wait := witnessWait
	if w.life.ownHub {
		wait = pipeWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	i := int(w.next.Add(1) - 1)
	return w.life.live(ctx, w.target, visit(w.target, i))
}

func visit(target *hubtest.Target, i int) *harness.Visit {
	return &harness.Visit{
		Peer:  harness.NewPeer(target, fmt.Sprint("peer ", i), wire.NewPeerID()),
		Index: i, Rand: rand.New(rand.NewPCG(1, uint64(i))), Home: fmt.Sprint("home ", i/10),
	}
}

// liveReturn joins and closes. The ids repeat after witnessGoal lives.
func liveReturn(ctx context.Context, _ *hubtest.Target, v *harness.Visit) error {
	v.ID = wire.PeerID(fmt.Sprintf("%040x", v.Index%witnessGoal))
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.Close(ctx)
}

// liveStall joins and stops reading, while another peer sends to it until the hub ends it.
func liveStall(ctx context.Context, target *hubtest.Target, v *harness.Visit) error {
	home := "stall " + string(v.ID)
	slow, err := dialWitness(ctx, target, v.ID, "")
	if err != nil {
		return err
	}
	defer slow.Close()
	if tcp, ok := slow.NetConn().(*net.TCPConn); ok {
		tcp.SetReadBuffer(1)
	}
	if err := slow.Announce(home, nil); err != nil {
		return err
	}
	sender := harness.NewPeer(target, v.Name+" sender", wire.NewPeerID())
	if err := sender.Join(ctx, home); err != nil {
		return err
	}
	payload, _ := json.Marshal(strings.Repeat("x", 60<<10))
	for range 200 {
		if err := sender.Signal(wire.KindOffer, v.ID, payload); err != nil {
			return err
		}
		heard, err := sender.Fence(ctx)
		if err != nil {
			return err
		}
		for _, m := range heard {
			if m.Type == wire.KindPeerDisconnected.String() {
				return sender.Close(ctx)
			}
		}
	}
	return errors.New("the hub did not end the peer that does not read")
}

// liveFlood announces more often than the hub allows.
func liveFlood(ctx context.Context, target *hubtest.Target, v *harness.Visit) error {
	c, err := dialWitness(ctx, target, v.ID, "")
	if err != nil {
		return err
	}
	defer c.Close()
	ended := make(chan error, 1)
	go func() { ended <- readToEnd(c) }()
	for range 60 {
		if err := c.Announce(v.Home, nil); err != nil {
			break
		}
	}
	return <-ended
}

// liveTrickle sends a message more slowly than the hub allows.
func liveTrickle(ctx context.Context, _ *hubtest.Target, v *harness.Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	if err := v.WriteBytes([]byte{0x81, 0xfe, 0x40, 0x00, 0, 0, 0, 0}); err != nil {
		return err
	}
	for range 8 {
		if err := v.WriteBytes([]byte(strings.Repeat(" ", 1000))); err != nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	_, err := v.WantClose(ctx)
	return err
}

// liveHub announces as a hub, introduces a peer, announces as a plain peer of another network, and
// leaves.
func liveHub(ctx context.Context, target *hubtest.Target, v *harness.Visit) error {
	c, err := dialWitness(ctx, target, v.ID, witnessHubKey)
	if err != nil {
		return err
	}
	defer c.Close()
	introduction := fmt.Sprintf(`{"type":"peer-discovered","networkName":%q,"data":{"peerId":%q}}`, v.Home, wire.NewPeerID())
	err = errors.Join(c.Announce(v.Home, map[string]any{"isHub": true}), c.SendRaw([]byte(introduction)),
		c.Announce(v.Home+" again", nil), c.SendClose(wire.CodeNormal, "done"))
	if err != nil {
		return err
	}
	return readToEnd(c)
}

// liveReload replaces the configuration of the hub between the join and the end of a peer.
func liveReload(ctx context.Context, target *hubtest.Target, v *harness.Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return errors.Join(target.Hub.Reconfigure(target.Hub.Config()), v.Close(ctx))
}

// liveSubscribe holds a subscription while a peer joins and leaves.
func liveSubscribe(ctx context.Context, target *hubtest.Target, v *harness.Visit) error {
	events, err := target.Hub.Subscribe(v.Name)
	if err != nil {
		return err
	}
	defer events.Close()
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	select {
	case <-events.Events():
	case <-ctx.Done():
		return ctx.Err()
	}
	return v.Close(ctx)
}

// dialWitness dials with a token, if it is not empty.
func dialWitness(ctx context.Context, target *hubtest.Target, id wire.PeerID, token string) (*wire.Conn, error) {
	address := target.URL()
	if token != "" {
		address += "/?token=" + url.QueryEscape(token)
	}
	return wire.Dial(ctx, address, id, &wire.DialOptions{NetDialContext: target.Dial})
}

// readToEnd reads until the hub has closed the connection, and returns an error after witnessWait.
func readToEnd(c *wire.Conn) error {
	c.SetReceiveDeadline(time.Now().Add(witnessWait))
	for {
		_, err := c.ReceiveRaw()
		if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
			return err
		}
		if err != nil {
			return nil
		}
	}
}
