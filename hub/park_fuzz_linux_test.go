//go:build !nopark

package hub_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// The input of FuzzParking is a byte for each step: whose, which, and how long to wait
// after it.
const (
	parkConnect = iota
	parkSay
	parkSignal
	parkPing
	parkHalf // of a frame: what the peer sends next is no frame
	parkClose
	parkReset
	parkShutdown

	parkSteps
	parkPeers = 4
)

// FuzzParking interleaves parking, waking, closing, taking over an id and shutting down.
// After each step the indexes agree, and at the end nothing is left.
func FuzzParking(f *testing.F) {
	step := func(peer, op, wait int) byte { return byte(peer + parkPeers*(op+parkSteps*wait)) }
	for wait := range 4 {
		var all []byte
		for op := range parkShutdown {
			all = append(all, step(0, parkConnect, wait), step(1, parkConnect, wait), step(0, op, wait), step(1, op, 3-wait), step(0, parkSignal, wait))
		}
		f.Add(append(all, step(0, parkShutdown, wait)))
		f.Add([]byte{step(0, parkConnect, 3), step(1, parkConnect, wait), step(2, parkConnect, 0), step(0, parkSay, wait), step(2, parkReset, 3)})
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		if len(steps) <= 64 {
			fuzzParking(t, steps)
		}
	})
}

var parkWaits = []time.Duration{0, soon / 2, soon, 3 * soon}

func fuzzParking(t *testing.T, steps []byte) {
	w := newWorld(t, hub.Config{
		Logger: slog.New(slog.DiscardHandler), ParkAfter: soon, PingInterval: 6 * soon, PongTimeout: 2 * soon, ProbeTimeout: soon,
		FirstMessageTimeout: 10 * soon, MessageTimeout: 4 * soon, CloseTimeout: 3 * soon, DrainWindow: -1,
		MessageRate: -1, AnnounceRate: -1, Memory: hub.MemoryConfig{Interval: -1},
	})
	w.ended = true
	ids := []wire.PeerID{digits("a"), digits("b")} // fewer than peers
	var peers [parkPeers]*peer
	half := hostile.TextFrame(`{"type":"ping"}`)
	for _, step := range steps {
		i, op, wait := int(step)%parkPeers, int(step)/parkPeers%parkSteps, int(step)/parkPeers/parkSteps%len(parkWaits)
		p := peers[i]
		switch {
		case op == parkConnect:
			if p != nil {
				p.Close()
			}
			peers[i], _ = w.dial("fuzz", ids[i%len(ids)]) // the hub may refuse it
			if p = peers[i]; p != nil && wait%2 == 1 {
				p.swallow()
			}
		case op == parkShutdown:
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			w.hub.Shutdown(ctx)
			cancel()
		case p != nil:
			p.stepParking(op, half)
		}
		time.Sleep(parkWaits[wait]) // a pause is what is tried here
		if err := w.hub.CheckInvariants(); err != nil {
			t.Fatal(err)
		}
	}
	if st := w.hub.Stats(); st.Panics > 0 {
		t.Errorf("%d sessions panicked", st.Panics)
	}
}

// stepParking does one thing. The peer may be ended already.
func (p *peer) stepParking(op int, half []byte) {
	switch op {
	case parkSay:
		p.Announce("n", nil)
	case parkSignal:
		p.Signal(wire.KindOffer, p.ID(), "n", []byte(`1`))
	case parkPing:
		p.frames(hostile.Frame(hostile.Final|hostile.Ping, nil))
	case parkHalf:
		p.frames(half[:len(half)/2])
	case parkClose:
		p.SendClose(1000, "")
	case parkReset:
		p.reset()
	}
}
