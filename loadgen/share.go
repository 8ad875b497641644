package loadgen

import (
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// share is the part of a plan that one of several processes does. The parts are a
// partition: together they do what one process alone would, each peer and action in
// one of them. The zero value is all.
type share struct{ index, of int }

// has reports whether action i is in the share.
func (s share) has(i int) bool { return s.of <= 1 || i%s.of == s.index }

// rate is that of actions which each process does for itself.
func (s share) rate(whole float64) float64 { return whole / float64(max(1, s.of)) }

// Networks are not divided where each share gets so many of them: then all members of
// a network are in one process, which sees whether all of them hear of a newcomer.
const networksToDivide = 4

// Of fewer peers a share may have none that can speak to each other.
const leastPeers = 8

// hasPeer reports whether peer i of a place is in the share of the stage.
func (s *phaseRun) hasPeer(place uint64, i int) bool {
	if s.share.of <= 1 || len(s.networks) < networksToDivide*s.share.of {
		return s.share.has(i)
	}
	// The first that a life draws is its network. Where it is something else, this is
	// a partition all the same.
	return s.share.has(s.stream(place, uint64(i)).IntN(len(s.networks)))
}

// witness is the id of a peer that every process has of its own, beside its share.
func (s *phaseRun) witness(i int) wire.PeerID {
	return schedule.PeerID(s.seed, placeWitness, uint64(i*max(1, s.share.of)+s.share.index))
}
