package regress_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// ownHub returns the life of a peer that has a hub of its own, configured by cfg and change. The
// hub starts before live and stops after it.
func (w *world) ownHub(cfg hub.Config, change func(*hub.Config), live func(context.Context, *harness.Visit, *hubtest.Target) error) func(context.Context, *harness.Visit) error {
	change(&cfg)
	return w.startHub(cfg, hubtest.StartPipes, live)
}

// startHub is ownHub for a hub that start starts.
func (w *world) startHub(
	cfg hub.Config, start func(hub.Config) (*hubtest.Target, error), live func(context.Context, *harness.Visit, *hubtest.Target) error,
) func(context.Context, *harness.Visit) error {
	return func(ctx context.Context, v *harness.Visit) error {
		target, err := start(cfg)
		if err != nil {
			return err
		}
		if err := w.watch.Add(target.Hub, w.campaign.Crowd.Label(v.ID)); err != nil {
			return err
		}
		err = live(ctx, v, target)
		if stopped := shutDown(target, w.campaign.Crowd.LifeLimit); !errors.Is(stopped, context.Canceled) { // the result if live called Close
			err = errors.Join(err, stopped)
		}
		return err
	}
}

// ownScenarios returns the scenarios that need the Go API of the hub: subscriptions, and hubs
// that start and stop.
func (w *world) ownScenarios(cfg hub.Config) []harness.Scenario {
	own := func(change func(*hub.Config), live func(context.Context, *harness.Visit, *hubtest.Target) error) func(context.Context, *harness.Visit) error {
		return w.ownHub(cfg, change, live)
	}
	same := func(*hub.Config) {}
	return []harness.Scenario{
		{Name: "subscribe", Live: w.subscribed},
		{Name: "start-stop", Live: w.startHub(cfg, hubtest.Start, wholeHub)}, // over TCP: peers of pipes are not parked
		{Name: "cut-off", Live: own(same, closedAtOnce)},
		{Name: "full", Live: own(func(c *hub.Config) { c.MaxConnections = 1 }, placeForOne)},
		{Name: "unauthorized", Live: own(func(c *hub.Config) { c.AuthToken = "a token" }, withToken)},
		{Name: "big", Live: bigMessage},
		{Name: "bad-message", Live: badMessage},
	}
}

// subscribed holds a subscription while a peer joins and leaves.
func (w *world) subscribed(ctx context.Context, v *harness.Visit) error {
	s, err := w.target.Hub.Subscribe(v.Name)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	select {
	case <-s.Events():
	case <-ctx.Done():
		return fmt.Errorf("the subscription received no event: %w", ctx.Err())
	}
	return v.Close(ctx)
}

// reload is the scenario of peers that replace the configuration. It is not beside the others, because
// a new configuration drops what the one before has collected.
func (w *world) reload() harness.Scenario { return harness.Scenario{Name: "reload", Live: w.reloaded} }

// reloaded replaces the hub's configuration by an equal one while its peer is connected.
func (w *world) reloaded(ctx context.Context, v *harness.Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	if err := w.target.Hub.Reconfigure(w.target.Hub.Config()); err != nil {
		return err
	}
	return v.Close(ctx)
}

// bigMessage sends an offer of 100 KB, more than the hub's pooled buffers hold, to an absent peer.
func bigMessage(ctx context.Context, v *harness.Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	if err := v.Signal(wire.KindOffer, wire.NewPeerID(), longText(100<<10)); err != nil {
		return err
	}
	if _, err := v.Fence(ctx); err != nil {
		return err
	}
	return v.Close(ctx)
}

// longText returns a JSON string of n bytes.
func longText(n int) []byte { return []byte(`"` + strings.Repeat("x", n-2) + `"`) }

// badMessages are made once, because some are large.
var badMessages = hostile.Messages()

// badMessage sends one of the hostile messages as a member of a network. Half of them are made so large
// that no pooled buffer holds them. It leaves if the hub goes on.
func badMessage(ctx context.Context, v *harness.Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	in := badMessages[v.Rand.IntN(len(badMessages))]
	if v.Rand.IntN(2) == 1 {
		in = hostile.Large(in, 100<<10)
	}
	err := v.WriteBytes(in.Bytes())
	if in.Ends == wire.ReasonNone {
		if _, fenced := v.Fence(ctx); err != nil || fenced != nil {
			return errors.Join(err, fenced)
		}
		return v.Close(ctx)
	}
	switch _, err := v.WantClose(ctx); {
	case err == nil, in.Ends == wire.ReasonMessageTooBig && !errors.Is(err, os.ErrDeadlineExceeded): // the hub does not read to its end
		return nil
	default:
		return fmt.Errorf("%s: %w", in.Name, err)
	}
}

// others returns n peers of target whose ids are derived from that of the visit.
func others(target harness.Target, v *harness.Visit, n int) []*harness.Peer {
	peers := make([]*harness.Peer, n)
	for i := range peers {
		id := v.ID[:wire.PeerIDLen-1] + wire.PeerID(fmt.Sprintf("%x", i))
		peers[i] = v.At(target, fmt.Sprintf("peer %d", i), id)
	}
	return peers
}

// wholeHub shuts down a hub that has two peers and a subscription.
func wholeHub(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	if _, err := target.Hub.Subscribe(v.Name); err != nil {
		return err
	}
	peers := others(target, v, 2)
	listening, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	for _, p := range peers {
		if err := p.Join(ctx, v.Home); err != nil {
			return err
		}
		wg.Go(func() { _ = p.Listen(listening) }) // returns when the hub closes
	}
	err := target.Stop(ctx)
	stop()
	wg.Wait()
	for _, p := range peers {
		_ = p.Drop()
	}
	return err
}

// closedAtOnce closes a hub whose peers do not answer.
func closedAtOnce(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	if _, err := target.Hub.Subscribe(v.Name); err != nil {
		return err
	}
	for _, p := range others(target, v, 2) {
		if err := p.Join(ctx, v.Home); err != nil {
			return err
		}
		defer p.Drop()
	}
	return target.Hub.Close()
}

// placeForOne dials two peers to a hub that accepts one, and expects the second to be closed.
func placeForOne(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	peers := others(target, v, 2)
	if err := peers[0].Join(ctx, v.Home); err != nil {
		return err
	}
	if err := peers[1].Dial(ctx); err != nil {
		return err
	}
	if _, err := peers[1].WantClose(ctx); err != nil {
		return err
	}
	return peers[0].Close(ctx)
}

// withToken dials two peers to a hub that requires a token, which only one of them has.
func withToken(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	peers := others(target, v, 2)
	switch err := peers[0].Dial(ctx); {
	case err == nil:
		return errors.Join(errors.New("the hub accepted a peer without a token"), peers[0].Drop())
	case !strings.Contains(err.Error(), "401"):
		return err
	}
	peers[1].HubKey = "a token"
	if err := peers[1].Join(ctx, v.Home); err != nil {
		return err
	}
	return peers[1].Close(ctx)
}

// A hub that has shut down makes the life fail with the error of the dial.
func TestWithTokenOfNoHub(t *testing.T) {
	target, err := hubtest.StartPipes(hub.Config{AuthToken: "a token"})
	if err != nil {
		t.Fatal(err)
	}
	if err := shutDown(target, stopLimit); err != nil {
		t.Fatal(err)
	}
	v := &harness.Visit{Peer: harness.NewPeer(target, "alice", wire.NewPeerID()), Home: "home"}
	if err := withToken(t.Context(), v, target); err == nil || strings.Contains(err.Error(), "accepted a peer") {
		t.Errorf("got %v", err)
	}
}
