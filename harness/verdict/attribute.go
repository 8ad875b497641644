package verdict

import (
	"math"
	"math/bits"
	"slices"
)

// The solver finds the scenarios that leak from counts and doses: the growth in cycle k
// should be the sum over the scenarios of (retained per peer) x (dose in cycle k).
//
// There are far more scenarios than cycles, so least squares has no single answer. But leaks
// have a structure. One scenario leaks, or all do, or two, or all those that have an action
// in common, each by the same count per peer. That count is mostly a whole number, or one in
// so many peers. Each such hypothesis is scored by the logarithm of the probability of the
// counts under it, less the cost of describing it: a hypothesis that fits anything proves
// nothing. The best one wins if it is decisively better than "the counts are arbitrary", and
// than every hypothesis with other scenarios. Doses that are different primes make wrong
// hypotheses miss; see Doses.
const (
	decisive   = 3.0 // natural logarithm of the odds (20:1) that decide between two hypotheses
	maxSubsets = 18  // of so many scenarios every subset is tried
	maxOr      = 2   // with more alternatives than these the source counts as unknown
	rare       = 3.0 // cost of a hypothesis with several scenarios, but not all
	maxPerPeer = 4   // largest count per peer that is expected, and tried for subsets
)

// spreads are relative standard deviations of leaks whose size varies from peer to peer, as
// the bytes of messages do: a little, or much.
var spreads = [...]float64{0.05, 0.2}

// attributionProblem is one pattern of growth, with the doses that should explain it.
type attributionProblem struct {
	names  []string
	events uint        // mask of the scenarios whose doses count no peers
	doses  [][]float64 // by scenario, by cycle
	total  []float64   // by cycle
	counts []float64   // by cycle
	noise  float64
	half   **middleTable // made when first needed, shared by all patterns of a run

	sessions *attributionProblem // the same with sessions in place of peers; nil if those are not known
}

// hypothesis is one explanation of the counts.
type hypothesis struct {
	rates []float64 // retained per peer, by scenario
	fixed bool      // as much in each cycle, whatever the doses
	alike bool      // the rates are equal per session, although not per peer
	score float64   // logarithm of a probability
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

// newProblemOf returns the problem with doses in peers or in sessions.
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
			if s.Unit != "" {
				p.events |= 1 << len(p.names)
			}
			p.names, p.doses = append(p.names, s.Name), append(p.doses, doses)
		}
	}
	return p
}

// solve returns the scenarios that the counts come from.
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
	slices.SortStableFunc(hypotheses, func(a, b hypothesis) int { return descending(a.score, b.score) })
	a := q.choose(hypotheses)
	if a.PerPeer == 0 {
		a.PerPeer = sum / max(1, sumOf(q.total))
	}
	return a
}

// inSessions returns the hypotheses about sessions, with their rates converted to peers.
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
		inPeers := hypothesis{rates: make([]float64, len(p.names)), score: g.score - math.Ln2, alike: true}
		for i, rate := range g.rates {
			at := slices.Index(p.names, s.names[i])
			if at < 0 {
				continue
			}
			inPeers.rates[at] = rate * sumOf(s.doses[i]) / max(1, sumOf(p.doses[at]))
			inPeers.alike = inPeers.alike && (rate == 0 || rate == slices.Max(g.rates))
		}
		list = append(list, inPeers)
	}
	return list
}

// choose returns the best hypothesis if it is decisively better than those with other
// scenarios, or together with a few that are as good.
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
		if name := other.phrase(); !sameSource(a, other) && !slices.Contains(a.Or, name) { // the same scenarios at other rates are no alternative
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
	of := len(p.names) - bits.OnesCount(p.events) // scenarios that "every scenario" means
	a := Attribution{Solved: true, Every: of > 1}
	leaked, peers, named := 0.0, 0.0, 0
	for i, rate := range g.rates {
		if rate <= 0 {
			a.Every = a.Every && p.events&(1<<i) != 0
			continue
		}
		if p.events&(1<<i) == 0 {
			named++
		}
		a.Shares = append(a.Shares, Share{p.names[i], rate})
		a.Every = a.Every && rate == a.Shares[0].PerPeer
		dose := sumOf(p.doses[i])
		leaked, peers = leaked+rate*dose, peers+dose
	}
	a.PerPeer = leaked / max(1, peers)
	if !a.Every && len(a.Shares) < len(p.names) && 2*named > of && (g.alike || a.Uniform()) {
		for i, rate := range g.rates {
			if rate <= 0 && p.events&(1<<i) == 0 {
				a.But = append(a.But, p.names[i])
			}
		}
	}
	return a
}
