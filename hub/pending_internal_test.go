package hub

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// textFrame is a frame of a hub with n bytes of payload.
func textFrame(r *rand.Rand, n int) []byte {
	payload := make([]byte, n)
	for i := range payload {
		payload[i] = byte('a' + r.IntN(26))
	}
	switch {
	case n < 126:
		return append([]byte{0x81, byte(n)}, payload...)
	case n < 1<<16:
		return append([]byte{0x81, 126, byte(n >> 8), byte(n)}, payload...)
	}
	return append([]byte{0x81, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
}

// The bytes of a queue are written in the order in which they were added, wherever a write ends.
// truncate leaves the rest of one frame.
func TestPendingIsWrittenInOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { writePending(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func writePending(t *testing.T, r *rand.Rand) {
	h, id := new(Hub), wire.NewPeerID()
	var notices []*notice
	for range 5 {
		extra := fmt.Appendf(nil, `,"extra":"%s"`, textFrame(r, 1+r.IntN(1<<r.IntN(16)))[2:])
		notices = append(notices, h.newNotice(wire.NewDiscovered(wire.NewPeerID(), false, extra, "n")))
	}
	p, later, sent := new(pending), new(pending), []byte(nil) // later: added while the writer has p
	var frames [][]byte
	add := func(to *pending) {
		var frame []byte
		if n := notices[r.IntN(len(notices))]; r.IntN(2) == 0 {
			n.holders.Add(1)
			to.add(nil, ref{notice: n, at: int64(len(frames))})
			frame = n.frame.AppendTo(nil, id, int64(len(frames)))
		} else {
			frame = textFrame(r, r.IntN(1<<r.IntN(18)))
			to.add(frame, ref{})
		}
		frames = append(frames, frame)
	}
	step := make([]byte, 0, 1+r.IntN(20_000))
	for range 100 {
		switch r.IntN(4) {
		case 0:
			add(p)
		case 1:
			add(later)
		default:
			next := p.only()
			if next == nil {
				next = p.gather(step, id)
			}
			n := len(next)
			if n > 0 && r.IntN(2) == 0 {
				n = r.IntN(n + 1)
			}
			sent = append(sent, next[:n]...)
			p.advance(n)
			continue
		}
		p.join(later)
		later = new(pending)
	}
	want := bytes.Join(frames, nil)
	if !bytes.Equal(sent, want[:len(sent)]) || p.bytes != len(want)-len(sent) {
		t.Fatalf("sent %d bytes, not the first of %d, or %d are left", len(sent), len(want), p.bytes)
	}
	p.truncate()
	rest, off := []byte{}, 0
	for _, frame := range frames {
		if off < len(sent) && len(sent) < off+len(frame) {
			rest = frame[len(sent)-off:]
		}
		off += len(frame)
	}
	if got := p.gather(make([]byte, 0, p.bytes), id); !bytes.Equal(got, rest) && len(rest) > 0 || p.bytes != len(rest) {
		t.Fatalf("truncate left %d bytes, %d of a frame are not written", p.bytes, len(rest))
	}
	p.clear()
	for _, n := range notices {
		n.release()
	}
	if p.capacity() != 0 || h.loose.Load() != 0 {
		t.Fatalf("cleared, and %d of memory and %d of notices are held", p.capacity(), h.loose.Load())
	}
}
