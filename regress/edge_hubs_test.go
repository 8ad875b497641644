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

// joinWhileDraining calls Fail and then Shutdown three times, once with a context that has
// ended, while a peer dials.
func joinWhileDraining(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
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
	target.Hub.Fail(errors.New("a failure of the embedding program"))
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
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	err = settle.Until(ctx, func() error {
		if err := peers[1].Dial(ctx); err == nil {
			return errors.Join(errors.New("a hub that shuts down accepts peers"), peers[1].Drop())
		}
		return nil
	})
	err = errors.Join(err, wantStatus(ctx, target, "/readyz", http.StatusServiceUnavailable), wantStatus(ctx, target, "/metrics", http.StatusForbidden))
	_ = target.Hub.Shutdown(canceled) // returns the error of its own context; the first call goes on
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
		err = errors.Join(err, errors.New("a hub that has shut down accepts subscriptions"))
	}
	return err
}

// slowSubscriber reads no event until the hub has dropped some, then reads the rest.
func slowSubscriber(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
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

// shedQueue sends to a peer that does not read until the queues reach their total limit and the
// hub ends that peer.
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
	return fmt.Errorf("the peer that does not read is still connected: %w", ctx.Err())
}

// announceMuch joins peers whose announce data exceeds its limit, half of QueueBytesTotal.
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

// halfMessages sends the beginnings of messages that together exceed the hub's limit for
// messages being read, and expects the hub to end a sender.
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
			return nil // the hub has ended this sender already
		}
	}
	return settle.Until(ctx, func() error {
		if target.Hub.Stats().Sessions == len(peers) {
			return errors.New("the hub ended no sender of half a message")
		}
		return nil
	})
}

// outOfMemory dials a hub that uses more memory than its limit and expects to be refused.
func outOfMemory(ctx context.Context, v *harness.Visit, target *hubtest.Target) error {
	events, err := target.Hub.Subscribe(v.Name, hub.EventMemoryAlert)
	if err != nil {
		return err
	}
	defer events.Close()
	p := others(target, v, 1)[0]
	return settle.Until(ctx, func() error {
		if err := p.Dial(ctx); err == nil {
			return errors.Join(errors.New("a hub above its memory limit accepts peers"), p.Drop())
		}
		for len(events.Events()) > 0 {
			e := <-events.Events()
			_ = e.Payload()
		}
		return errors.Join(wantStatus(ctx, target, "/readyz", http.StatusServiceUnavailable), decodeStats(target))
	})
}

// decodeStats encodes the hub's Stats as JSON and decodes them.
func decodeStats(target *hubtest.Target) error {
	text, err := json.Marshal(target.Hub.Stats())
	if err != nil {
		return err
	}
	var read hub.Stats
	return json.Unmarshal(text, &read)
}
