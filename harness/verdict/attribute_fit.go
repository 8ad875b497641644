package verdict

import (
	"math"
	"slices"
)

// fit returns the rate per peer at which a column of doses fits the counts best, and its
// score: the logarithm of the probability of the counts, less the cost of the hypothesis. Rates
// are expected below reach. A rate of 0 means that nothing fits.
func (p *attributionProblem) fit(column []float64, reach, cost float64) (rate, score float64) {
	peers := sumOf(column)
	if peers <= 0 {
		return 0, 0
	}
	rate = sumOf(p.counts) / peers
	// Any rate, with the scatter of a leak that hits peers at random or in varying size.
	score = p.scattered(column, rate, reach, fraction(rate), 0)
	for i, spread := range spreads {
		score = math.Max(score, p.scattered(column, rate, reach, math.Max(rate, fraction(rate)), spread*spread)-float64(i+1))
	}
	score -= cost
	// A whole number per peer, or one in so many peers, to the unit.
	whole, width, more := math.Round(rate), p.noise, 0.0
	if rate < 0.75 {
		whole, width = 1/math.Round(1/rate), p.noise+1 // the first of so many may be anywhere
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

// scattered scores counts that scatter around the rate. Their variance has one part that is
// linear in the peers and one that is linear in the square of the count. The rate is one of
// those below reach, known as precisely as the counts determine it: the more precise it is,
// the more its description costs.
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

// within reports whether the counts are the column times the rate, give or take the width.
func (p *attributionProblem) within(column []float64, rate, width float64) bool {
	for k, x := range column {
		if math.Abs(p.counts[k]-rate*x) > width+1e-9 {
			return false
		}
	}
	return true
}

// exactScore returns the score of counts that fit to the width: each was one of 2*width+1.
func (p *attributionProblem) exactScore(width float64) float64 {
	return -float64(len(p.counts)) * math.Log(2*width+1)
}

// arbitrary returns the score of no hypothesis: each count may be anything up to a few per
// peer, or up to the largest count if that is more, as with bytes.
func (p *attributionProblem) arbitrary() float64 {
	score := 0.0
	most := slices.Max(p.counts)
	for _, peers := range p.total {
		score -= math.Log(math.Max(4*peers, most) + 1)
	}
	return score
}

// wholeCost returns the cost of a whole number. Small ones are more likely.
func wholeCost(n float64) float64 { return math.Log(2 * n * n) }

// fraction returns the variance of a count per peer that is one of the two whole numbers next
// to the rate.
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

// leastSquares returns the x >= 0 that minimises |Σ x_i columns_i - y|, by the active
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

// leastSquaresOfTwo returns the a and b that minimise |a*u + b*v - y|, of any sign. They are NaN or
// infinite if u and v are parallel. It allocates nothing: there are hundreds of pairs.
func leastSquaresOfTwo(u, v, y []float64) (a, b float64) {
	uu, vv, uv, uy, vy := dot(u, u), dot(v, v), dot(u, v), dot(u, y), dot(v, y)
	det := uu*vv - uv*uv
	return (vv*uy - uv*vy) / det, (uu*vy - uv*uy) / det
}

// blocked returns how far to go from x to z before a coefficient turns negative.
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
			m[c][len(m)] = 0 // a combination of other columns: it gets the coefficient 0
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
