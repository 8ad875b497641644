package loadgen

import "time"

// Tick is when an action was to begin and when it did. Latency counts from the
// first, service time from the second: counted from the second alone, a generator
// that waits for a slow target forgets exactly the actions that would have been
// slow (coordinated omission).
type Tick struct {
	Intended time.Time
	Start    time.Time
}

// pace lays out a number of actions beforehand: one in each slot of 1/rate, at a
// place in it that the seed says, so that they neither come in step with the
// target's own timers nor depend on how it answers.
type pace struct {
	start time.Time
	rate  float64 // a second
	seed  uint64
}

// at returns when action i is due.
func (p pace) at(i int) time.Time {
	within := float64(mix(p.seed, uint64(i))>>11) / (1 << 53)
	return p.start.Add(time.Duration((float64(i) + within) / p.rate * float64(time.Second)))
}
