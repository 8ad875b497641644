package loadgen

import (
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/codec"
	"github.com/pigeonhub/pigeonhub/loadgen/latency"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// network is one network as its virtual peers see it. It holds the joins and leaves that
// its members have not all heard of yet, and nothing of the others.
type network struct {
	name string
	rec  *latency.Recorder

	mu      sync.Mutex
	joins   uint64 // number of joins so far; a later member has a higher number
	members []*Peer
	byID    map[wire.PeerID]*Peer // the members
	joining map[wire.PeerID]*notice
	leaving map[wire.PeerID]*notice
}

// notice is a join or leave that members should hear of.
type notice struct {
	schedule.Tick
	joined  uint64 // number of the join: members with lower numbers should hear of it
	waiting int    // members that have not heard of it
	heard   bool
}

func newNetwork(name string, rec *latency.Recorder) *network {
	return &network{name: name, rec: rec, byID: map[wire.PeerID]*Peer{}, joining: map[wire.PeerID]*notice{}, leaving: map[wire.PeerID]*notice{}}
}

// join makes p a member. It must be called before the announce is sent.
func (r *network) join(p *Peer, t schedule.Tick) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.joins++
	p.joined, p.announced = r.joins, false
	if len(r.members) > 0 {
		r.joining[p.id] = &notice{Tick: t, joined: p.joined, waiting: len(r.members)}
	}
	r.members, r.byID[p.id] = append(r.members, p), p
}

// leave ends the membership of p. It must be called before the peer leaves. noticed says
// that members will hear of it soon.
func (r *network) leave(p *Peer, t schedule.Tick, noticed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rest := r.members[:0]
	for _, m := range r.members {
		if m != p {
			rest = append(rest, m)
		}
	}
	clear(r.members[len(rest):])
	r.members = rest
	if r.byID[p.id] == p {
		delete(r.byID, p.id)
	}
	for id, n := range r.joining {
		// Whether p has heard of it is not known, so neither is the time until all have.
		if id == p.id || n.joined > p.joined {
			delete(r.joining, id)
		}
	}
	for id, n := range r.leaving {
		if n.waiting--; n.waiting <= 0 {
			delete(r.leaving, id)
		}
	}
	if noticed && len(rest) > 0 {
		r.leaving[p.id] = &notice{Tick: t, waiting: len(rest)}
	}
}

// discovered records that member m has heard of a peer.
func (r *network) discovered(m *Peer, id wire.PeerID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.byID[id]; p != nil {
		p.announced = true
	}
	n := r.joining[id]
	if n == nil || m.joined >= n.joined {
		return // known already, or m joined later and gets the list of members
	}
	if !n.heard {
		n.heard = true
		r.rec.Add(latency.HopDiscoveryFirst, n.Tick)
	}
	if n.waiting--; n.waiting == 0 {
		delete(r.joining, id)
		r.rec.Add(latency.HopDiscoveryAll, n.Tick)
	}
}

// isPending reports whether a member has not heard of a later one yet.
func (r *network) isPending() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.joining) > 0
}

// gone records that a member has heard of a leave.
func (r *network) gone(id wire.PeerID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.leaving[id]
	if n == nil {
		return
	}
	r.rec.Add(latency.HopNotice, n.Tick)
	if n.waiting--; n.waiting <= 0 {
		delete(r.leaving, id)
	}
}

// other returns a random member that is not p, nil if there is none. If the target notifies
// members, it is one that a member has heard of: that an announce was sent does not mean that
// the target has read it, and a message on another connection may overtake it. It has returned
// as often as p: a target that hands over to a new process is two for a while, and peers of one do
// not hear of those of the other.
func (r *network) other(p *Peer, rng *rand.Rand) *Peer {
	notifies := codec.NotifiesMembers.In(p.fleet.codec)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) == 0 {
		return nil
	}
	first := rng.IntN(len(r.members))
	for i := range r.members {
		if m := r.members[(first+i)%len(r.members)]; m != p && m.returned == p.returned && (m.announced || !notifies) {
			return m
		}
	}
	return nil
}

// all returns the members.
func (r *network) all() []*Peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.members)
}
