package report

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
	"github.com/pigeonhub/pigeonhub/loadgen/plan"
)

// Comparison sets two runs of the same plan side by side. A is the earlier one.
type Comparison struct {
	A, B    About
	Outcome verdict.Outcome // pass, failed if something became worse, or inconclusive
	Notes   []string        // what may explain a difference, or prevents a comparison
	Rows    []Compared      // the worst first
}

// About identifies a run.
type About struct{ Target, Commit, Seed, Verdict string }

// Compared is one quantity of both runs.
type Compared struct {
	Name  string
	A, B  string  // for display, "" if not measured
	Ratio float64 // of B to A, 0 if there is none
	Floor float64 // relative difference up to which they are equal, 0 if there is none
	State State
	Why   string
}

// State is the result of comparing a quantity.
type State string

// The states, the worst first. Quantities that differ by less than the noise are equal if neither
// their difference nor the noise would matter.
const (
	Worse   State = "worse"
	Unknown State = "unknown"     // one of the runs is not conclusive
	Hidden  State = "cannot tell" // there is a difference, or may be one, that is less than the noise
	Better  State = "better"
	Equal   State = "equal"
	Skipped State = "not compared" // the runs have too few samples
)

var states = []State{Worse, Unknown, Hidden, Better, Equal, Skipped}

// ErrOtherPlan is the error of two runs of different plans, which cannot be compared.
var ErrOtherPlan = errors.New("the runs are of different plans")

// Compare compares run b with the earlier run a. Runs like a, if there are any, show how
// much runs of the same target differ, which is noise that a single run does not show. It
// returns an error that wraps ErrOtherPlan if the plans differ.
func Compare(a, b Result, like ...Result) (Comparison, error) {
	for _, o := range append([]Result{b}, like...) {
		if err := samePlan(a.Plan, o.Plan); err != nil {
			return Comparison{}, fmt.Errorf("compare: %w", err)
		}
	}
	c := Comparison{A: a.about(), B: b.about(), Outcome: verdict.Pass}
	c.notes(&a, &b)
	c.Rows = slices.Concat(compareVerdicts(&a, &b), compareTimes(&a, &b, like), compareCounts(&a, &b), compareTrends(&a, &b), comparePeaks(&a, &b, like))
	slices.SortStableFunc(c.Rows, func(x, y Compared) int {
		return cmp.Compare(slices.Index(states, x.State), slices.Index(states, y.State))
	})
	switch {
	case c.count(Worse) > 0:
		c.Outcome = verdict.Failed
	case c.count(Unknown) > 0:
		c.Outcome = verdict.Inconclusive
	}
	return c, nil
}

func (r *Result) about() About {
	run := r.Verdict.Run
	return About{run.Target, run.Commit, run.Seed, string(r.Verdict.Outcome)}
}

func (c *Comparison) count(s State) (n int) {
	for i := range c.Rows {
		if c.Rows[i].State == s {
			n++
		}
	}
	return n
}

// samePlan returns an error that names where two plans differ. Seeds and thresholds may
// differ.
func samePlan(a, b plan.Plan) error {
	if len(a.Phases) != len(b.Phases) {
		return fmt.Errorf("%w: %d and %d phases", ErrOtherPlan, len(a.Phases), len(b.Phases))
	}
	if len(a.Phases) > 0 && !a.SameCodec(b) {
		return fmt.Errorf("%w: the codec is another", ErrOtherPlan)
	}
	for i := range a.Phases {
		x, y := reflect.ValueOf(a.Phases[i]), reflect.ValueOf(b.Phases[i])
		for k := range x.NumField() {
			if v, w := x.Field(k).Interface(), y.Field(k).Interface(); !reflect.DeepEqual(v, w) {
				return fmt.Errorf("%w: phase %d: %s is %v and %v", ErrOtherPlan, i+1, x.Type().Field(k).Name, v, w)
			}
		}
	}
	return nil
}

// notes says what else was different.
func (c *Comparison) notes(a, b *Result) {
	note := func(what, x, y string) {
		if x != y {
			c.Notes = append(c.Notes, fmt.Sprintf("%s: %s before, %s now", what, orNone(x), orNone(y)))
		}
	}
	e, f := a.Environment, b.Environment
	note("loadgen", e.Version+" "+e.Commit, f.Version+" "+f.Commit)
	note("Go of loadgen", e.Go, f.Go)
	note("system", e.System+" "+e.Kernel, f.System+" "+f.Kernel)
	note("processors", strconv.Itoa(e.CPUs), strconv.Itoa(f.CPUs))
	for name, r := range map[string]*Result{"before": a, "now": b} {
		if r.Timing.Outcome != verdict.None {
			c.Notes = append(c.Notes, name+": "+r.Timing.Why)
		}
	}
	slices.Sort(c.Notes)
}

func orNone(s string) string {
	if s == "" || s == " " {
		return "not known"
	}
	return s
}

// compareVerdicts: a run that failed, or could not tell, where the one before passed.
func compareVerdicts(a, b *Result) []Compared {
	rank := func(o verdict.Outcome) int {
		return slices.Index([]verdict.Outcome{verdict.Pass, verdict.Untested, verdict.Inconclusive, verdict.Invalid, verdict.Failed, verdict.Leaking}, o)
	}
	row := Compared{Name: "verdict", A: string(a.Verdict.Outcome), B: string(b.Verdict.Outcome), State: Equal}
	x, y := rank(a.Verdict.Outcome), rank(b.Verdict.Outcome)
	bad := rank(verdict.Failed)
	switch {
	case y >= bad && x < bad:
		row.State = Worse
	case y < bad && x >= bad && y <= rank(verdict.Untested):
		row.State = Better
	case rank(verdict.Invalid) == x || rank(verdict.Invalid) == y:
		row.State, row.Why = Unknown, "a run could not tell"
	}
	return []Compared{row}
}

// compareTrends: what the target retains of 1,000 peers, by series.
func compareTrends(a, b *Result) []Compared {
	var rows []Compared
	for i := range a.Verdict.Trends {
		t := &a.Verdict.Trends[i]
		k := slices.IndexFunc(b.Verdict.Trends, func(o verdict.Trend) bool { return o.Series == t.Series && o.Per == t.Per })
		if k < 0 {
			rows = append(rows, Compared{Name: "retained " + seriesOf(t), A: retained(t), State: Unknown, Why: "it was not judged now"})
			continue
		}
		rows = append(rows, compareTrend(t, &b.Verdict.Trends[k]))
	}
	return rows
}

func retained(t *verdict.Trend) string {
	return string(t.Outcome) + ", " + units.Quantity(t.Retained, t.Unit)
}

// seriesOf returns the series of a trend, and what it is per if that is no peer.
func seriesOf(t *verdict.Trend) string {
	if t.Per == "" {
		return t.Series
	}
	return t.Series + " per " + t.Per
}

func compareTrend(a, b *verdict.Trend) Compared {
	row := Compared{Name: "retained " + seriesOf(a), A: retained(a), B: retained(b), State: Equal}
	leaked, leaks := a.Outcome == verdict.Leaking, b.Outcome == verdict.Leaking
	switch {
	case leaks && !leaked:
		row.State = Worse
	case leaked && b.Outcome == verdict.None:
		row.State = Better
	case leaked && leaks && a.Interval != nil && b.Interval != nil && b.Interval.Low > a.Interval.High:
		row.State = Worse
	case leaked && leaks && a.Interval != nil && b.Interval != nil && b.Interval.High < a.Interval.Low:
		row.State = Better
	case !leaks && a.Outcome != b.Outcome:
		row.State, row.Why = Unknown, "one of the runs was too short to tell"
	}
	return row
}
