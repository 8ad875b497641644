package regress_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// ownHub is the life of a whole hub: like cfg but for a change, started for one visit and
// stopped after it.
func (w *world) ownHub(cfg hub.Config, change func(*hub.Config), live func(context.Context, *harness.Visit, *hubtest.Target) error) func(context.Context, *harness.Visit) error {
	change(&cfg)
	return func(ctx context.Context, v *harness.Visit) error {
		target, err := hubtest.StartPipes(cfg)
		if err != nil {
			return err
		}
		if err := w.watch.Add(target.Hub, w.campaign.Crowd.Label(v.ID)); err != nil {
			return err
		}
		err = live(ctx, v, target)
		if stopped := shutDown(target, w.campaign.Crowd.LifeLimit); !errors.Is(stopped, context.Canceled) { // as it is after Close with peers
			err = errors.Join(err, stopped)
		}
		return err
	}
}

// ownScenarios are those that take more than a connection: what embeds the hub
// does to it, and whole hubs that come and go.
func (w *world) ownScenarios(cfg hub.Config) []harness.Scenario {
	own := func(change func(*hub.Config), live func(context.Context, *harness.Visit, *hubtest.Target) error) func(context.Context, *harness.Visit) error {
		return w.ownHub(cfg, change, live)
	}
	same := func(*hub.Config) {}
	return []harness.Scenario{
		{Name: "subscribe", Live: w.subscribed},
		{Name: "start-stop", Live: own(same, wholeHub)},
		{Name: "cut-off", Live: own(same, closedAtOnce)},
		{Name: "full", Live: own(func(c *hub.Config) { c.MaxConnections = 1 }, placeForOne)},
		{Name: "unauthorized", Live: own(func(c *hub.Config) { c.AuthToken = "a token" }, withToken)},
	}
}

// subscribed listens to the hub's events for as long as a peer is there.
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
		return fmt.Errorf("no event came: %w", ctx.Err())
	}
	return v.Close(ctx)
}

// others are peers of a hub of its own, named after the visit.
func others(target harness.Target, v *harness.Visit, n int) []*harness.Peer {
	peers := make([]*harness.Peer, n)
	for i := range peers {
		id := v.ID[:wire.PeerIDLen-1] + wire.PeerID(fmt.Sprintf("%x", i))
		peers[i] = v.At(target, fmt.Sprintf("peer %d", i), id)
	}
	return peers
}

// wholeHub is a hub that two peers join and somebody listens to, and that is
// shut down with all of them there.
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
		wg.Go(func() { _ = p.Listen(listening) }) // until the hub closes
	}
	err := target.Stop(ctx)
	stop()
	wg.Wait()
	for _, p := range peers {
		_ = p.Drop()
	}
	return err
}

// closedAtOnce is a hub that is closed at once, with peers that do not answer.
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

// placeForOne is a hub with a place for one, to which two come.
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

// withToken is a hub that asks for a token, and one peer of two has it.
func withToken(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	peers := others(target, v, 2)
	switch err := peers[0].Dial(ctx); {
	case err == nil:
		return errors.Join(errors.New("a peer without a token was let in"), peers[0].Drop())
	case !strings.Contains(err.Error(), "401"):
		return err
	}
	peers[1].HubKey = "a token"
	if err := peers[1].Join(ctx, v.Home); err != nil {
		return err
	}
	return peers[1].Close(ctx)
}

// A hub that nobody reaches is an error of the life, and no more.
func TestWithTokenOfNoHub(t *testing.T) {
	target, err := hubtest.StartPipes(hub.Config{AuthToken: "a token"})
	if err != nil {
		t.Fatal(err)
	}
	if err := shutDown(target, stopLimit); err != nil {
		t.Fatal(err)
	}
	v := &harness.Visit{Peer: harness.NewPeer(target, "alice", wire.NewPeerID()), Home: "home"}
	if err := withToken(t.Context(), v, target); err == nil || strings.Contains(err.Error(), "was let in") {
		t.Errorf("got %v", err)
	}
}
