package harness

import (
	"context"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Residents returns scenarios of peers that stay over all cycles, two in a network. They show
// what a hub collects as long as a session or a network lives.
func Residents() []Scenario {
	return []Scenario{
		{Name: "resident-announce", Live: announceAgain, Residents: 8}, // so many, because a hub limits how often a peer announces
		{Name: "resident-roam", Live: roamAgain, Residents: 8},
		{Name: "resident-signal", Live: signalAgain, Residents: 2},
		{Name: "resident-ping", Live: pingAgain, Residents: 2},
		{Name: "resident-guest", Live: hearGuest, Residents: 8},
		{Name: "resident-probe", Live: answerProbe, Residents: 4},
	}
}

// Returning returns a scenario of peers that stay, although their connections break without
// notice, as those of a phone that changes the network do. Each event is a new connection under the same
// id, and takes the probe timeout of the hub, which must replace the session that it still has.
func Returning() []Scenario {
	return []Scenario{{
		Name: "resident-return", Residents: 16,
		Live: func(ctx context.Context, v *Visit) error { return v.resident.comeBack(ctx) },
	}}
}

// announceAgain announces in the network that the resident is in.
func announceAgain(ctx context.Context, v *Visit) error {
	if err := v.Announce(v.Network); err != nil {
		return err
	}
	return v.fence(ctx, ignore)
}

// roamAgain moves to a network of the resident alone and back. Its own network never empties, but
// that of the resident alone does.
func roamAgain(ctx context.Context, v *Visit) error {
	v.resident.away.Lock()
	defer v.resident.away.Unlock()
	for _, network := range []string{v.Home + "-" + string(v.ID), v.Home} {
		if err := v.Announce(network); err != nil {
			return err
		}
	}
	return v.fence(ctx, ignore)
}

// signalAgain sends an offer to the resident itself.
func signalAgain(ctx context.Context, v *Visit) error {
	if err := v.Signal(wire.KindOffer, v.ID, Offer()); err != nil {
		return err
	}
	_, err := v.Want(ctx, wire.KindOffer)
	return err
}

func pingAgain(ctx context.Context, v *Visit) error { return v.fence(ctx, ignore) }

// hearGuest hears that another peer joins the network, makes it an offer, and hears that it leaves
// without an answer.
func hearGuest(ctx context.Context, v *Visit) error {
	guest := v.Beside("and a guest", v.Other)
	if err := guest.Join(ctx, v.Network); err != nil {
		return err
	}
	if err := v.WantPeer(ctx, guest.ID); err != nil {
		return err
	}
	if err := v.Signal(wire.KindOffer, guest.ID, Offer()); err != nil {
		return err
	}
	if _, err := guest.Want(ctx, wire.KindOffer); err != nil {
		return err
	}
	if err := guest.Close(ctx); err != nil {
		return err
	}
	return v.WantGone(ctx, guest.ID)
}

// answerProbe is probed by the hub, which refuses a second connection with the resident's id.
func answerProbe(ctx context.Context, v *Visit) error {
	second := v.Beside("again", v.ID)
	if err := second.Dial(ctx); err != nil {
		return err
	}
	_, err := second.WantClose(ctx)
	return err
}
