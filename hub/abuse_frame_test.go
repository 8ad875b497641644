package hub_test

import (
	"bytes"
	"math"
	"time"

	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Abuses of RFC 6455.
var frameAbuses = []abuse{
	{
		name: "frames_against_the_rules", counted: ended(wire.ReasonProtocolError), times: 11,
		attack: func(w *world) {
			text := rawTextFrame(`{"type":"ping"}`)
			for name, bytes := range map[string][]byte{
				"RSV1": rawFrame(rawText|0x40, nil), "RSV2": rawFrame(rawText|0x20, nil), "RSV3": rawFrame(rawText|0x10, nil),
				"opcode 3": rawFrame(0x83, nil), "opcode 15": rawFrame(0x8f, nil),
				"unmasked":                  {rawText, 2, '{', '}'},
				"large ping":                rawFrame(rawPing, make([]byte, 126)),
				"fragmented ping":           rawFrame(rawPing&^0x80, nil),
				"continuation of nothing":   rawFrame(0x80, []byte("x")),
				"message within a message":  append(rawFrame(rawUnfinished, []byte("{")), text...),
				"close with a reserve code": rawCloseFrame(1005, ""),
			} {
				p := w.join(name, "rude")
				p.frames(bytes)
				p.wantClose(1002, "")
			}
		},
	},
	{
		name: "huge_lengths", counted: ended(wire.ReasonMessageTooBig), times: 5,
		attack: func(w *world) {
			for _, n := range []uint64{math.MaxUint64, math.MaxInt64, 1 << 62, 1 << 40, wire.MaxMessageBytes + 1} {
				p := w.join("liar", "rude")
				p.frames(rawHeader(rawText, n), []byte("{"))
				p.wantClose(1009, "")
			}
		},
	},
	{
		name: "oversize_8_MiB", counted: ended(wire.ReasonMessageTooBig), times: 4,
		attack: func(w *world) {
			frame := rawTextFrame(`{"type":"` + string(bytes.Repeat([]byte("x"), 8<<20)) + `"}`)
			together(4, func(int) {
				p := w.join("big", "rude")
				gone := p.swallow()
				p.frames(frame) // the hub may stop taking it at any point
				<-gone
			})
		},
	},
	{
		name: "invalid_UTF-8", counted: ended(wire.ReasonInvalidUTF8), times: 4,
		attack: func(w *world) {
			for _, text := range []string{"\xff", `{"type":"` + "\xc0\xaf" + `"}`, "\xed\xa0\x80", `{"type":"ping"}` + "\xe2\x82"} {
				p := w.join("garbled", "rude")
				p.raw(text)
				p.wantClose(1007, "")
			}
		},
	},
	{
		name: "half_a_frame", limits: shortMessages, counted: ended(wire.ReasonMessageTimeout), times: 20,
		attack: func(w *world) {
			together(20, func(int) {
				p := w.join("half", "slow")
				p.frames(rawHeader(rawText, 1000), []byte(`{"type":`))
				p.wantClose(1008, "message_timeout")
			})
		},
	},
	{
		name: "half_a_header", limits: shortPings, counted: ended(wire.ReasonPingTimeout), times: 20,
		attack: func(w *world) {
			for range 20 {
				w.join("half", "slow").frames([]byte{rawText}) // after this it cannot even send a pong
			}
		},
	},
	{
		name: "trickled_message", limits: shortMessages, counted: ended(wire.ReasonMessageTimeout), times: 20,
		attack: func(w *world) {
			frame := rawTextFrame(`{"type":"` + string(bytes.Repeat([]byte("x"), 1000)) + `"}`)
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
				p.frames(rawFrame(rawUnfinished, []byte("{")))
				p.flood(bytes.Repeat(rawFrame(rawContinued, nil), 100)) // empty ones, which never add up to anything
			})
		},
	},
	{
		name: "fragmented_until_too_big", counted: ended(wire.ReasonMessageTooBig), times: 2,
		attack: func(w *world) {
			together(2, func(int) {
				p := w.join("fragments", "slow")
				p.frames(rawFrame(rawUnfinished, []byte("{")))
				p.flood(bytes.Repeat(rawFrame(rawContinued, make([]byte, 32<<10)), 4))
			})
		},
	},
	{
		name: "ping_flood", counted: ended(wire.ReasonMessageRate), times: 4,
		attack: func(w *world) {
			together(4, func(int) {
				w.join("ping", "loud").flood(bytes.Repeat(rawFrame(rawPing, make([]byte, 125)), 50))
			})
		},
	},
	{
		// Reads nothing, so it does not know that it was cut, and goes on until its
		// socket is gone: what the hub does for one that is ending must be little.
		name: "ping_flood_beyond_the_cut", counted: ended(wire.ReasonMessageRate), times: 8,
		limits: func(c *hub.Config) { c.CloseTimeout = time.Second },
		attack: func(w *world) {
			flood := bytes.Repeat(rawFrame(rawPing, nil), 500)
			together(8, func(int) {
				p := w.join("ping", "loud")
				for p.frames(flood) == nil {
				}
				p.Close()
			})
		},
	},
}
