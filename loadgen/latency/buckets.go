package latency

import "time"

// Buckets returns, for each bound in ascending order, how many of the times do not exceed it, and
// the sum of all times. A time is known to three digits, so that one just above a bound may count
// as within it. Neither falls when further times are counted.
func (t Times) Buckets(bounds []time.Duration) (within []int64, sum time.Duration) {
	within = make([]int64, len(bounds))
	next, count := 0, int64(0)
	for i, n := range t.h.Export().Counts {
		if n == 0 {
			continue
		}
		low, width := slot(i)
		for next < len(bounds) && low > bounds[next] {
			within[next] = count
			next++
		}
		count += n
		sum += time.Duration(n) * (low + (width-shortestTime)/2)
	}
	for ; next < len(bounds); next++ {
		within[next] = count
	}
	return within, sum
}

// halfSlots is how many slots of a histogram, after the first as many, have the same width. For
// three digits it is the power of two from 1,000 on.
const halfSlots = 1024

// slot returns the least time of a slot of a histogram, and its width, in the layout that all
// HdrHistograms have: the first 2,048 slots are a microsecond wide, and each 1,024 further ones
// twice as wide as those before.
func slot(i int) (low, width time.Duration) {
	doublings := max(i/halfSlots-1, 0)
	return time.Duration(i-doublings*halfSlots) << doublings * shortestTime, shortestTime << doublings
}
