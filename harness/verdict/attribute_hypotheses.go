package verdict

import (
	"iter"
	"math"
	"math/bits"
	"slices"
)

// hypotheses returns all hypotheses that are worth considering.
func (p *attributionProblem) hypotheses() []hypothesis {
	n := len(p.names)
	var list []hypothesis
	for i := range n {
		list = p.alike(list, 1<<i, math.Log(float64(2*n)))
	}
	if n > 1 {
		all := uint(1)<<n - 1
		list = p.alike(list, all, math.Log(4))
		if p.events != 0 {
			list = p.alike(list, all&^p.events, math.Log(4))
			list = p.alike(list, p.events, math.Log(4))
		}
	}
	if n > 2 {
		list = p.pairs(list)
		list = p.triples(list)
		list = p.subsets(list)
	}
	if n > 1 && len(p.counts) > n {
		list = p.mixture(list)
	}
	ones := slices.Repeat([]float64{1}, len(p.counts))
	if mean := sumOf(p.counts) / float64(len(ones)); len(ones) > 1 && slices.Min(p.counts) > 0 && p.within(ones, mean, p.noise+1) {
		_, score := p.fit(ones, maxPerPeer*sumOf(p.total)/float64(len(ones)), math.Log(4))
		list = append(list, hypothesis{fixed: true, score: score})
	}
	return list
}

// alike appends the hypothesis that the scenarios of the mask leak equally per peer.
func (p *attributionProblem) alike(list []hypothesis, mask uint, cost float64) []hypothesis {
	rate, score := p.fit(p.column(mask), maxPerPeer, cost)
	if rate <= 0 {
		return list
	}
	return append(list, hypothesis{rates: p.rates(mask, rate), score: score})
}

// pairs appends the hypotheses that two scenarios leak, equally or not.
func (p *attributionProblem) pairs(list []hypothesis) []hypothesis {
	n := len(p.names)
	cost := math.Log(float64(n*(n-1)/2)) + rare
	for i := range n {
		for j := i + 1; j < n; j++ {
			list = p.alike(list, 1<<i|1<<j, cost)
			a, b := leastSquaresOfTwo(p.doses[i], p.doses[j], p.counts)
			if a, b = math.Round(a), math.Round(b); !(a >= 1 && b >= 1) || a == b {
				continue
			}
			column := make([]float64, len(p.counts))
			for k := range column {
				column[k] = a*p.doses[i][k] + b*p.doses[j][k]
			}
			if rate, score := p.fit(column, 1, cost+wholeCost(a)+wholeCost(b)); rate == 1 {
				rates := make([]float64, n)
				rates[i], rates[j] = a, b
				list = append(list, hypothesis{rates: rates, score: score})
			}
		}
	}
	return list
}

// maxInTriple is the largest count per peer that is tried for two of three scenarios.
const maxInTriple = 8

// triples appends the hypotheses that three scenarios leak different whole numbers of things
// per peer: an action leaks, and one scenario does it more often. Only counts that fit to
// the unit can decide between so many hypotheses.
func (p *attributionProblem) triples(list []hypothesis) []hypothesis {
	n := len(p.names)
	if p.noise > 0 || len(p.counts) < 3 {
		return list
	}
	cost := choices(n, 3) + rare
	best := p.exactScore(0) - cost - 2*wholeCost(1) - wholeCost(2)
	if slices.ContainsFunc(list, func(g hypothesis) bool { return g.score > best+decisive }) {
		return list // not even the best of these could win
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			for k := j + 1; k < n; k++ {
				for rates := range p.wholeTriples(i, j, k) {
					costs := cost + wholeCost(rates[i]) + wholeCost(rates[j]) + wholeCost(rates[k])
					list = append(list, hypothesis{rates: rates, score: p.exactScore(0) - costs})
				}
			}
		}
	}
	return list
}

// wholeTriples yields the whole rates of three scenarios that fit the counts to the unit.
func (p *attributionProblem) wholeTriples(i, j, k int) iter.Seq[[]float64] {
	return func(yield func([]float64) bool) {
		for a := 1.0; a <= maxInTriple; a++ {
			for b := 1.0; b <= maxInTriple; b++ {
				c := math.Round((p.counts[0] - a*p.doses[i][0] - b*p.doses[j][0]) / math.Max(1, p.doses[k][0]))
				if c < 1 || a == b && b == c || !p.adds(a, i, b, j, c, k) {
					continue
				}
				rates := make([]float64, len(p.names))
				rates[i], rates[j], rates[k] = a, b, c
				if !yield(rates) {
					return
				}
			}
		}
	}
}

// adds reports whether three scenarios at these rates fit the counts to the unit.
func (p *attributionProblem) adds(a float64, i int, b float64, j int, c float64, k int) bool {
	for n, count := range p.counts {
		if a*p.doses[i][n]+b*p.doses[j][n]+c*p.doses[k][n] != count {
			return false
		}
	}
	return true
}

// subsets appends the hypotheses that three or more scenarios, but not all, leak the same
// whole number of things per peer: an action that they have in common leaks. Only counts that
// fit to the unit can decide between so many hypotheses.
func (p *attributionProblem) subsets(list []hypothesis) []hypothesis {
	n := len(p.names)
	if n > maxSubsets {
		return p.largeSubsets(list)
	}
	cost := float64(n)*math.Ln2 + rare
	best := p.exactScore(p.noise) - cost - wholeCost(1)
	if slices.ContainsFunc(list, func(g hypothesis) bool { return g.score > best+decisive }) {
		return list // not even the best of these could win
	}
	found, peers, counted := 0, 0.0, sumOf(p.counts)
	sums := make([]float64, len(p.counts))
	gray := uint(0)
	for i := uint(1); i < 1<<n; i++ { // in Gray code order: one scenario is added or removed in each step
		flip := bits.TrailingZeros(i)
		gray ^= 1 << flip
		sign := 1.0
		if gray&(1<<flip) == 0 {
			sign = -1
		}
		for k := range sums {
			sums[k] += sign * p.doses[flip][k]
			peers += sign * p.doses[flip][k]
		}
		rate := math.Round(counted / max(1, peers))
		if rate < 1 || rate > maxPerPeer || !p.within(sums, rate, p.noise) {
			continue
		}
		if size := bits.OnesCount(gray); size < 3 || size == n {
			continue
		}
		if found++; found > 2*maxOr {
			break // none of so many will be decisive
		}
		list = append(list, hypothesis{rates: p.rates(gray, rate), score: p.exactScore(p.noise) - cost - wholeCost(rate)})
	}
	return list
}

// mixture appends the solution of non-negative least squares over all scenarios, which is
// unique if there are more cycles than scenarios. It drops scenarios one by one as long as
// each explains less than its description costs.
func (p *attributionProblem) mixture(list []hypothesis) []hypothesis {
	mask := uint(1)<<len(p.names) - 1
	best := p.mixed(mask)
	for bits.OnesCount(mask) > 2 {
		least := -1
		for i, rate := range best.rates {
			if mask&(1<<i) != 0 && (least < 0 || rate*sumOf(p.doses[i]) < best.rates[least]*sumOf(p.doses[least])) {
				least = i
			}
		}
		fewer := p.mixed(mask &^ (1 << least))
		if fewer.score < best.score {
			break
		}
		best, mask = fewer, mask&^(1<<least)
	}
	return append(list, best)
}

// mixed returns the least squares solution for the scenarios of the mask.
func (p *attributionProblem) mixed(mask uint) hypothesis {
	var columns [][]float64
	for i := range p.names {
		if mask&(1<<i) != 0 {
			columns = append(columns, p.doses[i])
		}
	}
	g := hypothesis{rates: make([]float64, len(p.names)), score: -rare - float64(len(p.names))*math.Ln2}
	column := make([]float64, len(p.counts))
	for n, rate := range leastSquares(columns, p.counts) {
		for k := range column {
			column[k] += rate * columns[n][k]
		}
		for i := range p.names { // the n-th scenario of the mask
			if mask&(1<<i) != 0 && bits.OnesCount(mask&(1<<i-1)) == n {
				g.rates[i] = rate
			}
		}
	}
	g.score += p.scattered(column, 1, maxPerPeer, 1, 0)
	g.score -= float64(len(columns)-1) * math.Log1p(maxPerPeer*math.Sqrt(dot(p.total, p.total)/(sumOf(p.counts)+1)))
	return g
}

// column returns the doses of the scenarios of the mask, added up by cycle.
func (p *attributionProblem) column(mask uint) []float64 {
	column := make([]float64, len(p.counts))
	for i := range p.names {
		if mask&(1<<i) != 0 {
			for k := range column {
				column[k] += p.doses[i][k]
			}
		}
	}
	return column
}

// rates returns the rate for the scenarios of the mask, and 0 for the others.
func (p *attributionProblem) rates(mask uint, rate float64) []float64 {
	rates := make([]float64, len(p.names))
	for i := range rates {
		if mask&(1<<i) != 0 {
			rates[i] = rate
		}
	}
	return rates
}
