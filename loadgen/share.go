package loadgen

import (
	"github.com/pigeonhub/pigeonhub/hub/wire"
	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// share is the part of a plan that one of several processes runs. Shares are a partition:
// each peer and each action is in exactly one of them. The zero value is the whole plan.
type share struct{ index, of int }

// has reports whether action i is in the share.
func (s share) has(i int) bool { return s.of <= 1 || i%s.of == s.index }

// rate returns the rate of one process for actions that each process runs by itself.
func (s share) rate(whole float64) float64 { return whole / float64(max(1, s.of)) }

// networksToDivide is the least number of networks a share from which on a network is not
// divided. All members of a network are then in one process, which sees whether all of them
// hear of a join.
const networksToDivide = 4

// leastPeers is the least number of peers of a share. With fewer, a share may have no two
// peers in one network.
const leastPeers = 8

// hasPeer reports whether peer i of a place is in the share.
func (s *phaseRun) hasPeer(place uint64, i int) bool {
	if s.share.of <= 1 || len(s.networks) < networksToDivide*s.share.of {
		return s.share.has(i)
	}
	// The first number that a life draws is its network. Even if it draws something else
	// first, the shares are a partition.
	return s.share.has(s.stream(place, uint64(i)).IntN(len(s.networks)))
}

// witness returns the id of a peer that each process has beside its share.
func (s *phaseRun) witness(i int) wire.PeerID {
	return schedule.PeerID(s.seed, placeWitness, uint64(i*max(1, s.share.of)+s.share.index))
}
