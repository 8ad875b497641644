package loadgen

import (
	"encoding/hex"
	"math/rand/v2"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// Every choice of a run comes from a stream of numbers that is derived from its
// seed and the place of the choice (phase, peer, ...), never from one stream that
// all share: goroutines would take from it in another order each time.

// stream returns the stream of a place.
func stream(seed uint64, place ...uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, mix(place...)))
}

// mix makes one number of several, each bit of which depends on all.
func mix(place ...uint64) uint64 {
	var x uint64
	for _, p := range place {
		x = scramble(x + 0x9e3779b97f4a7c15 + scramble(p))
	}
	return x
}

// scramble is the finalizer of SplitMix64.
func scramble(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// peerID returns the id of the peer of a place.
func peerID(seed uint64, place ...uint64) wire.PeerID {
	r := stream(seed, append([]uint64{'p'}, place...)...)
	var b [wire.PeerIDLen / 2]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return wire.PeerID(hex.EncodeToString(b[:]))
}
