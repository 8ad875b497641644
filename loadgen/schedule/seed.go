package schedule

import (
	"encoding/hex"
	"math/rand/v2"

	"github.com/pigeonhub/pigeonhub/hub/wire"
)

// placePeerID is the place of all streams that peer ids are drawn from.
const placePeerID = 'p'

// Stream returns the random stream of a place: a phase, a peer, a choice. Each choice
// draws from a stream of its own. From a shared stream goroutines would draw in another
// order in every run.
func Stream(seed uint64, place ...uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, Mix(place...)))
}

// Mix hashes several numbers to one. Each bit of the result depends on all of them.
func Mix(place ...uint64) uint64 {
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

// PeerID returns the id of the peer of a place.
func PeerID(seed uint64, place ...uint64) wire.PeerID {
	r := Stream(seed, append([]uint64{placePeerID}, place...)...)
	var b [wire.PeerIDLen / 2]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return wire.PeerID(hex.EncodeToString(b[:]))
}
