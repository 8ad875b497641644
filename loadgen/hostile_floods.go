package loadgen

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// floodInputs returns inputs that are valid but far too many.
func floodInputs() []input {
	return []input{
		flood("flood: pings of the protocol", 5000, true, func(a *attack, _ int) []byte {
			return hostile.Frame(hostile.Final|hostile.Text, a.fleet.codec.(codec.Pinger).Ping())
		}, codec.Pings),
		flood("flood: ping frames", 20_000, false, func(*attack, int) []byte { return hostile.Frame(hostile.Final|hostile.Ping, []byte("flood")) }),
		flood("flood: malformed messages", 20_000, false, func(*attack, int) []byte { return hostile.TextFrame("{") }),
		flood("flood: empty messages", 20_000, false, func(*attack, int) []byte { return hostile.TextFrame("") }),
		flood("flood: fragments of a byte", 50_000, true, func(_ *attack, i int) []byte { return hostile.Frame(opcodeOf(i), []byte(" ")) }),
		flood("flood: announces to the bystanders", 3000, false, func(a *attack, _ int) []byte {
			return hostile.Frame(hostile.Final|a.fleet.opcode(), a.fleet.codec.Announce(a.id, a.networks[0].name))
		}),
		flood("flood: announces to ever other networks", 3000, false, func(a *attack, i int) []byte {
			return hostile.Frame(hostile.Final|a.fleet.opcode(), a.fleet.codec.Announce(a.id, fmt.Sprintf("%s-flood-%d", a.networks[0].name, i)))
		}),
		flood("flood: signals to a bystander", 5000, false, func(a *attack, _ int) []byte {
			return hostile.Frame(hostile.Final|hostile.Text, a.fleet.codec.(codec.Relay).Signal(wire.KindOffer, a.id, a.bystanders[0].id, a.networks[0].name, []byte(`{"sdp":"v=0"}`)))
		}, codec.Relays),
		{name: "flood: 300 connections that say nothing", run: connectFlood},
	}
}

// flood returns an input of n frames in a session, as fast as the target takes them. needs
// is what the codec must have.
func flood(name string, n int, last bool, make func(a *attack, i int) []byte, needs ...codec.Capability) input {
	in := session(name, last, func(a *attack, w io.Writer) error {
		var batch []byte
		return times(n, func(i int) error {
			batch = append(batch, make(a, i)...)
			if len(batch) < 32<<10 && i < n-1 {
				return nil
			}
			err := put(w, batch)
			batch = batch[:0]
			return err
		})
	})
	in.needs = needs
	return in
}

// connectFlood opens connections without a handshake.
func connectFlood(ctx context.Context, a *attack) string {
	for i := range 6 * crowd {
		if _, _, err := a.dial(ctx); err != nil {
			return fmt.Sprintf("refused number %d: %v", i+1, withoutAddress(err))
		}
	}
	pause(ctx, a.react)
	return fmt.Sprintf("ended %d of %d", a.endedConns(), len(a.conns))
}

// endedConns returns how many bare connections the target has ended.
func (a *attack) endedConns() (n int) {
	for _, c := range a.conns {
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		var b [512]byte
		_, err := c.Read(b[:])
		if err != nil && !isTimeout(err) {
			n++
		}
	}
	return n
}
