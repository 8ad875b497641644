package loadgen

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// Bits of the first byte of a frame, and of the second.
const (
	final  = 0x80
	rsv1   = 0x40
	masked = 0x80

	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9

	len16 = 126
	len64 = 127
)

// rawFrame returns a masked frame. Its mask is zero, so the payload is unchanged.
func rawFrame(first byte, payload []byte) []byte {
	return append(rawHeader(first, masked, uint64(len(payload))), payload...)
}

func text(s string) []byte { return rawFrame(final|opText, []byte(s)) }

// rawHeader returns a frame header with the given payload length and a mask of zero.
func rawHeader(first, mask byte, n uint64) []byte {
	b := []byte{first}
	switch {
	case n < len16:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|len16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|len64), n)
	}
	if mask != 0 {
		b = append(b, 0, 0, 0, 0)
	}
	return b
}

// frameInputs returns malformed frames.
func frameInputs() []input {
	var list []input
	ping := []byte(`{"type":"ping"}`)
	for _, f := range []struct {
		name  string
		bytes []byte
	}{
		{"frame: not masked", append(rawHeader(final|opText, 0, uint64(len(ping))), ping...)},
		{"frame: reserved bit", rawFrame(final|rsv1|opText, ping)},
		{"frame: reserved opcode", rawFrame(final|0x3, ping)},
		{"frame: reserved control opcode", rawFrame(final|0xb, nil)},
		{"frame: ping too long", rawFrame(final|opPing, make([]byte, 126))},
		{"frame: ping in fragments", rawFrame(opPing, nil)},
		{"frame: continuation of nothing", rawFrame(final|opContinuation, ping)},
		{"frame: message within a message", append(rawFrame(opText, ping[:3]), text(string(ping))...)},
		{"frame: claims 2^62 bytes", rawHeader(final|opText, masked, 1<<62)},
		{"frame: claims 2^63 bytes", rawHeader(final|opText, masked, 1<<63)},
		{"frame: length not minimal", append([]byte{final | opText, masked | len64, 0, 0, 0, 0, 0, 0, 0, byte(len(ping)), 0, 0, 0, 0}, ping...)},
		{"frame: close without a code", rawFrame(final|opClose, []byte{3})},
		{"frame: close code 1005", rawFrame(final|opClose, closeCode(1005, ""))},
		{"frame: close code 0", rawFrame(final|opClose, closeCode(0, ""))},
		{"frame: close reason in invalid UTF-8", rawFrame(final|opClose, closeCode(1000, "\xff\xff"))},
		{"frame: message after close", append(rawFrame(final|opClose, closeCode(1000, "")), bytes.Repeat(text(string(ping)), 100)...)},
		{"frame: random bytes", nil},
		{"frame: half of one", text(string(ping))[:10]},
		{"frame: half of a header", []byte{final | opText}},
		{"frame: fragments without end", bytes.Repeat(rawFrame(opContinuation, nil), 10)},
	} {
		list = append(list, session(f.name, func(a *attack, w io.Writer) error {
			if f.bytes == nil {
				return put(w, a.noise(4096))
			}
			return put(w, f.bytes)
		}))
	}
	return append(list,
		session("frame: 64 MiB in fragments", func(_ *attack, w io.Writer) error {
			part := make([]byte, 64<<10)
			return times(1<<10, func(i int) error { return put(w, rawFrame(opcodeOf(i), part)) })
		}),
		trickle)
}

// opcodeOf returns the opcode of fragment i of a message that does not end.
func opcodeOf(i int) byte {
	if i == 0 {
		return opText
	}
	return opContinuation
}

func closeCode(code uint16, reason string) []byte {
	return append(binary.BigEndian.AppendUint16(nil, code), reason...)
}

// times calls do n times, or until it fails.
func times(n int, do func(i int) error) error {
	for i := range n {
		if err := do(i); err != nil {
			return err
		}
	}
	return nil
}

// slowly is the time between two bytes of a slow input.
const slowly = 50 * time.Millisecond

// trickle sends messages byte by byte in many sessions.
var trickle = input{name: "frame: 50 peers send byte by byte", run: func(ctx context.Context, a *attack) string {
	begin := time.Now()
	for i := range crowd {
		if _, err := a.connect(ctx, schedule.PeerID(a.seed, placeTrickle, uint64(i))); err != nil {
			return fmt.Sprintf("not sent: %v", withoutAddress(err))
		}
	}
	message := text(`{"type":"announce","data":{"slow":"` + string(bytes.Repeat([]byte("x"), 1000)) + `"}}`)
	for i := 0; time.Since(begin) < a.hold && ctx.Err() == nil; i = (i + 1) % len(message) {
		for _, p := range a.peers {
			_ = put(p.sock.ws.NetConn(), message[i:i+1])
		}
		pause(ctx, slowly)
	}
	over := 0
	for _, p := range a.peers {
		if p.isOver() {
			over++
		}
	}
	return fmt.Sprintf("ended %d of %d", over, len(a.peers))
}}

// crowd is the number of connections of an input that needs many.
const crowd = 50
