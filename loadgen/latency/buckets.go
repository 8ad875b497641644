package latency

import "time"

// Buckets returns, for each bound in ascending order, how many of the times do not exceed it, and
// the sum of all times. A time is known to three digits, so that one just above a bound may count
// as within it. Neither falls when further times are counted.
func (t Times) Buckets(bounds []time.Duration) (within []int64, sum time.Duration) {
	within = make([]int64, len(bounds))
	next, count := 0, int64(0)
	for _, bar := range t.h.Distribution() {
		for next < len(bounds) && time.Duration(bar.From)*shortestTime > bounds[next] {
			within[next] = count
			next++
		}
		count += bar.Count
		sum += time.Duration(bar.Count) * time.Duration(bar.From+bar.To) * shortestTime / 2
	}
	for ; next < len(bounds); next++ {
		within[next] = count
	}
	return within, sum
}
