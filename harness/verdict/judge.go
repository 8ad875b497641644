package verdict

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Judge judges a run. It reports each leak once, whichever detectors saw it.
func Judge(run Run) Verdict {
	r := &run
	j := &judge{run: r, problem: newProblem(r), rate: r.Rate}
	if j.rate <= 0 {
		j.rate = defaultRate
	}
	v := Verdict{
		Schema:      SchemaVersion,
		Run:         j.about(),
		Failures:    slices.Clone(r.Failures),
		Invalid:     problems(r),
		Doubts:      slices.Clone(r.Doubts),
		Thresholds:  slices.Clone(r.Thresholds),
		Scenarios:   r.Scenarios,
		Cycles:      r.Cycles,
		Detectors:   r.Detectors,
		Controls:    r.Controls,
		Trends:      r.Trends,
		Series:      finite(r.Series),
		Coverage:    r.Coverage,
		Sensitivity: j.sensitivity(),
	}
	for _, g := range join(j.candidates()) {
		l := j.leak(g)
		if why, do := j.doubt(g); why != "" {
			l.Why, l.Do = why, do
			v.Doubtful = append(v.Doubtful, l)
		} else {
			v.Leaks = append(v.Leaks, l)
		}
	}
	rank(v.Leaks)
	rank(v.Doubtful)
	v.doubtTrends()
	stale := v.applyRules(r)
	v.Outcome = v.decide(len(stale) > 0)
	v.NotLeaking = notLeaking(r, &v)
	v.Invalid = append(v.Invalid, stale...)
	return v
}

// decide picks the outcome in this order: failures of the target (except Aside ones),
// reasons why the run is invalid, leaks, other failures and failed thresholds, stale rules,
// doubts, untested, pass. A target that died comes first because that explains whatever the
// run lacks.
func (v *Verdict) decide(stale bool) Outcome {
	switch {
	case len(Touching(v.Failures)) > 0:
		return Failed
	case len(v.Invalid) > 0:
		return Invalid
	case len(v.Leaks) > 0:
		return Leaking
	case len(v.Failures) > 0 || v.hasThreshold(Failed):
		return Failed
	case stale:
		return Invalid
	case len(v.Doubts) > 0 || len(v.Doubtful) > 0 || v.hasThreshold(Inconclusive):
		return Inconclusive
	case !v.Tested():
		return Untested
	}
	return Pass
}

// Tested reports whether the run looked for leaks: with a detector that counts them, or with
// the trend of a series.
func (v *Verdict) Tested() bool {
	counts := func(d Detector) bool { return d.State == Ready && !d.Aside }
	return len(v.Trends) > 0 || slices.ContainsFunc(v.Detectors, counts)
}

// Clears reports whether the run looked for leaks and leaves none, nor a doubt of one.
func (v *Verdict) Clears() bool {
	wrong := len(v.Leaks) + len(v.Invalid) + len(Touching(v.Failures))
	return v.Tested() && wrong == 0 && !v.MayLeak() && v.Outcome != Inconclusive
}

// MayLeak reports whether growth is left that may be a leak.
func (v *Verdict) MayLeak() bool {
	undecided := func(t Trend) bool { return t.Outcome == Inconclusive }
	return len(v.Doubtful) > 0 || slices.ContainsFunc(v.Trends, undecided)
}

func (j *judge) about() About {
	r := j.run
	return About{
		Name: r.Name, Target: r.Target, Command: r.Command, Commit: r.Commit, Report: r.Report,
		Seed: fmt.Sprintf("%#x", r.Seed), Start: r.Start, Seconds: r.Duration.Seconds(), Lives: r.Lives, Rate: j.rate,
	}
}

// candidates returns the findings that report something retained, and the trends that leak.
func (j *judge) candidates() []*candidate {
	var candidates []*candidate
	add := func(f Finding, t *Trend) {
		if f.Count <= 0 && f.Bytes <= 0 && !countsNothing(f.Class) {
			return
		}
		f = f.relativeTo(j.run.Root)
		c := &candidate{Finding: f, noise: j.noise(&f), field: starred(ShortName(f.Field))}
		if len(f.Path) > 0 {
			c.path = starredPath(f.Path)
		}
		if t != nil {
			c.peers = t.Peers
		}
		c.source = j.source(c, t)
		candidates = append(candidates, c)
	}
	for _, f := range j.run.Findings {
		add(f, nil)
	}
	for i := range j.run.Trends {
		if t := &j.run.Trends[i]; t.Outcome == Leaking {
			add(t.finding(), t)
		}
	}
	j.sort(candidates)
	return candidates
}

// sort orders candidates by their detectors and then by content, so that the verdict does
// not depend on which detector was faster.
func (j *judge) sort(candidates []*candidate) {
	at := func(c *candidate) int {
		i := slices.IndexFunc(j.run.Detectors, func(d Detector) bool { return d.Name == c.Detector })
		return (i + len(j.run.Detectors) + 1) % (len(j.run.Detectors) + 1) // an unlisted detector comes last
	}
	slices.SortStableFunc(candidates, func(a, b *candidate) int {
		if c := cmp.Or(
			cmp.Compare(at(a), at(b)), cmp.Compare(a.Detector, b.Detector), cmp.Compare(a.Class, b.Class),
			cmp.Compare(a.Type, b.Type), cmp.Compare(a.Field, b.Field), cmp.Compare(a.path, b.path),
		); c != 0 {
			return c // there may be thousands, and the comparisons below build strings
		}
		return cmp.Or(
			cmp.Compare(a.Born.String(), b.Born.String()), cmp.Compare(a.Stored.String(), b.Stored.String()),
			cmp.Compare(b.Count, a.Count), cmp.Compare(b.Bytes, a.Bytes), slices.Compare(a.PerCycle, b.PerCycle),
			cmp.Compare(fmt.Sprint(a.PerScenario), fmt.Sprint(b.PerScenario)), cmp.Compare(a.Detail, b.Detail),
			cmp.Compare(PathText(a.Path), PathText(b.Path)))
	})
}

// countsNothing reports whether findings of a class have no count: that there is one is the
// finding.
func countsNothing(c Class) bool { return c == Gauge || c == Invariant || c == CPU }

// defaultNoise is assumed for a detector that samples the heap and is not listed in
// Run.Detectors.
const defaultNoise = 2

func (j *judge) noise(f *Finding) float64 {
	for _, d := range j.run.Detectors {
		if d.Name == f.Detector {
			return d.Noise
		}
	}
	if strict(f) {
		return 0
	}
	return defaultNoise
}

// rank sorts leaks by what they cost: bytes a day, then things a day.
func rank(leaks []Leak) {
	slices.SortStableFunc(leaks, func(a, b Leak) int {
		return cmp.Or(
			cmp.Compare(b.BytesPerDay, a.BytesPerDay),
			cmp.Compare(b.CountPerDay, a.CountPerDay),
			cmp.Compare(a.Fingerprint, b.Fingerprint),
		)
	})
}

// notLeaking returns the scenarios that were tested and that no leak comes from. A leak of
// unknown source may come from any of them, so it clears none; nor does a run that failed, is
// invalid or inconclusive, or tested nothing.
func notLeaking(r *Run, v *Verdict) []string {
	leaking := make(map[string]bool)
	note := func(l *Leak) bool {
		for _, name := range l.Source.Scenarios() {
			leaking[name] = true
		}
		return l.Source.certain() && len(l.Source.Shares) > 0
	}
	clear := []string{}
	known := v.Tested() && len(v.Invalid)+len(Touching(v.Failures)) == 0
	// A leak takes no doubt away: what is in doubt may be retained in any scenario.
	if v.Outcome == Inconclusive || len(v.Doubts) > 0 || len(v.Leaks) == 0 && v.MayLeak() {
		return clear
	}
	for i := range v.Leaks {
		known = note(&v.Leaks[i]) && known
	}
	for i := range v.Known {
		known = note(&v.Known[i].Leak) && known
	}
	for i := range v.Doubtful {
		known = note(&v.Doubtful[i]) && known
	}
	for _, s := range r.Scenarios {
		if known && !leaking[s.Name] && s.Landed > 0 {
			clear = append(clear, s.Name)
		}
	}
	return clear
}

// finite drops points that can be neither drawn nor written as JSON.
func finite(series []Series) []Series {
	list := slices.Clone(series)
	for i, s := range list {
		list[i].Points = slices.DeleteFunc(slices.Clone(s.Points), func(p Point) bool {
			sum := p.Value + p.Dose + p.Seconds
			return math.IsNaN(sum) || math.IsInf(sum, 0)
		})
	}
	return list
}
