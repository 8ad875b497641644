package loadgen

import (
	"math/rand/v2"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/schedule"
)

// The places of random streams. Each choice draws from the stream of its place, so that it
// does not depend on how many numbers other choices draw. Changing a value changes what a
// seed replays.
const (
	// Of a run.
	placePhase     = 's'
	placePreflight = 's' // alone, without the number of a phase
	placeLiveness  = 'k'

	// Of a phase.
	placePeer       = 'a'
	placeLeave      = 'd'
	placeMessage    = 'x'
	placePing       = 'p'
	placeWitness    = 'w'
	placeExperiment = 'e'
	placeOrder      = 'o' // of the peers of a block
	placeRough      = 'r'
	placeStalled    = 'l'
	placeSender     = 'f'
	placeBystander  = 'b'
	placeServe      = 's'
	placeInput      = 'h'
	placeNewcomer   = 'n'
	placeTrickle    = 't'
	placeVisit      = 'v'
	placeVisitor    = 'V'
	placeResident   = 'R'
	placeTalk       = 'T'
	placeStay       = 'S' // of a check
)

// stream returns the random stream of a place in the phase.
func (s *phaseRun) stream(place ...uint64) *rand.Rand { return schedule.Stream(s.seed, place...) }

// pace returns a pace that begins now.
func (s *phaseRun) pace(rate float64, place uint64) schedule.Pace {
	return schedule.Pace{Start: time.Now(), Rate: rate, Seed: schedule.Mix(s.seed, place)}
}
