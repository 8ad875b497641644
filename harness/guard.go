package harness

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// GuardOption changes what Guard and GuardParallel look at.
type GuardOption func(*guard)

// Grace is how long a guard waits, from the end of the test, for goroutines and
// descriptors that are about to go; default 1s.
func Grace(d time.Duration) GuardOption {
	return func(g *guard) { g.grace = d }
}

// Also has a guard ask further detectors, after its own: a Census of what outlives
// the test, Gauges of a hub that many tests share.
func Also(detectors ...detect.Detector) GuardOption {
	return func(g *guard) { g.also = append(g.also, detectors...) }
}

// Except says of goroutines that they do not count. The stack begins with the
// innermost frame.
func Except(ignore func(stack []verdict.Site) bool) GuardOption {
	return func(g *guard) { g.except = ignore }
}

// guard is what looks at one test.
type guard struct {
	tb        TB
	watch     *detect.Watch
	grace     time.Duration
	except    func([]verdict.Site) bool
	also      []detect.Detector
	detectors []detect.Detector
	states    []verdict.Detector
	began     time.Time
}

// guardLongest bounds what a guard takes before a test and after it.
const guardLongest = time.Minute

// Guard fails a test that leaves something behind: a goroutine, a descriptor, a
// connection or file that was never closed, a timer that was not stopped (in a
// program that calls RecordAll), or an object given to the Watch that it returns.
// It is the first thing that a test does:
//
//	func TestRoom(t *testing.T) {
//		watch := harness.Guard(t)
//		...
//
// Cleanups run in the reverse order of their registration, so the guard, which
// registers first, looks last: after the cleanups of all that the test and its
// helpers started later. What was registered before it is not over when it looks.
// In Ginkgo it is the same: call Guard(GinkgoT()) first in the outermost BeforeEach.
// It runs after the AfterEach nodes and after every later DeferCleanup. But Ginkgo
// holds on to cleanups until all have run, and to the variables of its containers:
// an object or a stopped timer that one of these refers to counts as left behind.
//
// The test must not run in parallel with others; for those there is GuardParallel.
// Nor may it call PauseRecording or run a Campaign, which does at its end: timers could
// not be counted then, which fails it in a program that calls RecordAll.
// What was there before does not count. Goroutines of before are logged once for
// each place, in case an earlier test left them.
//
// Of a test that has failed or was stopped by Fatal it says that it did not look: a
// test that ends in the middle leaves things, and its first failure is the news. A
// guard that cannot look fails the test.
//
// It takes some milliseconds before and after. Descriptors are seen on Linux only.
func Guard(tb TB, opts ...GuardOption) *detect.Watch {
	tb.Helper()
	g := newGuard(tb, opts)
	goroutines := &detect.Goroutines{Grace: g.grace, Ignore: g.except}
	g.add(&detect.Descriptors{Grace: g.grace})
	if runtime.GOOS != "linux" {
		g.off("descriptors can be read on Linux only")
	}
	g.add(goroutines)
	g.add(&detect.Unclosed{})
	g.add(g.watch)
	g.add(&detect.Timers{Ignore: detect.OfTestFramework})
	if _, err := heap.Gaps(); err != nil {
		g.off(err.Error())
	}
	for _, d := range g.also {
		g.add(d)
	}
	g.start()
	g.logBefore(goroutines)
	return g.watch
}

// GuardParallel is Guard for a test that runs beside others. It labels the calling
// goroutine, and looks only at goroutines that this one and its like start from now
// on, and at what is given to the Watch. It does not see what somebody starts on
// behalf of the test who was there before, nor descriptors or timers: these belong
// to the process. Ginkgo runs each node in a goroutine of its own, so there it
// belongs into the It.
//
// The context has the label, for pprof.Do and the like.
func GuardParallel(ctx context.Context, tb TB, opts ...GuardOption) (context.Context, *detect.Watch) {
	tb.Helper()
	g := newGuard(tb, opts)
	// The name alone would not do: a test may run twice.
	label := fmt.Sprintf("%s#%d", tb.Name(), guards.Add(1))
	ctx = detect.Label(ctx, guardLabel, label)
	g.add(&detect.Goroutines{Grace: g.grace, Ignore: g.except, Labels: map[string]string{guardLabel: label}})
	g.add(g.watch)
	for _, d := range g.also {
		g.add(d)
	}
	g.start()
	return ctx, g.watch
}

const guardLabel = "harness.Guard"

var guards atomic.Int64

func newGuard(tb TB, opts []GuardOption) *guard {
	g := &guard{tb: tb, watch: detect.NewWatch(), grace: time.Second, began: time.Now()}
	for _, o := range opts {
		o(g)
	}
	return g
}

func (g *guard) add(d detect.Detector) {
	g.detectors, g.states = append(g.detectors, d), append(g.states, newState(d))
}

// off switches the detector added last off.
func (g *guard) off(why string) {
	s := &g.states[len(g.states)-1]
	s.State, s.Why = verdict.Off, why
}

// start registers the look at the end, then takes the baseline.
func (g *guard) start() {
	g.tb.Helper()
	g.tb.Cleanup(g.finish)
	ctx, cancel := context.WithTimeout(context.Background(), guardLongest)
	defer cancel()
	r := detect.NewReading(0)
	g.each(func(d detect.Detector) error {
		if labelled, ok := d.(*detect.Goroutines); ok && labelled.Labels != nil {
			labelled.StartEmpty() // no goroutine has the label yet
			return nil
		}
		return d.Baseline(ctx, r)
	})
}

// each has all detectors do something that work so far.
func (g *guard) each(do func(detect.Detector) error) {
	for i, d := range g.detectors {
		if g.states[i].State != verdict.Ready {
			continue
		}
		if err := do(d); err != nil {
			g.states[i].State, g.states[i].Why = verdict.Missing, err.Error()
		}
	}
}

// finish looks at what the test has left.
func (g *guard) finish() {
	g.tb.Helper()
	if g.tb.Failed() {
		g.tb.Logf("leak guard: %s has failed, nobody looked for leaks", g.tb.Name())
		return
	}
	g.forgetCleanups()
	v := verdict.Judge(g.run())
	var objections strings.Builder
	_ = report.Brief(&objections, v) // a strings.Builder never fails
	if objections.Len() > 0 {
		// One call for everything: in Ginkgo the first failure ends the node.
		g.tb.Errorf("leak guard: %s\n%s%s", g.tb.Name(), &objections, guardDetails(v))
	}
}

// staleCleanups is how many cleanups a test may have and the guard not be misled.
const staleCleanups = 128

// forgetCleanups has the testing package let go of the cleanups that have run: the
// end of its list still holds them, and with them whatever they refer to. Others
// take their places.
func (g *guard) forgetCleanups() {
	switch fmt.Sprintf("%T", g.tb) {
	case "*testing.T", "*testing.B", "*testing.F":
		for range staleCleanups {
			g.tb.Cleanup(func() {})
		}
	}
}

// run is the test as a run of one cycle with one peer.
func (g *guard) run() verdict.Run {
	ctx, cancel := context.WithTimeout(context.Background(), guardLongest)
	defer cancel()
	name := g.tb.Name()
	run := verdict.Run{
		Name: name, Start: g.began, Lives: 1,
		Scenarios: []verdict.Scenario{{Name: name, Planned: 1, Landed: 1}},
		Cycles:    []verdict.Cycle{{Doses: map[string]int64{name: 1}}},
	}
	r := detect.NewReading(1)
	g.each(func(d detect.Detector) error { return d.Cycle(ctx, r) })
	g.each(g.recount)
	g.each(func(d detect.Detector) error {
		found, err := d.Findings(ctx)
		for _, f := range found {
			f.PerScenario = map[string]int64{name: f.Count} // who else
			run.Findings = append(run.Findings, f)
		}
		return err
	})
	run.Detectors, run.Duration = g.states, time.Since(g.began)
	return run
}

// recount reads the descriptors again if the GC closed some during the test: Unclosed
// reports those, with the line that opened them, and they must not be reported twice.
func (g *guard) recount(d detect.Detector) error {
	if d, ok := d.(*detect.Descriptors); ok && slices.ContainsFunc(g.detectors, hasClosed) {
		return d.Recount()
	}
	return nil
}

func hasClosed(d detect.Detector) bool {
	u, ok := d.(*detect.Unclosed)
	return ok && u.Seen()
}

// guardDetailLines is how many lines of evidence a guard shows for a leak.
const guardDetailLines = 12

// guardDetails is the evidence: where the goroutines wait, what the descriptors
// lead to.
func guardDetails(v verdict.Verdict) string {
	var b strings.Builder
	for i, l := range v.Leaks {
		for _, e := range l.Evidence {
			if !e.Principal || e.Detail == "" {
				continue
			}
			lines := strings.Split(e.Detail, "\n")
			fmt.Fprintf(&b, "%d of %d, by %s:\n%s\n", i+1, len(v.Leaks), e.Detector, indent(strings.Join(lines[:min(len(lines), guardDetailLines)], "\n")))
		}
	}
	return b.String()
}
