package verdict

import (
	"math"
	"math/bits"
)

// maxMeetInMiddle is the number of scenarios up to which subsets are searched: two tables of
// 2^18 sums.
const maxMeetInMiddle = 36

// middleTable finds subsets of scenarios that fit counts to the unit if there are too many
// subsets to try each. It meets in the middle: it stores the sums of all subsets of one half
// of the scenarios, and looks up what the subsets of the other half leave (Horowitz and Sahni,
// Computing partitions with applications to the knapsack problem, 1974).
type middleTable struct {
	low   map[uint64][]uint // subsets of the first half, by the hash of their sums
	high  [][]int64         // sums of the subsets of the second half, by subset
	split int               // scenarios in the first half
}

func (p *attributionProblem) newMiddleTable() *middleTable {
	n := len(p.names)
	h := &middleTable{low: map[uint64][]uint{}, split: n / 2}
	for mask, sums := range p.subsetSums(0, h.split) {
		key := hashOf(sums)
		h.low[key] = append(h.low[key], uint(mask))
	}
	h.high = p.subsetSums(h.split, n)
	return h
}

// subsetSums returns the doses by cycle of every subset of the scenarios from one index up to
// another.
func (p *attributionProblem) subsetSums(from, to int) [][]int64 {
	all := make([][]int64, 1<<(to-from))
	all[0] = make([]int64, len(p.total))
	for mask := 1; mask < len(all); mask++ {
		last := bits.TrailingZeros(uint(mask))
		sums := append([]int64(nil), all[mask&(mask-1)]...)
		for k := range sums {
			sums[k] += int64(p.doses[from+last][k])
		}
		all[mask] = sums
	}
	return all
}

// hashOf returns FNV-1a over whole numbers.
func hashOf(sums []int64) uint64 {
	hash := uint64(14695981039346656037)
	for _, n := range sums {
		hash = (hash ^ uint64(n)) * 1099511628211
	}
	return hash
}

// find returns subsets whose doses add up to the counts, a few at most.
func (h *middleTable) find(p *attributionProblem, counts []int64) (masks []uint) {
	rest := make([]int64, len(counts))
search:
	for high, sums := range h.high {
		for k, n := range counts {
			if rest[k] = n - sums[k]; rest[k] < 0 {
				continue search
			}
		}
		for _, low := range h.low[hashOf(rest)] {
			mask := low | uint(high)<<h.split
			if p.explains(mask, counts) {
				masks = append(masks, mask)
			}
		}
		if len(masks) > 2*maxOr {
			return masks // none of so many will be decisive
		}
	}
	return masks
}

// explains reports whether the doses of the mask add up to the counts: hashes may collide.
func (p *attributionProblem) explains(mask uint, counts []int64) bool {
	for k, sum := range p.column(mask) {
		if int64(sum) != counts[k] {
			return false
		}
	}
	return true
}

// largeSubsets is subsets for more scenarios than maxSubsets.
func (p *attributionProblem) largeSubsets(list []hypothesis) []hypothesis {
	n := len(p.names)
	if p.noise > 0 || n > maxMeetInMiddle || len(p.counts) < 3 {
		return list // fewer cycles fit too many subsets
	}
	if *p.half == nil {
		*p.half = p.newMiddleTable()
	}
	for rate := int64(1); rate <= maxPerPeer; rate++ {
		counts, whole := p.divided(rate)
		if !whole {
			continue
		}
		for _, mask := range (*p.half).find(p, counts) {
			if size := bits.OnesCount(mask); size < 3 || size == n {
				continue
			}
			cost := choices(n, bits.OnesCount(mask)) + math.Log(float64(n)) + rare // of how many they are, and of which
			list = append(list, hypothesis{rates: p.rates(mask, float64(rate)), score: p.exactScore(0) - cost - wholeCost(float64(rate))})
		}
	}
	return list
}

// choices returns the logarithm of the number of ways to choose k of n.
func choices(n, k int) float64 {
	all, _ := math.Lgamma(float64(n + 1))
	these, _ := math.Lgamma(float64(k + 1))
	others, _ := math.Lgamma(float64(n - k + 1))
	return all - these - others
}

// divided returns the counts divided by a rate, and whether all are multiples of it.
func (p *attributionProblem) divided(rate int64) (counts []int64, whole bool) {
	for _, n := range p.counts {
		if int64(n)%rate != 0 {
			return nil, false
		}
		counts = append(counts, int64(n)/rate)
	}
	return counts, true
}
