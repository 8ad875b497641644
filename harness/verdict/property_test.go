package verdict_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

func TestProperties(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 6))
		r := sample.Random(rng)
		before := fmt.Sprintf("%+v", r)
		v := verdict.Judge(r)
		if after := fmt.Sprintf("%+v", r); after != before {
			t.Fatalf("seed %d: Judge has changed the run", seed)
		}
		for _, wrong := range violations(r, v) {
			t.Errorf("seed %d: %s", seed, wrong)
		}
		rng.Shuffle(len(r.Findings), func(i, j int) { r.Findings[i], r.Findings[j] = r.Findings[j], r.Findings[i] })
		if a, b := verdict.Judge(r), v; a.Outcome != b.Outcome || fmt.Sprint(fingerprints(a)) != fmt.Sprint(fingerprints(b)) {
			t.Errorf("seed %d: in another order it is %s %v, and was %s %v", seed, a.Outcome, fingerprints(a), b.Outcome, fingerprints(b))
		}
		if t.Failed() {
			return
		}
	}
}

func fingerprints(v verdict.Verdict) []string {
	var list []string
	for _, l := range slices.Concat(v.Leaks, v.Doubtful) {
		list = append(list, l.Fingerprint)
	}
	for _, k := range v.Known {
		list = append(list, k.Leak.Fingerprint)
	}
	slices.Sort(list)
	return list
}

// violations returns what is wrong with a verdict whatever the run was.
func violations(r verdict.Run, v verdict.Verdict) (wrong []string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	reported := slices.Concat(v.Leaks, v.Doubtful)
	for _, k := range v.Known {
		reported = append(reported, k.Leak)
	}
	shown := 0
	for _, l := range reported {
		shown += len(l.Evidence)
		if len(l.Evidence) == 0 || len(l.Fingerprint) != 32 || l.Peers <= 0 || l.Bytes < 0 {
			bad("a leak without evidence, fingerprint or peers: %+v", l)
		}
		if math.IsNaN(l.BytesPerDay+l.CountPerDay+l.Source.PerPeer) || math.IsInf(l.BytesPerDay+l.CountPerDay, 0) {
			bad("a figure that is not finite: %+v", l)
		}
		if !slices.ContainsFunc(l.Evidence, func(e verdict.Evidence) bool { return e.Principal }) {
			bad("a leak without principal evidence: %+v", l)
		}
		for _, s := range l.Source.Shares {
			if slices.Contains(v.NotLeaking, s.Scenario) {
				bad("%s is both leaking and cleared", s.Scenario)
			}
		}
	}
	counted := 0
	for _, f := range r.Findings {
		if f.Count > 0 || f.Bytes > 0 || f.Class == verdict.Gauge || f.Class == verdict.Invariant || f.Class == verdict.CPU {
			counted++
		}
	}
	if shown < counted {
		bad("%d findings, and %d are evidence", counted, shown)
	}
	missing := slices.ContainsFunc(r.Detectors, func(d verdict.Detector) bool { return d.State == verdict.Missing || d.State == "" })
	switch {
	case missing && v.Outcome != verdict.Invalid:
		bad("a detector is missing and the outcome is %s", v.Outcome)
	case v.Outcome == verdict.Pass && len(v.Leaks)+len(v.Doubtful)+len(v.Invalid)+len(v.Doubts) > 0:
		bad("it passes with %d leaks", len(v.Leaks))
	case v.Outcome == verdict.Invalid && len(v.Invalid) == 0:
		bad("it is invalid, and does not say why")
	case v.Outcome == verdict.Invalid && slices.ContainsFunc(v.Invalid, func(x verdict.Reason) bool { return x.What == "" }):
		bad("it is invalid for no reason")
	}
	return wrong
}
