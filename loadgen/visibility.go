package loadgen

import (
	"math/bits"
	"sync"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
)

// visibility records which members of one network have heard of which others, with a bit
// for each pair. Its methods may be called concurrently.
type visibility struct {
	network string
	place   map[wire.PeerID]int // row and column of each peer

	mu     sync.Mutex
	joined matrix
	gone   matrix
	again  int // discoveries of known members
	wrong  int // discoveries of peers of another network
}

func newVisibility(network string, ids []wire.PeerID) *visibility {
	a := &visibility{network: network, place: map[wire.PeerID]int{}, joined: newMatrix(len(ids)), gone: newMatrix(len(ids))}
	for i, id := range ids {
		a.place[id] = i
	}
	return a
}

// hear records what the target says to a member.
func (a *visibility) hear(p *Peer, e codec.Event) bool {
	if e.Kind != codec.EventDiscovered && e.Kind != codec.EventGone {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	of, known := a.place[e.Peer]
	who := a.place[p.id]
	switch {
	case e.Network != a.network || !known:
		a.wrong++
	case e.Kind == codec.EventGone:
		a.gone.set(who, of)
	case !a.joined.set(who, of):
		a.again++
	}
	return false
}

// heard returns how many of the pairs of a listener and another member have heard of each
// other.
func (a *visibility) heard(m matrix, listeners, of []wire.PeerID) (heard, pairs int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	columns := newMatrix(len(a.place))
	for _, id := range of {
		columns.set(0, a.place[id])
	}
	for _, id := range listeners {
		row := a.place[id]
		for k, word := range columns.row(0) {
			heard += bits.OnesCount64(m.row(row)[k] & word)
		}
		pairs += len(of)
		if columns.has(0, row) {
			pairs-- // a member does not hear of itself
		}
	}
	return heard, pairs
}

// counts returns the wrong discoveries.
func (a *visibility) counts() (again, wrong int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.again, a.wrong
}

// matrix is a square of bits.
type matrix struct {
	words int // of a row
	bits  []uint64
}

func newMatrix(n int) matrix {
	words := (n + 63) / 64
	return matrix{words, make([]uint64, n*words)}
}

func (m matrix) row(i int) []uint64 { return m.bits[i*m.words : (i+1)*m.words] }

func (m matrix) has(i, k int) bool { return m.row(i)[k/64]&(1<<(k%64)) != 0 }

// set sets a bit. It reports whether the bit was clear.
func (m matrix) set(i, k int) bool {
	was := m.has(i, k)
	m.row(i)[k/64] |= 1 << (k % 64)
	return !was
}
