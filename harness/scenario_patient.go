package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

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
	if err := v.awaitEnd(ctx); errors.Is(err, os.ErrDeadlineExceeded) {
		v.lingers = true
	}
	return nil
}

// liveReconnect comes back under its id while the hub still believes in the old
// connection, whose end comes after.
func liveReconnect(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	again := v.Beside("again", v.ID)
	if err := again.Join(ctx, v.Home); err != nil {
		return err
	}
	return errors.Join(v.Reset(), again.Close(ctx))
}

// awaitHangup takes in bytes without answering any, pings neither, until the hub
// has closed the connection, and closes then.
func (p *Peer) awaitHangup(ctx context.Context) error {
	conn := p.conn.NetConn()
	deadline, _ := ctx.Deadline()
	conn.SetReadDeadline(deadline)
	_, err := io.Copy(io.Discard, conn)
	p.lingers = errors.Is(err, os.ErrDeadlineExceeded)
	return nil // by FIN or RST, or not at all
}

// liveFlood announces more than a hub lets through, until it is cut.
func liveFlood(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	extra := map[string]any{"blob": strings.Repeat("x", 4<<10)}
	for range 40 {
		if v.conn.Announce(v.Home, extra) != nil {
			break // it has been cut
		}
	}
	return v.awaitEnd(ctx)
}

// liveTrickle sends one message byte by byte, each soon enough for a deadline that
// is set anew with every byte, until the hub cuts it.
func liveTrickle(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	conn := v.conn.NetConn()
	if _, err := conn.Write([]byte{0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0}); err != nil { // 64 KiB to come
		return v.errorf("%w", err)
	}
	scratch := make([]byte, 256)
	for ctx.Err() == nil {
		if _, err := conn.Write([]byte("x")); err != nil {
			return nil // it has been cut
		}
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := conn.Read(scratch); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
	}
	v.lingers = true
	return nil
}

// mostToStall bounds what is sent to a peer that does not read, before a hub that
// does not cut it is found to have no bound.
const mostToStall = 64 << 20

// stallBurst is how many offers the stalled peer is sent before its feeder looks
// whether it was cut. One at a time would, in a crowd, take so long that the pings
// the peer does not answer end it before its queue has.
const stallBurst = 8

// liveStall joins and reads no more, while another sends to it until the hub cuts
// it as a slow consumer.
func liveStall(ctx context.Context, v *Visit) error {
	feeder := v.Beside("its feeder", v.ID[:len(v.ID)-1]+"f")
	// At once: the one that came first would answer no ping while the other joins.
	var joined sync.WaitGroup
	var feederErr error
	joined.Go(func() { feederErr = feeder.Join(ctx, v.Home) })
	err := v.Join(ctx, v.Home)
	joined.Wait()
	if err = errors.Join(err, feederErr); err != nil {
		return err
	}
	if tcp, ok := v.conn.NetConn().(*net.TCPConn); ok {
		tcp.SetReadBuffer(1) // the smallest there is: less to fill
	}
	offer := fmt.Appendf(nil, `{"type":"offer","targetPeerId":%q,"networkName":%q,"data":"%s"}`, v.ID, v.Home, strings.Repeat("x", 32<<10))
	for sent := 0; sent < mostToStall; sent += stallBurst * len(offer) {
		cut := false
		for i := 0; i < stallBurst && err == nil; i++ {
			err = feeder.SendRaw(offer)
		}
		if err == nil {
			err = feeder.fence(ctx, func(raw []byte) { cut = cut || tellsGone(raw, v.ID) })
		}
		if v.lingers = errors.Is(err, os.ErrDeadlineExceeded); v.lingers {
			return nil
		}
		if err != nil {
			return err
		}
		if cut {
			return feeder.Close(ctx)
		}
	}
	v.lingers = true // it has no bound, or tells nobody that it cut
	return nil
}

// tellsGone reports whether a message says that a peer has gone.
func tellsGone(raw []byte, id wire.PeerID) bool {
	var m wire.Message
	return json.Unmarshal(raw, &m) == nil && m.Type == wire.KindPeerDisconnected.String() && wire.PeerIDOf(m.Data) == id
}

// Hubs returns the scenario of a hub that connects. It needs the target's hub key.
func Hubs() []Scenario {
	return []Scenario{{Name: "hub", Live: liveHub}}
}

// liveHub meets the other hubs, tells of a peer that another hub holds and that it
// has gone, becomes a plain peer again and leaves.
func liveHub(ctx context.Context, v *Visit) error {
	v.Peer.HubKey = v.HubKey
	if err := v.Connect(ctx); err != nil {
		return err
	}
	v.Network = wire.DefaultMeshNamespace
	if err := v.wrap(v.conn.Announce(v.Network, map[string]any{"isHub": true})); err != nil {
		return err
	}
	for _, kind := range []wire.Kind{wire.KindPeerDiscovered, wire.KindPeerDisconnected} {
		m := wire.Message{Type: kind.String(), NetworkName: v.Home, Data: json.RawMessage(fmt.Sprintf(`{"peerId":%q}`, wire.NewPeerID()))}
		if err := v.wrap(v.conn.Send(m)); err != nil {
			return err
		}
	}
	if err := v.fence(ctx, ignore); err != nil {
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
