package regress_test

import (
	"context"
	"errors"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// withHub starts a hub over pipes, calls visits and then stop.
func withHub(cfg hub.Config, visits func(*hubtest.Target) error, stop func(*hubtest.Target) error) error {
	return withHubOf(hubtest.StartPipes, cfg, visits, stop)
}

// withHubOf is withHub for a hub that start starts.
func withHubOf(
	start func(hub.Config) (*hubtest.Target, error), cfg hub.Config, visits func(*hubtest.Target) error, stop func(*hubtest.Target) error,
) error {
	target, err := start(cfg)
	if err != nil {
		return err
	}
	return errors.Join(visits(target), stop(target))
}

func shutdown(target *hubtest.Target) error {
	ctx, cancel := context.WithTimeout(context.Background(), witnessWait)
	defer cancel()
	return target.Stop(ctx)
}

// liveStartStop shuts down a hub with two peers and a subscription, over TCP because peers of
// pipes are not parked.
func liveStartStop(ctx context.Context, _ *hubtest.Target, _ *harness.Visit) error {
	ended := make(chan error, 2)
	err := withHubOf(hubtest.Start, witnessConfig(), func(target *hubtest.Target) error {
		if _, err := target.Hub.Subscribe("start-stop"); err != nil {
			return err
		}
		for i := range cap(ended) {
			v := visit(target, i)
			if err := v.Join(ctx, v.Home); err != nil {
				return err
			}
			go func() {
				_, err := v.WantClose(ctx)
				ended <- err
			}()
		}
		return nil
	}, shutdown)
	return errors.Join(err, <-ended, <-ended)
}

// liveCutOff closes a hub with a subscription and two peers that do not read.
func liveCutOff(ctx context.Context, _ *hubtest.Target, _ *harness.Visit) error {
	var peers []*harness.Visit
	err := withHub(witnessConfig(), func(target *hubtest.Target) error {
		if _, err := target.Hub.Subscribe("cut-off"); err != nil {
			return err
		}
		for i := range 2 {
			peers = append(peers, visit(target, i))
			if err := peers[i].Join(ctx, peers[i].Home); err != nil {
				return err
			}
		}
		return nil
	}, func(target *hubtest.Target) error {
		return errors.Join(target.Hub.Close(), ignoreCut(shutdown(target)))
	})
	for _, p := range peers {
		p.Drop()
	}
	return err
}

// ignoreCut returns nil for the error of a Shutdown after Close, which cuts connections.
func ignoreCut(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// liveFull dials two peers to a hub that accepts one, and expects the second to be closed.
func liveFull(ctx context.Context, _ *hubtest.Target, _ *harness.Visit) error {
	cfg := witnessConfig()
	cfg.MaxConnections = 1
	return withHub(cfg, func(target *hubtest.Target) error {
		first, second := visit(target, 0), visit(target, 1)
		if err := errors.Join(first.Join(ctx, first.Home), second.Dial(ctx)); err != nil {
			return err
		}
		_, err := second.WantClose(ctx)
		return errors.Join(err, first.Close(ctx))
	}, shutdown)
}

// liveUnauthorized dials a hub that requires a token, first without and then with it.
func liveUnauthorized(ctx context.Context, _ *hubtest.Target, _ *harness.Visit) error {
	cfg := witnessConfig()
	cfg.AuthToken = witnessToken
	return withHub(cfg, func(target *hubtest.Target) error {
		if err := visit(target, 0).Dial(ctx); err == nil {
			return errors.New("the hub accepted a peer without the token")
		}
		c, err := dialWitness(ctx, target, wire.NewPeerID(), witnessToken)
		if err != nil {
			return err
		}
		defer c.Close()
		if err := errors.Join(c.Announce("home", nil), c.SendClose(wire.CodeNormal, "done")); err != nil {
			return err
		}
		return readToEnd(c)
	}, shutdown)
}
