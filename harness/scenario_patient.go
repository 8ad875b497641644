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

// liveVanish is a peer that loses its network: it answers nothing and closes nothing until the hub
// ends the connection.
func liveVanish(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	return v.awaitHangup(ctx)
}

// liveMute connects and sends nothing, or the first byte of a frame.
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

// liveReconnect connects again with its id while the hub still holds the old connection, which ends
// afterwards.
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

// awaitHangup reads without answering messages or pings until the hub closes the connection.
func (p *Peer) awaitHangup(ctx context.Context) error {
	conn := p.conn.NetConn()
	deadline, _ := ctx.Deadline()
	conn.SetReadDeadline(deadline)
	_, err := io.Copy(io.Discard, conn)
	p.lingers = errors.Is(err, os.ErrDeadlineExceeded)
	return nil // the hub may close with FIN or RST
}

// liveFlood sends more announcements than a hub permits, until the hub ends the connection.
func liveFlood(ctx context.Context, v *Visit) error {
	if err := v.Join(ctx, v.Home); err != nil {
		return err
	}
	extra := map[string]any{"blob": strings.Repeat("x", 4<<10)}
	for range 40 {
		if v.conn.Announce(v.Home, extra) != nil {
			break // the hub has ended the connection
		}
	}
	return v.awaitEnd(ctx)
}

// liveTrickle sends one message byte by byte until the hub ends the connection. Each byte is early
// enough for a deadline that the hub would renew with each byte.
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
			return nil // the hub has ended the connection
		}
		conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, err := conn.Read(scratch); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
	}
	v.lingers = true
	return nil
}

// mostToStall bounds the bytes sent to a peer that does not read. A hub that accepts more has no
// bound for its queue.
const mostToStall = 64 << 20

// stallBurst is the number of offers between two checks whether the hub has ended the stalled peer.
// With one at a time, in a crowd, the missing pongs of the peer would end it before its queue does.
const stallBurst = 8

// liveStall joins and stops reading, while another peer sends to it until the hub ends it as a slow
// consumer.
func liveStall(ctx context.Context, v *Visit) error {
	feeder := v.Beside("its feeder", v.ID[:len(v.ID)-1]+"f")
	// Join both at once, because the first one would not answer pings while the second one joins.
	var joined sync.WaitGroup
	var feederErr error
	joined.Go(func() { feederErr = feeder.Join(ctx, v.Home) })
	err := v.Join(ctx, v.Home)
	joined.Wait()
	if err = errors.Join(err, feederErr); err != nil {
		return err
	}
	if tcp, ok := v.conn.NetConn().(*net.TCPConn); ok {
		tcp.SetReadBuffer(1) // the kernel takes its minimum
	}
	offer := fmt.Appendf(nil, `{"type":"offer","targetPeerId":%q,"networkName":%q,"data":"%s"}`, v.ID, v.Home, strings.Repeat("x", 32<<10))
	for sent := 0; sent < mostToStall; sent += stallBurst * len(offer) {
		cut := false
		for i := 0; i < stallBurst && err == nil; i++ {
			err = feeder.SendRaw(offer)
		}
		if err == nil {
			err = feeder.fence(ctx, func(raw []byte) { cut = cut || isGoneNotice(raw, v.ID) })
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
	v.lingers = true // the hub has no bound, or sends no notice of the end
	return nil
}

// isGoneNotice reports whether a message is the notice that a peer has disconnected.
func isGoneNotice(raw []byte, id wire.PeerID) bool {
	var m wire.Message
	return json.Unmarshal(raw, &m) == nil && m.Type == wire.KindPeerDisconnected.String() && wire.PeerIDOf(m.Data) == id
}

// Hubs returns the scenario of a hub that connects as a peer. It needs Crowd.HubKey.
func Hubs() []Scenario {
	return []Scenario{{Name: "hub", Live: liveHub}}
}

// liveHub announces itself as a hub, forwards that a peer of another hub came and left, becomes a
// plain peer again and leaves.
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
