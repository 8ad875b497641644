package verdict

import (
	"math"
	"slices"
)

// fit returns the count per peer that best makes the counts out of one column of
// doses, and the logarithm of how probable that makes them less the cost of
// having said so. Rates are below reach. A rate of 0 means that nothing fits.
func (p *attributionProblem) fit(column []float64, reach, cost float64) (rate, score float64) {
	peers := sumOf(column)
	if peers <= 0 {
		return 0, 0
	}
	rate = sumOf(p.counts) / peers
	// Any rate at all, with the scatter of a leak that hits at random, or roughly.
	score = p.scattered(column, rate, reach, fraction(rate), 0)
	for i, spread := range spreads {
		score = math.Max(score, p.scattered(column, rate, reach, math.Max(rate, fraction(rate)), spread*spread)-float64(i+1))
	}
	score -= cost
	// A whole number per peer, or one peer in so many, to the unit.
	whole, width, more := math.Round(rate), p.noise, 0.0
	if rate < 0.75 {
		whole, width = 1/math.Round(1/rate), p.noise+1 // where the counting starts is not known
		more = math.Ln2 + wholeCost(1/whole)
	} else {
		more = wholeCost(whole)
	}
	if p.within(column, whole, width) {
		if s := p.exactScore(width) - cost - more; s > score {
			return whole, s
		}
	}
	return rate, score
}

// scattered scores counts that scatter around the rate, with a variance that has a
// part for each peer and one for the square of the count. The rate was chosen from
// those below reach to a precision that the counts themselves set, and the finer
// it is the more it says.
func (p *attributionProblem) scattered(column []float64, rate, reach, linear, square float64) float64 {
	score, precision := 0.0, 0.0
	for k, x := range column {
		want := rate * x
		variance := linear*x + square*want*want + p.noise*p.noise + 0.25
		score += logNormal(p.counts[k]-want, variance)
		precision += x * x / variance
	}
	return score - math.Log1p(math.Max(reach, 2*rate)*math.Sqrt(precision))
}

// within reports whether the counts are the column times the rate, to the width.
func (p *attributionProblem) within(column []float64, rate, width float64) bool {
	for k, x := range column {
		if math.Abs(p.counts[k]-rate*x) > width+1e-9 {
			return false
		}
	}
	return true
}

// exactScore is the score of counts that fit to the width: each was one of so many.
func (p *attributionProblem) exactScore(width float64) float64 {
	return -float64(len(p.counts)) * math.Log(2*width+1)
}

// arbitrary is the score of saying nothing: each count may be anything up to a few
// per peer, or up to the largest, of what is not counted by peers (bytes).
func (p *attributionProblem) arbitrary() float64 {
	score := 0.0
	most := slices.Max(p.counts)
	for _, peers := range p.total {
		score -= math.Log(math.Max(4*peers, most) + 1)
	}
	return score
}

// wholeCost is the cost of naming a whole number: small ones are likelier.
func wholeCost(n float64) float64 { return math.Log(2 * n * n) }

// fraction is the variance for each peer of a count that is one of the two whole
// numbers around the rate.
func fraction(rate float64) float64 {
	f := rate - math.Floor(rate)
	return f * (1 - f)
}

func logNormal(d, variance float64) float64 {
	return -0.5 * (math.Log(2*math.Pi*variance) + d*d/variance)
}

func sumOf(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum
}

// leastSquares returns x >= 0 that minimises |Σ x_i columns_i - y|, by the active
// set method of Lawson and Hanson (Solving Least Squares Problems, 1974, ch. 23).
func leastSquares(columns [][]float64, y []float64) []float64 {
	n := len(columns)
	x, free := make([]float64, n), make([]bool, n)
	for range 3 * n {
		next, best := -1, 1e-9*(1+dot(y, y))
		for i, c := range columns {
			if g := dot(c, residual(columns, x, y)); !free[i] && g > best {
				next, best = i, g
			}
		}
		if next < 0 {
			break
		}
		free[next] = true
		for {
			z := unconstrained(columns, free, y)
			if step := blocked(x, z, free); step < 1 {
				for i := range x {
					x[i] += step * (z[i] - x[i])
					if free[i] && x[i] <= 1e-12 {
						x[i], free[i] = 0, false
					}
				}
				continue
			}
			x = z
			break
		}
	}
	return x
}

// blocked returns how far one may go from x to z before something is negative.
func blocked(x, z []float64, free []bool) float64 {
	step := 1.0
	for i := range x {
		if free[i] && z[i] <= 0 {
			step = math.Min(step, x[i]/math.Max(x[i]-z[i], 1e-300))
		}
	}
	return step
}

func residual(columns [][]float64, x, y []float64) []float64 {
	r := append([]float64(nil), y...)
	for i, c := range columns {
		for k := range r {
			r[k] -= x[i] * c[k]
		}
	}
	return r
}

// unconstrained solves the normal equations for the free columns by elimination.
func unconstrained(columns [][]float64, free []bool, y []float64) []float64 {
	var at []int
	for i, f := range free {
		if f {
			at = append(at, i)
		}
	}
	m := make([][]float64, len(at))
	for r, i := range at {
		for _, j := range at {
			m[r] = append(m[r], dot(columns[i], columns[j]))
		}
		m[r] = append(m[r], dot(columns[i], y))
	}
	eliminate(m)
	x := make([]float64, len(columns))
	for r, i := range at {
		x[i] = m[r][len(at)]
	}
	return x
}

// eliminate solves the system whose last column is the right-hand side, in place.
func eliminate(m [][]float64) {
	for c := range m {
		pivot := c
		for r := c + 1; r < len(m); r++ {
			if math.Abs(m[r][c]) > math.Abs(m[pivot][c]) {
				pivot = r
			}
		}
		m[c], m[pivot] = m[pivot], m[c]
		if math.Abs(m[c][c]) < 1e-12 {
			m[c][len(m)] = 0 // a column that others make up: it takes no part
			continue
		}
		for r := range m {
			if r == c {
				continue
			}
			f := m[r][c] / m[c][c]
			for k := c; k <= len(m); k++ {
				m[r][k] -= f * m[c][k]
			}
		}
		scale := m[c][c]
		for k := range m[c] {
			m[c][k] /= scale
		}
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
