package regress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// whileItDrains is a hub that is failed and shut down by three callers, of whom one does not
// wait, while a peer comes.
func whileItDrains(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	peers := others(target, v, 2)
	if err := peers[0].Join(ctx, v.Home); err != nil { // does not answer a close frame
		return err
	}
	defer peers[0].Drop()
	events, err := target.Hub.Subscribe(v.Name)
	if err != nil {
		return err
	}
	target.Hub.Listening(&net.TCPAddr{Port: 3000})
	target.Hub.Fail(errors.New("as an embedder has it"))
	if err := peers[1].Join(ctx, v.Home); err != nil {
		return err
	}
	if err := peers[1].Close(ctx); err != nil {
		return err
	}
	ended := make(chan error, 2)
	for range cap(ended) {
		go func() { ended <- target.Hub.Shutdown(ctx) }()
	}
	hasty, cancel := context.WithCancel(ctx)
	cancel()
	err = settle.Until(ctx, func() error {
		if err := peers[1].Dial(ctx); err == nil {
			return errors.Join(errors.New("a hub that shuts down lets peers in"), peers[1].Drop())
		}
		return nil
	})
	err = errors.Join(err, look(ctx, target, "/readyz", http.StatusServiceUnavailable), look(ctx, target, "/metrics", http.StatusForbidden))
	_ = target.Hub.Shutdown(hasty) // the first caller has the result
	for range cap(ended) {
		if stopped := <-ended; !errors.Is(stopped, context.Canceled) {
			err = errors.Join(err, stopped)
		}
	}
	for len(events.Events()) > 0 {
		e := <-events.Events()
		_ = e.Payload()
	}
	if _, late := target.Hub.Subscribe(v.Name); !errors.Is(late, hub.ErrClosed) {
		err = errors.Join(err, errors.New("a hub that has ended takes subscriptions"))
	}
	return err
}

// deafSubscriber does not read its events until some are lost, then reads what there is.
func deafSubscriber(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	events, err := target.Hub.Subscribe(v.Name)
	if err != nil {
		return err
	}
	p := others(target, v, 1)[0]
	if err := p.Join(ctx, v.Home); err != nil {
		return err
	}
	for events.Lost() == 0 && ctx.Err() == nil {
		if err := p.Announce(v.Home); err != nil {
			return err
		}
		if _, err := p.Fence(ctx); err != nil {
			return err
		}
	}
	_ = target.Hub.Sessions()
	err = p.Close(ctx)
	events.Close()
	<-events.Done()
	for len(events.Events()) > 0 {
		e := <-events.Events()
		_ = e.Payload()
	}
	return err
}

// shedQueue sends to a peer that does not read until the hub has no room for what waits.
func shedQueue(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	peers := others(target, v, 2)
	for _, p := range peers {
		if err := p.Join(ctx, v.Home); err != nil {
			return err
		}
	}
	defer peers[0].Drop()
	if err := announceMuch(ctx, v, target); err != nil {
		return err
	}
	payload := append(append([]byte{'"'}, bytes.Repeat([]byte{'x'}, 3000)...), '"')
	for ctx.Err() == nil {
		if err := peers[1].Signal(wire.KindOffer, peers[0].ID, payload); err != nil {
			return err
		}
		heard, err := peers[1].Fence(ctx)
		if err != nil {
			return err
		}
		for _, m := range heard {
			if m.Type == wire.KindPeerDisconnected.String() {
				return peers[1].Close(ctx)
			}
		}
	}
	return fmt.Errorf("the peer that does not read is still there: %w", ctx.Err())
}

// announceMuch is peers whose announce data is more than the hub has room for.
func announceMuch(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	for i := range 6 {
		p := v.At(target, fmt.Sprint("announcer ", i), wire.NewPeerID())
		if err := p.Join(ctx, v.Home+" announcers"); err != nil {
			return err
		}
		defer p.Drop()
		if err := p.Conn().Announce(fmt.Sprint(v.Home, i), map[string]any{"name": strings.Repeat("x", 7000)}); err != nil {
			return err
		}
		if _, err := p.Fence(ctx); err != nil {
			return err
		}
	}
	return nil
}

// halfMessages are the beginnings of messages, more than the hub has room for.
func halfMessages(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	half := append([]byte{0x81, 0xfe, 0x40, 0x00, 0, 0, 0, 0}, bytes.Repeat([]byte{' '}, 12_000)...)
	peers := others(target, v, 3)
	for _, p := range peers {
		if err := p.Join(ctx, v.Home); err != nil {
			return err
		}
		defer p.Drop()
	}
	for _, p := range peers {
		if err := p.WriteBytes(half); err != nil {
			return nil // the hub has cut this one already
		}
	}
	return settle.Until(ctx, func() error {
		if target.Hub.Stats().Sessions == len(peers) {
			return errors.New("no sender of half a message was cut")
		}
		return nil
	})
}

// outOfMemory is a hub that may use less memory than it does: it lets nobody in.
func outOfMemory(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	events, err := target.Hub.Subscribe(v.Name, hub.EventMemoryAlert)
	if err != nil {
		return err
	}
	defer events.Close()
	p := others(target, v, 1)[0]
	return settle.Until(ctx, func() error {
		if err := p.Dial(ctx); err == nil {
			return errors.Join(errors.New("a hub without memory lets peers in"), p.Drop())
		}
		for len(events.Events()) > 0 {
			e := <-events.Events()
			_ = e.Payload()
		}
		return errors.Join(look(ctx, target, "/readyz", http.StatusServiceUnavailable), sameStats(target))
	})
}

// sameStats reads what the hub says of itself as another program would.
func sameStats(target *hubtest.Target) error {
	text, err := json.Marshal(target.Hub.Stats())
	if err != nil {
		return err
	}
	var read hub.Stats
	return json.Unmarshal(text, &read)
}
