package loadgen

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// reading is what all probes of the target read at one time, by series.
type reading map[string]float64

// value returns the value of a series, NaN if it is missing.
func (r reading) value(name string) float64 {
	if v, ok := r[name]; ok {
		return v
	}
	return math.NaN()
}

// counts returns the series that say something about what is retained.
func (r reading) counts() reading {
	kept := reading{}
	for name, v := range r {
		if !report.KindOf(name).Skip {
			kept[name] = v
		}
	}
	return kept
}

// lower takes from a later reading each lower value, and each value of a series that does
// not come to rest. It returns the counts that fell.
func (r reading) lower(now reading) (fell []string) {
	for name, v := range now {
		was, ok := r[name]
		k := report.KindOf(name)
		switch rests := k.Strict || k.Unit == verdict.Bytes; {
		case !ok || !rests:
			r[name] = v
		case v < was:
			r[name] = v
			if k.Strict {
				fell = append(fell, name)
			}
		}
	}
	return fell
}

// only returns the series with the given names.
func (r reading) only(names []string) reading {
	some := reading{}
	for _, name := range names {
		some[name] = r[name]
	}
	return some
}

// isBack reports whether all strict counts are at most what they were. It reports false if
// a reading is empty.
func isBack(now, before reading) bool {
	for name, was := range before {
		if v, ok := now[name]; ok && v > was && report.KindOf(name).Strict {
			return false
		}
	}
	return len(now) > 0 && len(before) > 0
}

// stayed returns a doubt for each count that did not return after a load of the target.
func stayed(before, after reading, target string) []verdict.Reason {
	var list []verdict.Reason
	for _, name := range risen(before, after) {
		list = append(list, verdict.Reason{About: name, Do: fmt.Sprintf("loadgen check %s decides whether it is a leak (%s at most)", target, units.Duration(checkProfile().phase.Duration)),
			What: fmt.Sprintf("%s was %g before the load and is %g after it", name, before[name], after[name])})
	}
	return list
}

// risen returns the counts that are above their value before.
func risen(before, after reading) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(before)) {
		now, ok := after[name]
		if k := report.KindOf(name); ok && k.Strict && !k.Skip && before.best(k) && now > before[name] {
			list = append(list, name)
		}
	}
	return list
}

// best reports whether no other series of the reading measures the same thing better.
func (r reading) best(k report.Kind) bool {
	for name := range r {
		if o := report.KindOf(name); o.Class == k.Class && o.Prefer > k.Prefer && !o.Skip {
			return false
		}
	}
	return true
}
