package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

const (
	alice = wire.PeerID("4f9d1c7a2be806d35f10c9ab77e2d4861309fa5c")
	bob   = wire.PeerID("b81e6402d7f3ac95e0468b1d2c7f9a3350e8d416")
	clock = int64(1763893216135) // Unix milliseconds: 2025-11-23 10:20:16.135
)

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"offer", "ice-host", "announce", "ping"} {
		b.Run(name, func(b *testing.B) {
			msg := message(b, corpusDir+"/valid/"+name+".json")
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := wire.Parse(msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The standard library does the same work, for comparison.
func BenchmarkParseAndValidJSON(b *testing.B) {
	msg := offer(b)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		var m wire.Message
		if !json.Valid(msg) || json.Unmarshal(msg, &m) != nil {
			b.Fatal("refused")
		}
	}
}

func BenchmarkAppendRelay(b *testing.B) {
	env, err := wire.Parse(offer(b))
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = wire.AppendRelay(buf[:0], env.Kind, env.Data, alice, bob, "meadow", clock)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkNoticeAppendTo(b *testing.B) {
	notice := wire.NewDiscovered(alice, false, nil, "meadow")
	buf := make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		buf = notice.AppendTo(buf[:0], bob, clock)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkNewDiscovered(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		wire.NewDiscovered(alice, false, nil, "meadow")
	}
}

func BenchmarkParseAnnouncement(b *testing.B) {
	env, err := wire.Parse(message(b, corpusDir+"/valid/announce-hub.json"))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		wire.ParseAnnouncement(env.Data)
	}
}
