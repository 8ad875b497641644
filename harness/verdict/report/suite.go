package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

// Suite is the result of a test suite that has several runs.
type Suite struct {
	Name    string
	Start   time.Time
	Seconds float64
	Command string // repeats it
	Report  string // where its page is

	Runs     []SuiteRun
	Failed   []TestFailure
	Beside   int64             // peers put through by tests that are no run
	Coverage *verdict.Coverage // of all tests together
}

// SuiteRun is one run of a suite. Page is its own report, relative to that of the suite.
type SuiteRun struct {
	Verdict verdict.Verdict
	Page    string
}

// TestFailure is a test of a suite that failed, and not because of the verdict of a run.
type TestFailure struct {
	Test  string `json:"test"`
	Place string `json:"place"`
	What  string `json:"what"`
}

// Outcome returns the worst outcome of the runs. A suite with a failed test does not pass, and
// one without runs tests nothing.
func (s *Suite) Outcome() verdict.Outcome {
	worst := verdict.Untested
	if len(s.Failed) > 0 {
		worst = verdict.Failed
	}
	for i := range s.Runs {
		if o := s.Runs[i].Verdict.Outcome; severity(o) > severity(worst) {
			worst = o
		}
	}
	return worst
}

// severity orders outcomes: what is certain comes before what a run could not tell.
func severity(o verdict.Outcome) int {
	return slices.Index([]verdict.Outcome{
		verdict.Untested, verdict.None, verdict.Pass, verdict.Inconclusive, verdict.Invalid, verdict.Failed, verdict.Leaking,
	}, o)
}

// headline returns the verdict of the suite in one sentence.
func (s *Suite) headline() string {
	causes := s.causes()
	switch o := s.Outcome(); {
	case len(causes) == 1:
		return title(causes[0].leak)
	case len(causes) > 1:
		return units.Plural(int64(len(causes)), "leak") + ", the best located one: " + title(causes[0].leak)
	case len(s.Failed) > 0:
		return "Failed: " + s.Failed[0].Test
	case o == verdict.Pass:
		return "No leak in " + units.Plural(int64(len(s.Runs)), "run")
	case o == verdict.Untested:
		return "No run looked for leaks"
	default:
		for i := range s.Runs {
			if v := &s.Runs[i].Verdict; v.Outcome == o {
				return v.Run.Name + ": " + headline(v)
			}
		}
		return string(o)
	}
}

// lives returns how many peers all tests put through.
func (s *Suite) lives() int64 {
	n := s.Beside
	for i := range s.Runs {
		n += s.Runs[i].Verdict.Run.Lives
	}
	return n
}

// cause is a leak with all that the runs of a suite saw of it.
type cause struct {
	leak  *verdict.Leak // as told by the run that locates it best
	run   int           // this run
	seen  []suiteSight
	marks map[string]bool
}

// suiteSight is the leak as one run told it.
type suiteSight struct {
	run  int
	leak *verdict.Leak
}

// causes joins what several runs say about the same leak. The best located leak comes first.
// Leaks of one run stay apart: its verdict has joined what belongs together.
func (s *Suite) causes() []*cause {
	var all []suiteSight
	for i := range s.Runs {
		for k := range s.Runs[i].Verdict.Leaks {
			all = append(all, suiteSight{i, &s.Runs[i].Verdict.Leaks[k]})
		}
	}
	slices.SortStableFunc(all, func(a, b suiteSight) int { return cmp.Compare(located(b.leak), located(a.leak)) })
	var causes []*cause
	for _, next := range all {
		marks := marksOf(next.leak)
		i := slices.IndexFunc(causes, func(c *cause) bool { return c.takes(next, marks) })
		if i < 0 {
			causes = append(causes, &cause{leak: next.leak, run: next.run, marks: make(map[string]bool)})
			i = len(causes) - 1
		}
		causes[i].seen = append(causes[i].seen, next)
		for _, m := range append(marks, bornMarks(next.leak)...) {
			causes[i].marks[m] = true
		}
	}
	return causes
}

// takes reports whether what a run says is about this leak.
func (c *cause) takes(next suiteSight, marks []string) bool {
	if slices.ContainsFunc(c.seen, func(s suiteSight) bool { return s.run == next.run }) {
		return false
	}
	return slices.ContainsFunc(marks, func(m string) bool { return c.marks[m] })
}

// marksOf returns what identifies a leak in every run: its fingerprint, the collections that
// grow, the goroutine's function or timer that holds, the line that stores, the line that starts a
// goroutine, and that invariants broke.
func marksOf(l *verdict.Leak) []string {
	marks := []string{"fingerprint " + l.Fingerprint}
	if len(l.Path) == 0 && l.Field == "" { // a run that knows lines alone, of a process that it reads from outside
		marks = append(marks, bornMarks(l)...)
	}
	for _, e := range l.Evidence {
		if e.Field != "" {
			marks = append(marks, "field "+e.Field)
		}
		if frame := verdict.Frame(e.Path); frame != "" {
			marks = append(marks, "frame "+frame)
		}
		if e.Stored.Line > 0 {
			marks = append(marks, "stored "+e.Stored.Place())
		}
		if e.Class == verdict.Goroutine && e.Born.Line > 0 {
			marks = append(marks, "goroutine "+e.Born.Place())
		}
		if e.Class == verdict.Invariant {
			marks = append(marks, "invariant")
		}
	}
	return marks
}

// bornMarks returns the lines that allocate what leaks.
func bornMarks(l *verdict.Leak) (marks []string) {
	for _, e := range l.Evidence {
		if e.Born.Line > 0 {
			marks = append(marks, "born "+e.Born.Place())
		}
	}
	return marks
}

// located tells how well a leak is located.
func located(l *verdict.Leak) (points int) {
	for _, known := range []bool{
		l.Born.Line > 0, len(l.Path) > 0 || l.Field != "", l.Stored.Line > 0, l.Source.Solved, len(l.Evidence) > 1,
		l.Class != verdict.Gauge && l.Class != verdict.Invariant && l.Class != verdict.CPU,
	} {
		if known {
			points++
		}
	}
	return points
}
