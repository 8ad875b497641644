package regress_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// fromAddress is a target that is dialled from an address of its own, which the limits of the hub
// apply to.
type fromAddress struct {
	harness.Target
	dialer net.Dialer
}

// limited returns the hub as seen from an address of a /24 that only lives of this kind and index
// have.
func (w *world) limited(v *harness.Visit, kind, host byte) *fromAddress {
	local := netip.AddrFrom4([4]byte{127, kind, byte((v.Cycle*50 + v.Index) % 250), host})
	return &fromAddress{w.target, net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(local, 0))}}
}

func (f *fromAddress) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return f.dialer.DialContext(ctx, network, addr)
}

// isTooMany reports whether the hub refused a peer by a limit of its address.
func isTooMany(err error) bool { return err != nil && strings.Contains(err.Error(), "429") }

// secondOfAnAddress dials twice from one address to a hub that allows one session an address,
// and expects the second to be refused.
func (w *world) secondOfAnAddress(ctx context.Context, v *harness.Visit) error {
	from := w.limited(v, 1, 1)
	first := v.At(from, "first", v.ID)
	if err := first.Connect(ctx); err != nil { // the hub counts the session before it greets
		return err
	}
	return errors.Join(w.wantTooMany(v.At(from, "second", wire.NewPeerID())), first.Close(ctx))
}

// thirdOfAPrefix dials from three addresses of one prefix to a hub that allows two sessions a
// prefix, and expects the third, whose address has no session, to be refused.
func (w *world) thirdOfAPrefix(ctx context.Context, v *harness.Visit) error {
	first, second := v.At(w.limited(v, 2, 1), "first", v.ID), v.At(w.limited(v, 2, 2), "second", wire.NewPeerID())
	if err := errors.Join(first.Connect(ctx), second.Connect(ctx)); err != nil {
		return err
	}
	return errors.Join(w.wantTooMany(v.At(w.limited(v, 2, 3), "third", wire.NewPeerID())), first.Close(ctx), second.Close(ctx))
}

// wantTooMany dials with a context that outlives the call, as an embedder of the client may.
func (w *world) wantTooMany(p *harness.Peer) error {
	switch err := p.Dial(w.lasting); {
	case err == nil:
		return errors.Join(fmt.Errorf("the hub accepted %s", p.Name), p.Drop())
	case !isTooMany(err):
		return err
	}
	return nil
}

// toStall is more than the hub's queue and the buffers of a connection hold.
const toStall = 4 << 20

// cutAndBack is ended as a slow consumer, by what a peer of another address sends to it, and comes
// back. The hub keeps its id for its address meanwhile.
func (w *world) cutAndBack(ctx context.Context, v *harness.Visit) error {
	from, feeder := w.limited(v, 3, 1), v.Beside("its feeder", v.ID[:len(v.ID)-1]+"f")
	slow := v.At(from, "slow", v.ID)
	if err := errors.Join(slow.Join(ctx, v.Home), feeder.Join(ctx, v.Home)); err != nil {
		return err
	}
	if err := slow.Conn().NetConn().(*net.TCPConn).SetReadBuffer(1); err != nil { // the kernel takes its minimum
		return err
	}
	data := longText(32 << 10)
	for range toStall / len(data) {
		if err := feeder.Signal(wire.KindOffer, slow.ID, data); err != nil {
			return err
		}
	}
	if err := feeder.WantGone(ctx, slow.ID); err != nil {
		return err
	}
	if _, err := feeder.Fence(ctx); err != nil { // else the peer that comes back gets what is on its way, and is cut, too
		return err
	}
	if err := slow.Drop(); err != nil {
		return err
	}
	back := v.At(from, "back", v.ID)
	var refused error
	if err := settle.Until(ctx, func() error { // the address has a place when the hub has closed the connection
		if refused = back.Join(ctx, v.Home); isTooMany(refused) {
			return refused
		}
		return nil
	}); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	return errors.Join(back.Close(ctx), feeder.Close(ctx))
}
