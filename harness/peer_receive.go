package harness

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Receive returns the next message.
func (p *Peer) Receive(ctx context.Context) (wire.Message, error) {
	var m wire.Message
	raw, err := p.receiveRaw(ctx)
	if err == nil {
		err = p.wrap(json.Unmarshal(raw, &m))
	}
	return m, err
}

// bound sets the deadline of ctx for the next receive.
func (p *Peer) bound(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	p.conn.SetReceiveDeadline(deadline)
}

// Want returns the next message of a kind and skips others.
func (p *Peer) Want(ctx context.Context, kind wire.Kind) (wire.Message, error) {
	return p.wantThat(ctx, kind.String(), func(m wire.Message) bool { return m.Type == kind.String() })
}

// WantPeer waits for the notice that another peer was discovered.
func (p *Peer) WantPeer(ctx context.Context, other wire.PeerID) error {
	_, err := p.wantThat(ctx, "peer-discovered about "+string(other), func(m wire.Message) bool {
		return m.Type == wire.KindPeerDiscovered.String() && wire.PeerIDOf(m.Data) == other
	})
	return err
}

// WantGone waits for the notice that another peer has disconnected.
func (p *Peer) WantGone(ctx context.Context, other wire.PeerID) error {
	_, err := p.wantThat(ctx, "peer-disconnected about "+string(other), func(m wire.Message) bool {
		return m.Type == wire.KindPeerDisconnected.String() && wire.PeerIDOf(m.Data) == other
	})
	return err
}

func (p *Peer) wantThat(ctx context.Context, what string, ok func(wire.Message) bool) (wire.Message, error) {
	word, _, _ := strings.Cut(what, " ")
	for {
		raw, err := p.receiveRaw(ctx)
		if err != nil {
			return wire.Message{}, fmt.Errorf("waiting for %s: %w", what, err)
		}
		if !bytes.Contains(raw, []byte(word)) { // not worth parsing
			continue
		}
		var m wire.Message
		if err := json.Unmarshal(raw, &m); err != nil {
			return m, p.errorf("waiting for %s: %w", what, err)
		}
		if ok(m) {
			return m, nil
		}
	}
}

func (p *Peer) receiveRaw(ctx context.Context) ([]byte, error) {
	if p.inbox != nil {
		raw, err := p.inbox.next(ctx)
		return raw, p.wrap(err)
	}
	p.bound(ctx)
	raw, err := p.conn.ReceiveRaw()
	return raw, p.wrap(err)
}

// Fence sends a ping and returns the messages before the pong. The hub has then handled all earlier
// messages of the peer, so a reply that has not arrived will not arrive.
func (p *Peer) Fence(ctx context.Context) ([]wire.Message, error) {
	var got []wire.Message
	var broken error
	err := p.fence(ctx, func(raw []byte) {
		var m wire.Message
		if err := json.Unmarshal(raw, &m); err != nil {
			broken = p.errorf("waiting for a pong: %w", err)
			return
		}
		got = append(got, m)
	})
	return got, cmp.Or(err, broken)
}

var ping, pong = []byte(`{"type":"ping"}`), []byte(`"pong"`)

// fence is Fence without parsing: it calls each with the raw messages.
func (p *Peer) fence(ctx context.Context, each func(raw []byte)) error {
	if err := p.SendRaw(ping); err != nil {
		return err
	}
	for {
		raw, err := p.receiveRaw(ctx)
		if err != nil {
			return fmt.Errorf("waiting for a pong: %w", err)
		}
		if bytes.Contains(raw, pong) {
			var m wire.Message
			if json.Unmarshal(raw, &m) == nil && m.Type == wire.KindPong.String() {
				return nil
			}
		}
		each(raw)
	}
}

func ignore([]byte) {}

// WantClose reads until the hub ends the connection, and returns the close frame. An end without a
// close frame is an error.
func (p *Peer) WantClose(ctx context.Context) (*wire.CloseError, error) {
	p.bound(ctx)
	for {
		_, err := p.conn.ReceiveRaw()
		if err == nil {
			continue
		}
		p.conn.Close()
		var closed *wire.CloseError
		if !errors.As(err, &closed) || closed.Code == 1006 {
			return nil, p.errorf("waiting for a close frame: %w", err)
		}
		return closed, nil
	}
}

// awaitEnd reads until the connection ends in any way, and closes it. If ctx ends first, it returns
// an error and the connection stays open.
func (p *Peer) awaitEnd(ctx context.Context) error {
	p.bound(ctx)
	for {
		_, err := p.conn.ReceiveRaw()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return p.errorf("waiting for the end: %w", err)
		}
		if err != nil {
			_ = p.conn.Close()
			return nil
		}
	}
}

// Listen reads and drops messages, and answers pings, until the connection or ctx ends.
func (p *Peer) Listen(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { p.conn.SetReceiveDeadline(time.Unix(1, 0)) })
	defer stop()
	p.conn.SetReceiveDeadline(time.Time{})
	for {
		if _, err := p.conn.ReceiveRaw(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return p.wrap(err)
		}
	}
}
