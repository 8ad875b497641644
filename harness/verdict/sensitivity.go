package verdict

import (
	"cmp"
	"math"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// missed is the probability that a leak of the size that the sensitivity states goes unseen.
const missed = 0.01

// String returns "1 object per 140 peers".
func (s Sensitivity) String() string {
	if !s.Known {
		return "not known"
	}
	return units.OneIn(s.Peers, s.Unit)
}

// sensitivity returns the smallest leak that the run would have seen. Each detector is rated
// by the scenario in which it sees least, and the run by the detector that needs the leak to
// be largest.
func (j *judge) sensitivity() Sensitivity {
	s := Sensitivity{}
	for _, d := range j.run.Detectors {
		if d.State != Ready || d.Aside {
			continue
		}
		p := Power{Detector: d.Name, Unit: cmp.Or(d.Unit, "object"), Peers: math.Inf(1)}
		for _, doses := range j.doses() {
			p.Peers = math.Min(p.Peers, peersToSeeOne(doses, d.Noise))
		}
		if math.IsInf(p.Peers, 1) || p.Peers <= 0 {
			continue
		}
		s.Detectors = append(s.Detectors, p)
		if !s.Known || p.Peers < s.Peers {
			s.Known, s.Detector, s.Unit, s.Peers = true, p.Detector, p.Unit, p.Peers
		}
	}
	return s
}

// doses returns the peers by scenario and cycle. A run without cycles counts as one cycle.
func (j *judge) doses() (list [][]float64) {
	for i, doses := range j.problem.doses {
		if j.problem.events&(1<<i) == 0 {
			list = append(list, doses)
		}
	}
	if len(list) > 0 {
		return list
	}
	for _, s := range j.run.Scenarios {
		list = append(list, []float64{float64(s.Landed)})
	}
	if len(list) == 0 && j.run.Lives > 0 {
		list = append(list, []float64{float64(j.run.Lives)})
	}
	return list
}

// peersToSeeOne returns the n for which a leak of one random peer in n is seen with 99 %. A
// detector without noise has to see one thing in all cycles together. A detector with noise
// has to see more than its noise in every cycle that had peers.
func peersToSeeOne(doses []float64, noise float64) float64 {
	total := sumOf(doses)
	if noise <= 0 || total <= 0 {
		return -total / math.Log(missed)
	}
	low, high := 1e-9, total
	for range 80 {
		n := math.Sqrt(low * high)
		seen := 1.0
		for _, d := range doses {
			if d > 0 {
				seen *= 1 - poisson(int(noise), d/n)
			}
		}
		if seen < 1-missed {
			high = n
		} else {
			low = n
		}
	}
	return low
}

// poisson returns the probability of at most n events if so many are expected.
func poisson(n int, expected float64) float64 {
	if expected > 500 { // the sum would underflow, and the normal distribution is as good
		return 0.5 * math.Erfc((expected-float64(n)-0.5)/math.Sqrt(2*expected))
	}
	term, total := math.Exp(-expected), 0.0
	for i := 0; i <= n; i++ {
		total += term
		term *= expected / float64(i+1)
	}
	return math.Min(1, total)
}
