package verdict

import (
	"cmp"
	"fmt"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// landedPercent is the share of the planned churn below which a run says nothing.
const landedPercent = 99

// problems says why the run cannot tell whether there is a leak, and what to do
// about it. Nothing here is ever a pass: a check that silently looks at nothing
// has let more leaks through than any threshold.
func problems(r *Run) []Reason {
	reasons := append([]Reason(nil), r.Problems...)
	reasons = append(reasons, blind(r)...)
	reasons = append(reasons, idle(r)...)
	reasons = append(reasons, uncontrolled(r)...)
	return append(reasons, incomplete(r)...)
}

// blind: a detector did not look.
func blind(r *Run) []Reason {
	var reasons []Reason
	looked := len(r.Trends)
	for _, d := range r.Detectors {
		switch d.State {
		case Ready:
			looked++
		case Off:
		default: // a state that nobody set is no proof that the detector worked
			reasons = append(reasons, Reason{About: d.Name, What: units.Because("detector "+d.Name+" is missing", d.Why), Do: d.Do})
		}
	}
	if looked == 0 {
		reasons = append(reasons, Reason{What: "no detector looked", Do: "give the run at least one detector"})
	}
	return reasons
}

// idle: too little happened.
func idle(r *Run) []Reason {
	var reasons []Reason
	if r.Lives <= 0 {
		reasons = append(reasons, Reason{What: "no peer was put through", Do: "see why the peers cannot connect to " + cmp.Or(r.Target, "the target")})
	}
	for _, s := range r.Scenarios {
		// One that went astray is more than a percent of a few, and no reason.
		if s.Landed > 0 && (s.Landed*100 >= s.Planned*landedPercent || s.Landed == s.Planned-1) {
			continue
		}
		reasons = append(reasons, Reason{About: s.Name,
			What: fmt.Sprintf("scenario %s: %s of %s peers did what it says (%d %% are needed)", s.Name, units.Count(s.Landed), units.Count(s.Planned), landedPercent),
			Do:   "read the errors of its peers; a slow machine wants fewer peers or a longer deadline"})
	}
	return reasons
}

// uncontrolled: the instrument was wrong where the answer was known.
func uncontrolled(r *Run) []Reason {
	var reasons []Reason
	for _, c := range r.Controls {
		if !c.Failed() {
			continue
		}
		what, do := "was planted and not caught", "no pass of this run means anything until it is: run the detectors' own tests"
		if !c.Planted {
			what, do = "is no leak and was reported as one", "do not trust the leaks below before this is repaired"
		}
		reasons = append(reasons, Reason{About: c.Name, What: units.Because("control "+c.Name+" "+what, c.Detail), Do: do})
	}
	return reasons
}

// incomplete: what a detector says does not fit the run it says it of.
func incomplete(r *Run) []Reason {
	var reasons []Reason
	for _, f := range r.Findings {
		if len(f.PerCycle) > 0 && len(f.PerCycle) != len(r.Cycles) {
			reasons = append(reasons, Reason{About: f.Detector,
				What: fmt.Sprintf("detector %s counted in %d cycles, the run had %d", f.Detector, len(f.PerCycle), len(r.Cycles)),
				Do:   "take a reading after every cycle"})
		}
	}
	return reasons
}
