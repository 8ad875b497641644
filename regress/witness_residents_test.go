package regress_test

import (
	"context"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// residentLives returns the lives that are events of a resident, which the first event connects.
func residentLives() []life {
	var lives []life
	for name, event := range map[string]func(context.Context, *harness.Peer, *harness.Visit) error{
		"resident-announce": announceAgain, "resident-roam": roamAgain, "resident-signal": signalItself,
		"resident-ping": pingAgain, "resident-guest": seeGuest, "resident-probe": seeProbe,
	} {
		var resident *harness.Peer
		lives = append(lives, life{name: name, atOnce: 1, stays: true, live: func(ctx context.Context, target *hubtest.Target, v *harness.Visit) error {
			if resident == nil {
				p := harness.NewPeer(target, "the resident", wire.NewPeerID())
				if err := p.Join(ctx, "residents"); err != nil {
					return err
				}
				resident = p
			}
			return event(ctx, resident, v)
		}})
	}
	return lives
}

func announceAgain(ctx context.Context, resident *harness.Peer, _ *harness.Visit) error {
	if err := resident.Announce("residents"); err != nil {
		return err
	}
	return pingAgain(ctx, resident, nil)
}

func roamAgain(ctx context.Context, resident *harness.Peer, v *harness.Visit) error {
	if err := resident.Announce("away"); err != nil {
		return err
	}
	return announceAgain(ctx, resident, v)
}

func pingAgain(ctx context.Context, resident *harness.Peer, _ *harness.Visit) error {
	_, err := resident.Fence(ctx)
	return err
}

func signalItself(ctx context.Context, resident *harness.Peer, _ *harness.Visit) error {
	if err := resident.Signal(wire.KindAnswer, resident.ID, harness.Offer()); err != nil {
		return err
	}
	_, err := resident.Want(ctx, wire.KindAnswer)
	return err
}

func seeGuest(ctx context.Context, resident *harness.Peer, v *harness.Visit) error {
	if err := v.Join(ctx, "residents"); err != nil {
		return err
	}
	if err := v.Close(ctx); err != nil {
		return err
	}
	return resident.WantGone(ctx, v.ID)
}

// seeProbe dials with the resident's id, which answers the probe of the hub as it reads.
func seeProbe(ctx context.Context, resident *harness.Peer, v *harness.Visit) error {
	v.ID = resident.ID
	refused := make(chan error, 1)
	go func() {
		err := v.Dial(ctx)
		if err == nil {
			_, err = v.WantClose(ctx)
		}
		if err == nil { // a signal to itself ends the reading below
			err = resident.Signal(wire.KindAnswer, resident.ID, harness.Offer())
		}
		refused <- err
	}()
	if _, err := resident.Want(ctx, wire.KindAnswer); err != nil {
		return err
	}
	return <-refused
}
