package loadgen

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/wire/hostile"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// sessionInputs returns what peers should not send in a session.
func sessionInputs() []input {
	list := []input{
		session("message: random bytes", false, func(a *attack, w io.Writer) error {
			return put(w, hostile.Frame(hostile.Final|hostile.Binary, a.noise(10_000)))
		}),
		session("frame: random bytes", true, func(a *attack, w io.Writer) error { return put(w, a.noise(4096)) }),
		session("frame: 64 MiB in fragments", true, func(_ *attack, w io.Writer) error {
			part := make([]byte, 64<<10)
			return times(1<<10, func(i int) error { return put(w, hostile.Frame(opcodeOf(i), part)) })
		}),
		trickle,
	}
	for _, in := range slices.Concat(hostile.Messages(), hostile.Frames()) {
		list = append(list, session(in.Name, in.Half, func(_ *attack, w io.Writer) error { return put(w, in.Bytes()) }))
	}
	return list
}

// session returns an input that follows a proper handshake. After the last one that a
// session can send the target cannot be asked for an answer that proves a reaction.
func session(name string, last bool, send func(a *attack, w io.Writer) error) input {
	return input{name: name, run: func(ctx context.Context, a *attack) string {
		p, err := a.connect(ctx, a.id)
		if err != nil {
			return fmt.Sprintf("not sent: %v", withoutAddress(err))
		}
		// The deadline bounds the wait for a target that does not read.
		conn := p.sock.ws.NetConn()
		conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		defer context.AfterFunc(ctx, p.sock.reset)()
		return a.reaction(ctx, p, send(a, conn), last)
	}}
}

// opcodeOf returns the opcode of fragment i of a message that does not end.
func opcodeOf(i int) byte {
	if i == 0 {
		return hostile.Text
	}
	return hostile.Continuation
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
	message := hostile.TextFrame(`{"type":"announce","data":{"slow":"` + string(bytes.Repeat([]byte("x"), 1000)) + `"}}`)
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

// noise returns n random bytes.
func (a *attack) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(a.rng.Uint32())
	}
	return b
}

// put writes bytes.
func put(w io.Writer, parts ...[]byte) error {
	for _, b := range parts {
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}
