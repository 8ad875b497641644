package suspect

import "math"

// falseAlarms is the bound on the threshold crossings of a healthy server for each low point, all
// its quantities together.
const falseAlarms = 1.0 / 5000

// test looks for growth of one quantity.
//
// The newest of n low points has a rank: 1 if it is higher than all others. If low points are
// exchangeable, which means that no order of them is more likely than another one, each rank has
// the probability 1/n, independently of the ranks before (Vovk, Nouretdinov and Gammerman,
// "Testing exchangeability on-line", ICML 2003). So a bet at these odds wins nothing on average,
// whatever the distribution of the quantity is. The test bets nine tenths of its wealth on rank
// 1, nine tenths of the rest on rank 2, and so on. A quantity that grows wins n times the stake.
//
// Growth may begin at any time, so the wealth never starts below 1: a CUSUM of the bets
// (Volkhonskiy et al., "Inductive conformal martingales for change-point detection", COPA 2017).
// It is at most R = (1+R)·payoff, the statistic of Shiryaev and Roberts, and the expectation of R
// rises by at most 1 with each low point. By Ville's inequality R exceeds a threshold A within N
// low points with a probability of at most N/A.
type test struct {
	wealth float64
	since  int // index of the low point after which the growth began
}

// add bets on the newest of n low points.
func (t *test) add(rank, n int) {
	if t.wealth <= 1 {
		t.wealth, t.since = 1, max(0, n-2)
	}
	t.wealth *= payoff(rank, n)
}

// payoff returns what 1 becomes by a bet that the newest of n has this rank.
func payoff(rank, n int) float64 { return float64(n) * 0.9 * math.Pow(0.1, float64(rank-1)) }

// rank returns the rank of the newest low point: how many are not lower, itself included. If the
// newest has more sessions than another one, that is lower only if the difference is more than
// these sessions may add. "Lower" is a strict order among the values, so at most m of n low points
// have the rank m or better, as without sessions.
func rank(points []Reading, quantity int, perSession float64) int {
	newest := points[len(points)-1]
	n := len(points)
	for _, p := range points {
		if newest.Values[quantity]-p.Values[quantity] > perSession*float64(max(0, newest.Sessions-p.Sessions)) {
			n--
		}
	}
	return n
}

// growth is how much a quantity grew since the test began to win.
type growth struct {
	from     Reading
	by       float64
	rate     float64 // for each departed session, of the last low points
	straight bool    // neither does it slow down, nor does it go up and down
}

// growth measures the growth. It reports false if there are too few low points.
func (t *test) growth(points []Reading, quantity int) (g growth, ok bool) {
	points = points[t.since:]
	if len(points) < leastPoints {
		return growth{}, false
	}
	first, last := points[0], points[len(points)-1]
	grown := func(from, to Reading) float64 { return to.Values[quantity] - from.Values[quantity] }
	rate := func(from Reading) float64 { return grown(from, last) / float64(last.Departed-from.Departed) }

	middle, squares := first, 0.0
	for i, p := range points[1:] {
		squares += math.Pow(grown(points[i], p), 2)
		if last.Departed-p.Departed >= (last.Departed-first.Departed)/2 {
			middle = p
		}
	}
	g = growth{from: first, by: grown(first, last), rate: rate(points[len(points)-leastPoints])}
	// A random walk of the same steps comes as far as the root of their squares, on average.
	g.straight = rate(middle) >= rate(first)*2/3 && g.by >= 2*math.Sqrt(squares)
	return g, true
}
