package harness

import (
	"errors"
	"math"
	"math/bits"
	"slices"
)

// Solution says how much of a growth each scenario brings.
type Solution struct {
	PerPeer  []float64 // for one peer of each scenario; 0 for those that bring nothing
	Exact    bool      // whole numbers that explain every cycle to the object
	Unique   bool      // no other answer as simple explains it as well
	Residual float64   // objects a cycle that stay unexplained, root mean square
}

// Limits of the search for an answer in whole numbers.
const (
	mostScenarios = 20 // 2^20 subsets take 30 ms
	mostPerPeer   = 8
	mostMixed     = 3 // scenarios that bring different numbers
)

// Solve attributes growth (of one site, one collection, the goroutines of one
// place) to scenarios: growth[k] in cycle k, in which doses[k][i] peers went
// through scenario i. The doses must differ from cycle to cycle: see PrimeDoses.
//
// It looks for whole numbers that explain every cycle exactly: the same number for
// any set of scenarios (a leak in what they share), then different ones for up to
// three. If there are none, the leak is not one of every peer: then for the fewest
// scenarios, up to three, that explain the growth within its chance variation,
// by non-negative least squares; failing that, for all. With noise, an answer that
// is not Exact needs more cycles than it names scenarios, and Unique says whether
// others fit as well.
func Solve(growth []int64, doses [][]int64) (Solution, error) {
	if len(growth) == 0 || len(growth) != len(doses) || len(doses[0]) == 0 {
		return Solution{}, errors.New("solve: growth and doses of each cycle are needed")
	}
	n := len(doses[0])
	for _, d := range doses {
		if len(d) != n {
			return Solution{}, errors.New("solve: a dose for each scenario is needed in every cycle")
		}
	}
	if n > mostScenarios {
		return Solution{}, errors.New("solve: more scenarios than can be told apart")
	}
	p := problem{growth: growth, doses: make([][]int64, len(doses))}
	var ran []int // a scenario that never ran explains nothing
	for i := range n {
		if slices.ContainsFunc(doses, func(d []int64) bool { return d[i] != 0 }) {
			ran = append(ran, i)
			for k, d := range doses {
				p.doses[k] = append(p.doses[k], d[i])
			}
		}
	}
	p.n = len(ran)
	s, ok := p.sameForSome()
	if !ok {
		s, ok = p.fewestWhole()
	}
	if !ok {
		s = p.fewest()
	}
	perPeer := make([]float64, n)
	for i, a := range s.PerPeer {
		perPeer[ran[i]] = a
	}
	s.PerPeer = perPeer
	return s, nil
}

type problem struct {
	growth []int64
	doses  [][]int64 // of the scenarios that ran
	n      int       // of these
}

// sameForSome looks for a set of scenarios all of which bring the same whole
// number, in the order of a Gray code: a step changes one scenario.
func (p *problem) sameForSome() (best Solution, found bool) {
	sums := make([]int64, len(p.growth))
	var set uint32
	for step := uint32(1); step < 1<<p.n; step++ {
		i := bits.TrailingZeros32(step)
		set ^= 1 << i
		for k := range sums {
			if set&(1<<i) != 0 {
				sums[k] += p.doses[k][i]
			} else {
				sums[k] -= p.doses[k][i]
			}
		}
		each := p.multipleOf(sums)
		if each == 0 {
			continue
		}
		s := Solution{PerPeer: make([]float64, p.n), Exact: true, Unique: !found}
		for i := range s.PerPeer {
			if set&(1<<i) != 0 {
				s.PerPeer[i] = float64(each)
			}
		}
		if !found || support(s.PerPeer) < support(best.PerPeer) {
			best = s
		}
		best.Unique = !found
		found = true
	}
	return best, found
}

// multipleOf returns the number by which the growth is a multiple of the sums in
// every cycle, 0 if there is none.
func (p *problem) multipleOf(sums []int64) int64 {
	if sums[0] == 0 || p.growth[0]%sums[0] != 0 {
		return 0
	}
	each := p.growth[0] / sums[0]
	if each < 1 || each > mostPerPeer {
		return 0
	}
	for k, sum := range sums {
		if p.growth[k] != each*sum {
			return 0
		}
	}
	return each
}

func support(perPeer []float64) (n int) {
	for _, a := range perPeer {
		if a > 0 {
			n++
		}
	}
	return n
}

// fewestWhole looks for the smallest set of scenarios whose growth whole numbers
// explain to the object.
func (p *problem) fewestWhole() (best Solution, found bool) {
	for size := 1; size <= p.mostNamed() && !found; size++ {
		p.subsets(size, func(set []int) {
			if s, ok := p.rounded(p.leastSquares(set)); ok && support(s.PerPeer) == size {
				s.Unique = !found
				best, found = s, true
			}
		})
	}
	return best, found
}

// sureBy is by how much the square sum of the errors, in units of their chance
// variation, must be smaller than that of the next answer: three deviations.
const sureBy = 9

// fewest looks for the smallest set of scenarios that explains the growth within
// the chance variation of a count, which is its root.
func (p *problem) fewest() Solution {
	total, k := 0.0, float64(len(p.growth))
	for _, g := range p.growth {
		total += math.Abs(float64(g))
	}
	variance := max(1, total/k)
	within := func(s Solution) bool { return s.Residual*s.Residual <= 3*variance }
	for size := 1; size <= min(p.mostNamed(), len(p.growth)-1); size++ {
		var best, next Solution
		best.Residual, next.Residual = math.Inf(1), math.Inf(1)
		p.subsets(size, func(set []int) {
			s := p.leastSquares(set)
			switch {
			case support(s.PerPeer) < size: // a smaller set says the same
			case s.Residual < best.Residual:
				best, next = s, best
			case s.Residual < next.Residual:
				next = s
			}
		})
		if within(best) {
			best.Unique = k*(next.Residual*next.Residual-best.Residual*best.Residual)/variance >= sureBy
			return best
		}
	}
	all := make([]int, p.n)
	for i := range all {
		all[i] = i
	}
	s := p.leastSquares(all)
	s.Unique = p.n < len(p.growth) && within(s)
	return s
}

// mostNamed is how many scenarios can be told apart by so many cycles.
func (p *problem) mostNamed() int { return min(mostMixed, p.n, len(p.growth)) }

// subsets calls f with every set of so many scenarios.
func (p *problem) subsets(size int, f func(set []int)) {
	for mask := uint32(1); mask < 1<<p.n; mask++ {
		if bits.OnesCount32(mask) != size {
			continue
		}
		set := make([]int, 0, size)
		for i := range p.n {
			if mask&(1<<i) != 0 {
				set = append(set, i)
			}
		}
		f(set)
	}
}

// leastSquares fits non-negative numbers for the scenarios of the set, one after
// the other until none changes: the problem is convex, so that this converges.
func (p *problem) leastSquares(set []int) Solution {
	a := make([]float64, p.n)
	rest := make([]float64, len(p.growth))
	for k, g := range p.growth {
		rest[k] = float64(g)
	}
	for range 20_000 {
		moved := 0.0
		for _, i := range set {
			var dot, norm float64
			for k, d := range p.doses {
				dot, norm = dot+rest[k]*float64(d[i]), norm+float64(d[i])*float64(d[i])
			}
			if norm == 0 {
				continue
			}
			step := max(0, a[i]+dot/norm) - a[i]
			a[i] += step
			for k, d := range p.doses {
				rest[k] -= step * float64(d[i])
			}
			moved = max(moved, math.Abs(step))
		}
		if moved < 1e-9 {
			break
		}
	}
	for i := range a {
		if a[i] < 1e-6 {
			a[i] = 0
		}
	}
	return Solution{PerPeer: a, Residual: rootMeanSquare(rest)}
}

// rounded tries the nearest whole numbers, which are the answer if they leave
// nothing.
func (p *problem) rounded(s Solution) (Solution, bool) {
	e := Solution{PerPeer: make([]float64, p.n), Exact: true}
	for i, a := range s.PerPeer {
		if e.PerPeer[i] = math.Round(a); e.PerPeer[i] > mostPerPeer {
			return s, false
		}
	}
	for k, g := range p.growth {
		sum := 0.0
		for i, a := range e.PerPeer {
			sum += a * float64(p.doses[k][i])
		}
		if sum != float64(g) {
			return s, false
		}
	}
	return e, true
}

func rootMeanSquare(rest []float64) float64 {
	sum := 0.0
	for _, r := range rest {
		sum += r * r
	}
	return math.Sqrt(sum / float64(len(rest)))
}
