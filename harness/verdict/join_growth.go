package verdict

import "math"

const (
	minPattern  = 10   // fewer things than these may grow alike by coincidence
	maxMultiple = 64   // objects that one retained peer may hold from one line
	looseness   = 0.02 // relative error of a multiple, beside the noise
	sameRatio   = 0.1  // relative error of a multiple of two estimates, and of a ratio
	everyPeer   = 0.999
)

// sameGrowth reports whether both grow in the same scenarios, and one by a whole multiple
// of the other in each cycle.
func sameGrowth(a, b *candidate) bool {
	if len(a.PerCycle)+len(b.PerCycle) == 0 {
		known := a.Count > 0 && b.Count > 0 && a.source.Solved && sameSource(a.source, b.source)
		return known && (roughly(a, b) || roughly(b, a))
	}
	if len(a.PerCycle) == 0 || len(a.PerCycle) != len(b.PerCycle) || a.source.Fixed || b.source.Fixed {
		return false
	}
	if min(sum(a.PerCycle), sum(b.PerCycle)) < minPattern {
		return false
	}
	if a.source.certain() && b.source.certain() {
		if !sameSource(a.source, b.source) {
			return false
		}
		if a.source.PerPeer >= everyPeer && b.source.PerPeer >= everyPeer {
			return true
		}
	} else if len(a.PerCycle) < 2 {
		return false
	}
	return multiple(a, b) || multiple(b, a)
}

// multiple reports whether a is a whole multiple of b in each cycle, and large enough that
// noise does not explain it.
func multiple(a, b *candidate) bool {
	total := float64(sum(a.PerCycle))
	k := math.Round(total / float64(sum(b.PerCycle)))
	noise := a.noise + k*b.noise
	if k < 1 || k > maxMultiple || total < 4*noise*float64(len(a.PerCycle)) {
		return false
	}
	for i, n := range a.PerCycle {
		want := k * float64(b.PerCycle[i])
		if math.Abs(float64(n)-want) > noise+looseness*want {
			return false
		}
	}
	return true
}

// roughly reports whether a is about a whole multiple of b, for totals that were estimated.
func roughly(a, b *candidate) bool {
	k := math.Round(float64(a.Count) / float64(b.Count))
	return k >= 1 && k <= maxMultiple && math.Abs(float64(a.Count)-k*float64(b.Count)) <= sameRatio*float64(a.Count)
}

// proportional reports whether a and b grow at one ratio, but for a tenth, in at least three
// cycles.
func proportional(a, b *candidate) bool {
	if len(a.PerCycle) != len(b.PerCycle) || min(sum(a.PerCycle), sum(b.PerCycle)) < minPattern {
		return false
	}
	ratio, cycles := float64(sum(a.PerCycle))/float64(sum(b.PerCycle)), 0
	for i, n := range b.PerCycle {
		want := ratio * float64(n)
		if math.Abs(float64(a.PerCycle[i])-want) > sameRatio*want {
			return false
		}
		if n > 0 {
			cycles++
		}
	}
	return cycles >= 3
}

func sum(counts []int64) (total int64) {
	for _, n := range counts {
		total += n
	}
	return total
}
