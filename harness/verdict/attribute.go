package verdict

import (
	"math"
	"slices"
)

// Which scenario leaks is solved for: growth in cycle k should be the sum over
// the scenarios of (retained per peer) x (dose in cycle k). There are far more
// scenarios than cycles, so least squares alone has no single answer; but leaks
// have a structure. One scenario leaks, or all, or two, or all those that do some
// thing (each at the same count per peer), and the count is mostly a whole number
// per peer or one in so many. Each such guess is scored by how probable it makes
// the counts, less what it costs to describe (a guess that could have said
// anything proves nothing), and has to beat "the counts are arbitrary" and every
// guess that blames others. Doses that are different primes make wrong guesses
// miss; see Doses.
const (
	decisive   = 3.0 // natural logarithm of the odds (20:1) that decide between two guesses
	maxSubsets = 18  // scenarios up to which every subset is tried
	maxOr      = 2   // other guesses that are named rather than given up
	rare       = 3.0 // what a guess that blames several but not all costs beforehand
	maxPerPeer = 4   // things per peer that are expected, and that subsets are tried for
)

// spreads are how much counts of a leak may scatter that is by the peer, but not the same
// for each: bytes of messages that differ a little, or much.
var spreads = [...]float64{0.05, 0.2}

// problem is one growth pattern to be explained.
type attributionProblem struct {
	names  []string
	doses  [][]float64 // by scenario, by cycle
	total  []float64   // by cycle
	counts []float64   // by cycle
	noise  float64
	half   **middleTable // made when first needed, for all patterns of a run

	sessions *attributionProblem // the same in sessions; nil if they are not known
}

// guess is one explanation.
type hypothesis struct {
	rates []float64 // by scenario
	fixed bool
	alike bool // in sessions, although not in peers
	score float64
}

func newProblem(r *Run) *attributionProblem {
	p := newProblemOf(r, func(c Cycle) map[string]int64 { return c.Doses })
	for _, c := range r.Cycles {
		if len(c.Sessions) == 0 {
			return p
		}
	}
	if s := newProblemOf(r, func(c Cycle) map[string]int64 { return c.Sessions }); len(s.names) > 1 {
		p.sessions = s
	}
	return p
}

// newProblemIn measures scenarios in peers or in sessions.
func newProblemOf(r *Run, of func(Cycle) map[string]int64) *attributionProblem {
	p := &attributionProblem{total: make([]float64, len(r.Cycles)), half: new(*middleTable)}
	for _, s := range r.Scenarios {
		doses := make([]float64, len(r.Cycles))
		used := false
		for k, c := range r.Cycles {
			doses[k] = float64(of(c)[s.Name])
			p.total[k] += doses[k]
			used = used || doses[k] > 0
		}
		if used {
			p.names, p.doses = append(p.names, s.Name), append(p.doses, doses)
		}
	}
	return p
}

// solve says which scenarios the counts come from.
func (p *attributionProblem) solve(perCycle []int64, noise float64) Attribution {
	q := *p
	q.noise, q.counts = noise, make([]float64, len(perCycle))
	sum := 0.0
	for k, n := range perCycle {
		q.counts[k] = float64(n)
		sum += float64(n)
	}
	if len(q.names) == 0 || len(q.counts) != len(q.total) || sum <= 0 {
		return Attribution{}
	}
	hypotheses := append(q.hypotheses(), q.inSessions()...)
	slices.SortStableFunc(hypotheses, func(a, b hypothesis) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return 0
	})
	a := q.choose(hypotheses)
	if a.PerPeer == 0 {
		a.PerPeer = sum / max(1, sumOf(q.total))
	}
	return a
}

// inSessions returns the guesses about sessions, told in peers.
func (p *attributionProblem) inSessions() []hypothesis {
	if p.sessions == nil {
		return nil
	}
	s := *p.sessions
	s.noise, s.counts = p.noise, p.counts
	var list []hypothesis
	for _, g := range s.hypotheses() {
		if g.fixed {
			continue
		}
		told := hypothesis{rates: make([]float64, len(p.names)), score: g.score - math.Ln2, alike: true}
		for i, rate := range g.rates {
			at := slices.Index(p.names, s.names[i])
			if at < 0 {
				continue
			}
			told.rates[at] = rate * sumOf(s.doses[i]) / max(1, sumOf(p.doses[at]))
			told.alike = told.alike && (rate == 0 || rate == slices.Max(g.rates))
		}
		list = append(list, told)
	}
	return list
}

// choose takes the best guess if it is decisively better than those that blame
// other scenarios.
func (p *attributionProblem) choose(hypotheses []hypothesis) Attribution {
	if len(hypotheses) == 0 || hypotheses[0].score-p.arbitrary() < decisive {
		return Attribution{}
	}
	best := hypotheses[0]
	a := p.attribution(best)
	for _, g := range hypotheses[1:] {
		if best.score-g.score >= decisive {
			break
		}
		other := p.attribution(g)
		if name := other.phrase(); !sameSource(a, other) && !slices.Contains(a.Or, name) { // at other rates, it may be
			a.Or = append(a.Or, name)
		}
		if len(a.Or) > maxOr {
			return Attribution{}
		}
	}
	return a
}

func (p *attributionProblem) attribution(g hypothesis) Attribution {
	if g.fixed {
		return Attribution{Solved: true, Fixed: true}
	}
	a := Attribution{Solved: true, Every: len(p.names) > 1}
	leaked, peers := 0.0, 0.0
	for i, rate := range g.rates {
		if rate <= 0 {
			a.Every = false
			continue
		}
		a.Shares = append(a.Shares, Share{p.names[i], rate})
		a.Every = a.Every && rate == a.Shares[0].PerPeer
		dose := sumOf(p.doses[i])
		leaked, peers = leaked+rate*dose, peers+dose
	}
	a.PerPeer = leaked / max(1, peers)
	if len(a.Shares) < len(p.names) && 2*len(a.Shares) > len(p.names) && (g.alike || a.Uniform()) {
		for i, rate := range g.rates {
			if rate <= 0 {
				a.But = append(a.But, p.names[i])
			}
		}
	}
	return a
}
