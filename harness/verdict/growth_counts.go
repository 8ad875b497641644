package verdict

import (
	"fmt"
	"slices"
)

// These tests decide whether an exact count keeps growing, from its growth in each cycle and
// the dose of each. The count of something that does not leak may move, but around a level or
// towards a bound. The count of a leak rises with each dose.

// SiteGate is the least growth of a site in a cycle that counts: slices and tables that follow
// a moving peak gain an object or two now and then.
const SiteGate = 3

// proofProduct is the least product of the doses for the exact test. The chance that other
// growth is a multiple of each dose is one in that product.
const proofProduct = 1e6

// SiteGrowth returns why the growth of an allocation site is a leak, "" if it is none, and
// whether that is proof.
func SiteGrowth(growth, doses []int64) (why string, proof bool) {
	switch {
	case exactMultiple(growth, doses):
		return fmt.Sprintf("exactly %s in each of %d cycles", PerDose(growth, doses), len(growth)), true
	case everyCycle(growth, doses, SiteGate):
		return fmt.Sprintf("%s, growing in each of %d cycles", PerDose(growth, doses), len(growth)), false
	case withDose(growth, doses, SiteGate):
		return fmt.Sprintf("%s, growing with the number of peers over %d cycles", PerDose(growth, doses), len(growth)), false
	}
	return "", false
}

// KeepsGrowing reports whether a count that stands still in a quiet target grew in two thirds
// of the cycles and in the last one, or with the doses. Of a single cycle any growth counts.
func KeepsGrowing(growth, doses []int64) bool {
	var up, ups, down int64
	for _, d := range growth {
		if d > 0 {
			up, ups = up+d, ups+1
		} else {
			down -= d
		}
	}
	k := len(growth)
	if k < 2 {
		return up > 0
	}
	steady := 3*ups >= 2*int64(k) && 4*down <= up &&
		float64(growth[k-1]) >= max(1, rate(growth, doses)*weight(doses, k-1)/4)
	return steady || withDose(growth, doses, 1)
}

// memoryGate is the least growth of memory that counts, in bytes. The array of a queue follows the
// most that ever waited at once: on a busy machine one of a few hundred pointers grew by 2048.
const memoryGate = 4096

// MemoryGrowth judges the bytes of an allocation site that has as many objects as before. It returns
// why they are a leak, "" if they are none. level has the bytes at the baseline and after each cycle.
//
// append enlarges an array in steps, so any cycle but the last may add nothing. A leak at least
// doubles the bytes of the baseline; a buffer that follows the largest message does not.
func MemoryGrowth(level, doses []int64) string {
	last := len(doses)
	if last < 3 || level[last]-level[0] < max(memoryGate, level[0]) || level[last] == level[last-1] {
		return ""
	}
	ups := 0
	growth := make([]int64, last)
	for i := range growth {
		if growth[i] = level[i+1] - level[i]; growth[i] > 0 {
			ups++
		}
	}
	if 3*ups < 2*last || slices.Min(growth) < 0 || !isStraight(growth, doses) {
		return ""
	}
	return fmt.Sprintf("%s, in bytes, over %d cycles", PerDose(growth, doses), last)
}

// PerDose returns the growth per peer as text, or per cycle if there were no peers.
func PerDose(growth, doses []int64) string {
	for _, d := range doses {
		if d != 0 {
			return fmt.Sprintf("%.4g per peer", rate(growth, doses))
		}
	}
	return fmt.Sprintf("%.4g per cycle", rate(growth, doses))
}

// exactMultiple reports whether the growth of each cycle is a multiple of its dose. The doses
// should be primes.
func exactMultiple(growth, doses []int64) bool {
	product := 1.0
	for i, d := range growth {
		if doses[i] < 2 || d <= 0 || d%doses[i] != 0 {
			return false
		}
		product *= float64(doses[i])
	}
	return product >= proofProduct
}

// everyCycle reports whether the growth of each cycle is at least the gate and a quarter of
// the mean for its dose. The growth of a cache that fills declines.
func everyCycle(growth, doses []int64, gate int64) bool {
	if len(growth) < 3 {
		return false
	}
	mean := rate(growth, doses)
	for i, d := range growth {
		if d < gate || float64(d) < mean*weight(doses, i)/4 {
			return false
		}
	}
	return true
}

// withDose reports whether the level follows the sum of the doses: a straight line explains
// nine tenths of it, and the second half of the doses brought a third of the growth. It finds
// leaks that are too rare to grow in each cycle, and needs five cycles.
func withDose(growth, doses []int64, gate int64) bool {
	return len(growth) >= 5 && sum(growth) >= 3*gate && isStraight(growth, doses)
}

// isStraight reports whether a straight line explains nine tenths of a level by the sum of the
// doses, and the second half of the doses brought a third of its growth.
func isStraight(growth, doses []int64) bool {
	x, y := make([]float64, len(growth)+1), make([]float64, len(growth)+1)
	for i, d := range growth {
		x[i+1], y[i+1] = x[i]+weight(doses, i), y[i]+float64(d)
	}
	last := len(growth)
	slope, r2 := line(x, y)
	return slope > 0 && r2 >= 0.9 && y[last]-at(x, y, x[last]/2) >= y[last]/3
}

// weight returns the dose of a cycle, 1 if it had no peers.
func weight(doses []int64, i int) float64 { return float64(max(1, doses[i])) }

// rate returns the growth per peer.
func rate(growth, doses []int64) float64 {
	var sum, dose float64
	for i, d := range growth {
		sum, dose = sum+float64(d), dose+weight(doses, i)
	}
	return sum / dose
}

// line fits a straight line and returns its slope and how much of y it explains.
func line(x, y []float64) (slope, r2 float64) {
	n := float64(len(x))
	var sx, sy, sxx, sxy, syy float64
	for i := range x {
		sx, sy = sx+x[i], sy+y[i]
		sxx, sxy, syy = sxx+x[i]*x[i], sxy+x[i]*y[i], syy+y[i]*y[i]
	}
	vx, vy, cov := sxx-sx*sx/n, syy-sy*sy/n, sxy-sx*sy/n
	if vx == 0 || vy == 0 {
		return 0, 0
	}
	return cov / vx, cov * cov / (vx * vy)
}

// at returns the level at a sum of doses between two readings.
func at(x, y []float64, where float64) float64 {
	for i := 1; i < len(x); i++ {
		if where <= x[i] {
			return y[i-1] + (y[i]-y[i-1])*(where-x[i-1])/(x[i]-x[i-1])
		}
	}
	return y[len(y)-1]
}
