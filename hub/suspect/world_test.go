package suspect_test

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/pigeonhub/pigeonhub/hub/suspect"
)

// The quantities of the simulated servers.
const (
	networks = iota
	goroutines
	heap
)

var quantities = []suspect.Quantity{{"networks", 1, 10}, {"goroutines", 2, 20}, {"heap", 16 << 10, 4 << 20}}

const (
	mib    = 1 << 20
	period = time.Hour
	step   = 10 * time.Minute // between two readings
)

// server simulates a server. The times of its readings are steps since the start.
type server struct {
	rng      *rand.Rand
	sessions func(step int) float64 // on average
	churn    float64                // sessions that depart in a step, besides those that are fewer than before
	noise    float64                // of the heap, in bytes
	memory   float64                // how much of its noise the heap keeps from one step to the next
	caches   []cache
	leak     [3]float64 // of each quantity, for each departed session
	from     int        // step at which the leak begins

	observer *suspect.Observer
	departed float64
	last     float64 // sessions of the step before
	slow     float64 // noise that changes slowly
	leaked   [3]float64
}

// cache fills to a bound.
type cache struct {
	bound, perSession float64 // bytes
	byChance          bool    // an entry that is there already is not added again
	held              float64
}

// fill fills the cache with what n sessions bring.
func (c *cache) fill(n float64) {
	if c.byChance {
		c.held = c.bound - (c.bound-c.held)*math.Exp(-n*c.perSession/c.bound)
		return
	}
	c.held = min(c.bound, c.held+n*c.perSession)
}

// run returns the suspicions of so many periods, and the number of the period of each.
func (s *server) run(seed uint64, periods int) (found []suspect.Suspicion, when []int) {
	s.rng = rand.New(rand.NewPCG(seed, 7))
	s.observer = suspect.New(period, quantities)
	each := int(period / step)
	for i := range periods*each + 1 {
		for _, x := range s.observer.Take(s.reading(i)) {
			found, when = append(found, x), append(when, i/each)
		}
	}
	return found, when
}

// reading goes on by a step.
func (s *server) reading(i int) suspect.Reading {
	average := s.sessions(i)
	sessions := math.Round(max(0, average+math.Sqrt(average)*s.rng.NormFloat64()))
	left := math.Round(s.churn*(0.5+s.rng.Float64()) + max(0, s.last-sessions))
	s.last = sessions
	s.departed += left
	for k := range s.leak {
		if i >= s.from {
			s.leaked[k] += left * s.leak[k]
		}
	}
	s.slow = s.memory*s.slow + math.Sqrt(1-s.memory*s.memory)*s.noise*s.rng.NormFloat64()
	bytes := 8*mib + sessions*(10<<10) + s.slow
	for k := range s.caches {
		s.caches[k].fill(left)
		bytes += s.caches[k].held
	}
	values := []float64{math.Round(sessions / 5), sessions + 20 + float64(s.rng.IntN(8)), bytes}
	for k := range values {
		values[k] += math.Floor(s.leaked[k])
	}
	return suspect.Reading{At: time.Unix(0, 0).Add(time.Duration(i) * step), Sessions: int(sessions), Departed: uint64(s.departed), Values: values}
}

// Averages of the number of sessions.

func always(n float64) func(int) float64 { return func(int) float64 { return n } }

// inBursts has a crowd for half of each period, and no session between.
func inBursts(n float64) func(int) float64 {
	return func(i int) float64 {
		if i%6 < 3 {
			return n
		}
		return 0
	}
}

// daily goes up and down with the day.
func daily(low, high float64) func(int) float64 {
	return func(i int) float64 { return low + (high-low)*(1-math.Cos(2*math.Pi*float64(i)/144))/2 }
}

// rising goes from one number to another in 300 periods.
func rising(from, to float64) func(int) float64 {
	return func(i int) float64 { return from + (to-from)*float64(i)/1800 }
}
