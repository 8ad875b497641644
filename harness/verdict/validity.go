package verdict

import (
	"cmp"
	"fmt"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// landedPercent is the share of the planned peers below which a run proves nothing.
const landedPercent = 99

// problems returns why the run cannot show whether there is a leak, and what to do. None of
// this ever passes: a check that silently looks at nothing hides more leaks than any
// threshold.
func problems(r *Run) []Reason {
	reasons := append([]Reason(nil), r.Problems...)
	reasons = append(reasons, blind(r)...)
	reasons = append(reasons, idle(r)...)
	reasons = append(reasons, uncontrolled(r)...)
	return append(reasons, incomplete(r)...)
}

// blind returns a reason for each detector that could not look.
func blind(r *Run) []Reason {
	var reasons []Reason
	looked := len(r.Trends)
	for _, d := range r.Detectors {
		switch d.State {
		case Ready:
			looked++
		case Off:
		default: // an unset state does not prove that the detector worked
			reasons = append(reasons, Reason{About: d.Name, What: units.Because("detector "+d.Name+" is missing", d.Why), Do: d.Do})
		}
	}
	if looked == 0 {
		reasons = append(reasons, Reason{What: "no detector looked", Do: "give the run at least one detector"})
	}
	return reasons
}

// idle returns a reason for each scenario with too few peers.
func idle(r *Run) []Reason {
	var reasons []Reason
	if r.Lives <= 0 {
		reasons = append(reasons, Reason{What: "no peer went through a scenario", Do: "find out why peers cannot connect to " + cmp.Or(r.Target, "the target")})
	}
	for _, s := range r.Scenarios {
		// Of a few peers one is more than a percent. It may fail.
		if s.Landed > 0 && (s.Landed*100 >= s.Planned*landedPercent || s.Landed == s.Planned-1) {
			continue
		}
		reasons = append(reasons, Reason{About: s.Name,
			What: fmt.Sprintf("scenario %s: only %s of %s peers did what it says (%d %% are needed)", s.Name, units.Count(s.Landed), units.Count(s.Planned), landedPercent),
			Do:   "read the errors of its peers; a slow machine needs fewer peers or a longer deadline"})
	}
	return reasons
}

// uncontrolled returns a reason for each control that the detectors judged wrongly.
func uncontrolled(r *Run) []Reason {
	var reasons []Reason
	for _, c := range r.Controls {
		if !c.Failed() {
			continue
		}
		what, do := "was planted and not caught", "do not trust a pass before it is caught: run the tests of the detectors"
		if !c.Planted {
			what, do = "is benign and was reported as a leak", "do not trust the leaks below before you know why: the target grows without peers, or the detector is wrong"
		}
		reasons = append(reasons, Reason{About: c.Name, What: units.Because("control "+c.Name+" "+what, c.Detail), Do: do})
	}
	return reasons
}

// incomplete returns a reason for each finding that does not count all cycles.
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
