package hub_test

import (
	"bytes"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
)

// Abuses of RFC 6455.
var frameAbuses = []abuse{
	{
		name: "hostile_frames", counted: ended(wire.ReasonProtocolError), times: uint64(len(hostile.Against(hostile.Frames()))),
		attack: func(w *world) { w.send(hostile.Frames()) },
	},
	{
		name: "oversize_8_MiB", counted: ended(wire.ReasonMessageTooBig), times: 4,
		attack: func(w *world) {
			frame := hostile.TextFrame(`{"type":"` + string(bytes.Repeat([]byte("x"), 8<<20)) + `"}`)
			together(4, func(int) {
				p := w.join("big", "rude")
				gone := p.swallow()
				p.frames(frame) // the hub may stop taking it at any point
				<-gone
			})
		},
	},
	{
		name: "half_a_frame", limits: shortMessages, counted: ended(wire.ReasonMessageTimeout), times: 20,
		attack: func(w *world) {
			together(20, func(int) {
				p := w.join("half", "slow")
				p.frames(hostile.Header(hostile.Final|hostile.Text, 1000), []byte(`{"type":`))
				p.wantClose(1008, "message_timeout")
			})
		},
	},
	{
		name: "half_a_header", limits: shortPings, counted: ended(wire.ReasonPingTimeout), times: 20,
		attack: func(w *world) {
			for range 20 {
				w.join("half", "slow").frames([]byte{hostile.Final | hostile.Text}) // after this it cannot even send a pong
			}
		},
	},
	{
		name: "trickled_message", limits: shortMessages, counted: ended(wire.ReasonMessageTimeout), times: 20,
		attack: func(w *world) {
			frame := hostile.TextFrame(`{"type":"` + string(bytes.Repeat([]byte("x"), 1000)) + `"}`)
			together(20, func(int) {
				p := w.join("trickle", "slow")
				gone := p.swallow()
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for i := range frame {
					if p.frames(frame[i:i+1]) != nil {
						<-gone
						return
					}
					select {
					case <-gone:
						return
					case <-tick.C:
					}
				}
				p.Close()
				<-gone
				w.Error("the whole frame could be trickled")
			})
		},
	},
	{
		name: "fragmented_forever", counted: ended(wire.ReasonMessageTooBig), times: 2,
		attack: func(w *world) {
			together(2, func(int) {
				p := w.join("fragments", "slow")
				p.frames(hostile.Frame(hostile.Text, []byte("{")))
				p.flood(bytes.Repeat(hostile.Frame(hostile.Continuation, nil), 100)) // empty ones, which never add up to anything
			})
		},
	},
	{
		name: "fragmented_until_too_big", counted: ended(wire.ReasonMessageTooBig), times: 2,
		attack: func(w *world) {
			together(2, func(int) {
				p := w.join("fragments", "slow")
				p.frames(hostile.Frame(hostile.Text, []byte("{")))
				p.flood(bytes.Repeat(hostile.Frame(hostile.Continuation, make([]byte, 32<<10)), 4))
			})
		},
	},
	{
		name: "ping_flood", counted: ended(wire.ReasonMessageRate), times: 4,
		attack: func(w *world) {
			together(4, func(int) {
				w.join("ping", "loud").flood(bytes.Repeat(hostile.Frame(hostile.Final|hostile.Ping, make([]byte, 125)), 50))
			})
		},
	},
	{
		// Reads nothing, so it does not know that it was cut, and goes on until its
		// socket is gone: what the hub does for one that is ending must be little.
		name: "ping_flood_beyond_the_cut", counted: ended(wire.ReasonMessageRate), times: 8,
		limits: func(c *hub.Config) { c.CloseTimeout = time.Second },
		attack: func(w *world) {
			flood := bytes.Repeat(hostile.Frame(hostile.Final|hostile.Ping, nil), 500)
			together(8, func(int) {
				p := w.join("ping", "loud")
				for p.frames(flood) == nil {
				}
				p.Close()
			})
		},
	},
}
