package verdict

import (
	"math"
	"math/bits"
	"slices"
)

// risesBy is the part of the claimed growth by which the level at rest must rise. In a leak
// it rises by all of it. Where what a block leaves is released in the next one, it does not
// rise.
const risesBy = 0.5

// Servers keep rings and caches of about this size: the last closed connections, recent
// sessions, buffers. Growth that has outlasted either is not the filling of one.
const (
	fillPeers = 1 << 16
	fillBytes = 64 << 20
)

// mayFill reports whether the growth r of the pairs may end at a bound, or has just ended.
func (t *Trend) mayFill(q Question, list []pair, r regression) bool {
	if most := fillBytes * float64(q.Bound) / fillPeers; t.Peers < q.Bound && (t.Unit != Bytes || t.Final-t.Baseline < most) {
		return true
	}
	last := regress(list[len(list)-max(2, len(list)/16):], q.Step)
	return last.slope < r.slope/2
}

// saturates reports whether the first half of the pairs grew and the second half hardly did,
// as with a bounded cache.
func saturates(list []pair, step float64) bool {
	mid := len(list) / 2
	if mid < 2 {
		return false
	}
	early, late := regress(list[:mid], step), regress(list[mid:], step)
	return early.slope > 3*early.error && late.slope < 0.35*early.slope
}

// ended reports whether growth has ended: the later pairs alone, at least half of all, exclude
// a leak that matters. They begin at a power of two, so over all calls of Test there are few
// beginnings, and these divide the error probability.
func ended(q Question, list []pair, alpha float64) bool {
	if len(list) < 4 {
		return false
	}
	start := 1 << (bits.Len(uint(len(list)/2)) - 1)
	const starts = 10 // as many as there are below a thousand pairs
	r := regress(list[start:], q.Step)
	return r.slope+r.radius(alpha/starts)*r.error < q.Matters
}

// stayed reports whether a strict series has left its baseline for good: every reading at rest
// of the last third is above every one of the first third. If nothing is retained, all orders
// of the readings are equally likely, and this one has the probability 1 in (2k over k) for
// thirds of k. That is small enough for all calls of Test together to stay within alpha.
func stayed(q Question, blocks []Block, alpha float64) bool {
	levels := make([]float64, 0, len(blocks)+1)
	for i, b := range blocks {
		if b.Dose > 0 && b.Scenario != q.Scenario {
			return false // peers of another scenario may have moved it
		}
		if i == 0 {
			levels = append(levels, b.Before)
		}
		levels = append(levels, b.After)
	}
	levels = slices.DeleteFunc(levels, math.IsNaN) // could not be read
	k := len(levels) / 3
	odds := 1.0
	for i := range k {
		odds *= float64(k+i+1) / float64(i+1)
	}
	// Every third reading gives a new k, and each k has a quarter of the probability before.
	if k == 0 || odds < 4/alpha {
		return false
	}
	first, last := slices.Max(levels[:k]), levels[len(levels)-k:]
	return slices.Min(last) >= first+q.Step && last[k-1] > first+q.Step
}
