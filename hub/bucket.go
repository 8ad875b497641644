package hub

import "time"

// bucket is a token bucket. Only the reader uses it, so it needs no lock; each
// session has two, so it is kept to two words. No library offers that.
type bucket struct {
	tokens float64
	at     time.Duration // of the last take, since the session began
}

// take takes cost tokens at a time and reports whether they were there. A
// negative rate is unlimited.
func (k *bucket) take(at time.Duration, cost, rate float64, burst int) bool {
	if rate < 0 {
		return true
	}
	// A cost above burst counts as burst: a full bucket must be able to pay it.
	k.tokens = min(float64(burst), k.tokens+rate*(at-k.at).Seconds()) - min(cost, float64(burst))
	k.at = at
	return k.tokens >= 0
}
