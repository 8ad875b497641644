package schedule

import "time"

// Tick is when an action was intended to begin and when it began. Latency counts from
// Intended, service time from Start. If latency counted from Start, a generator that
// waits for a slow target would leave out exactly the slow actions (coordinated
// omission).
type Tick struct {
	Intended time.Time
	Start    time.Time
}

// At returns the tick of an action that begins on time.
func At(t time.Time) Tick { return Tick{Intended: t, Start: t} }

// Pace lays out the times of actions: one action in each slot of 1/Rate seconds. The
// seed chooses the point within the slot, so that actions do not fall in step with
// timers of the target.
type Pace struct {
	Start time.Time
	Rate  float64 // actions a second
	Seed  uint64
}

// At returns when action i is due.
func (p Pace) At(i int) time.Time {
	within := float64(Mix(p.Seed, uint64(i))>>11) / (1 << 53)
	return p.Start.Add(time.Duration((float64(i) + within) / p.Rate * float64(time.Second)))
}
