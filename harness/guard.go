package harness

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/heap"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/report"
)

// GuardOption changes what Guard and GuardParallel look at.
type GuardOption func(*guard)

// Grace sets how long a guard waits after the test for goroutines to end and descriptors to be
// closed. By default it waits until what is left has not changed for 400 ms.
func Grace(d time.Duration) GuardOption {
	return func(g *guard) { g.grace = d }
}

// Also adds detectors to a guard, after its own: a detect.Census of state that outlives the test,
// detect.Gauges of a hub that many tests share.
func Also(detectors ...detect.Detector) GuardOption {
	return func(g *guard) { g.also = append(g.also, detectors...) }
}

// Census makes a guard count the entries of the maps, slices, channels and lists that a value leads
// to, before and after the test. The value is a pointer to something that lives longer than the
// test, such as a hub that many tests share; Watch.Add is for what must end with the test. If the
// test makes the value itself, call a second guard after that: it checks before the cleanup of the
// value. The guard holds lock, if it is not nil, while it walks through the value: the mutex that
// guards the collections, without which the race detector objects. Its rules and limits are those of
// detect.Census.
func Census(value any, lock sync.Locker) GuardOption {
	return func(g *guard) {
		if g.census == nil {
			g.census = &detect.Census{Roots: map[string]any{}, Lock: &g.locks}
		}
		if lock != nil {
			g.locks = append(g.locks, lock)
		}
		g.census.Roots[fmt.Sprintf("%T %d", value, len(g.census.Roots))] = value
	}
}

// Except makes a guard ignore goroutines. The stack begins with the innermost frame.
func Except(ignore func(stack []verdict.Site) bool) GuardOption {
	return func(g *guard) { g.goroutines.Ignore = ignore }
}

// guard checks one test.
type guard struct {
	tb          TB
	goroutines  *detect.Goroutines
	descriptors *detect.Descriptors // nil in a parallel test, and where they cannot be read
	watch       *detect.Watch
	census      *detect.Census // nil without the option Census
	locks       lockers        // of the census
	grace       time.Duration  // 0 for the default
	also        []detect.Detector
	detectors   []detect.Detector
	states      []verdict.Detector
	began       time.Time
}

// mostHeap is the largest heap in bytes of which a guard takes a dump to find out what retains an
// object. The dump is as large as the heap.
const mostHeap = 256 << 20

// guardLongest bounds the time of a guard before a test, and after it.
const guardLongest = time.Minute

// Guard fails a test that leaves something behind: a goroutine, a descriptor (on Linux), a
// connection or file that was never closed, a timer that was not stopped (after heap.RecordAll),
// an object added to the Watch that it returns, or an entry in a collection of a value (with the
// option Census). Call it first in a test:
//
//	func TestRoom(t *testing.T) {
//		watch := harness.Guard(t)
//		...
//
// The test must not be parallel: Guard fails it then, and GuardParallel is for it. The package
// documentation has the order of cleanups and the limits. A guard of a clean test takes about
// a millisecond. It forces a collection only after heap.RecordAll, if an object was added to the
// Watch, or if a descriptor is left.
func Guard(tb TB, opts ...GuardOption) *detect.Watch {
	tb.Helper()
	g := newGuard(tb, opts)
	if runtime.GOOS == "linux" {
		g.descriptors = &detect.Descriptors{}
		g.add(g.descriptors)
	}
	g.add(g.goroutines)
	_, inexact := heap.Gaps()
	if inexact == nil || g.descriptors == nil {
		g.add(&detect.Unclosed{})
	}
	g.add(g.watch)
	if inexact == nil {
		g.add(&detect.Timers{Ignore: detect.OfTestFramework})
	}
	g.addOptional()
	g.start()
	g.logBefore()
	return g.watch
}

func newGuard(tb TB, opts []GuardOption) *guard {
	g := &guard{tb: tb, goroutines: &detect.Goroutines{}, watch: detect.NewWatch(), began: time.Now()}
	for _, o := range opts {
		o(g)
	}
	return g
}

// lockers locks several locks as one.
type lockers []sync.Locker

func (ls *lockers) Lock() {
	for _, l := range *ls {
		l.Lock()
	}
}

func (ls *lockers) Unlock() {
	for _, l := range slices.Backward(*ls) {
		l.Unlock()
	}
}

// addOptional adds the detectors of the options.
func (g *guard) addOptional() {
	if g.census != nil {
		g.add(g.census)
	}
	for _, d := range g.also {
		g.add(d)
	}
}

func (g *guard) add(d detect.Detector) {
	g.detectors, g.states = append(g.detectors, d), append(g.states, newState(d))
}

// start registers finish, then takes the baseline.
func (g *guard) start() {
	g.tb.Helper()
	g.tb.Cleanup(g.finish)
	ctx, cancel := context.WithTimeout(context.Background(), guardLongest)
	defer cancel()
	r := detect.NewReading(0)
	g.goroutines.Grace = startGrace
	g.each(func(d detect.Detector) error {
		if labelled, ok := d.(*detect.Goroutines); ok && labelled.Labels != nil {
			labelled.StartEmpty() // no goroutine has the label yet
			return nil
		}
		return d.Baseline(ctx, r)
	})
}

// each calls do for each detector that has not failed yet.
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

// finish reports what the test has left.
func (g *guard) finish() {
	g.tb.Helper()
	switch {
	case g.goroutines.Labels == nil && isParallel(g.tb):
		g.tb.Errorf(refusal, g.tb.Name())
		return
	case g.tb.Failed():
		g.tb.Logf("leak guard: %s has failed and was not checked for leaks", g.tb.Name())
		return
	}
	if s := restless(); s != "" {
		g.tb.Errorf(stopped, g.tb.Name(), indent(s))
		return
	}
	g.forgetCleanups()
	v := verdict.Judge(g.run())
	causesFirst(v.Leaks)
	g.noteReported(len(v.Leaks))
	var objections strings.Builder
	_ = report.Brief(&objections, v) // a write to a strings.Builder never fails
	if objections.Len() > 0 {
		// Report all with one call, because in Ginkgo the first failure ends the node.
		g.tb.Errorf("leak guard: %s\n%s", g.tb.Name(), &objections)
	}
}

// staleCleanups is the number of cleanups that forgetCleanups overwrites.
const staleCleanups = 128

// forgetCleanups overwrites cleanups that have run. The testing package holds them beyond the end
// of its list, and with them all that they refer to.
func (g *guard) forgetCleanups() {
	switch fmt.Sprintf("%T", g.tb) {
	case "*testing.T", "*testing.B", "*testing.F":
		for range staleCleanups {
			g.tb.Cleanup(func() {})
		}
	}
}

// run returns the test as a run of one cycle with one peer.
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
	nothing := g.await(ctx)
	isClean := func(d detect.Detector) bool { return nothing && (d == g.goroutines || d == g.descriptors) }
	g.each(func(d detect.Detector) error {
		if isClean(d) {
			return nil
		}
		return d.Cycle(ctx, r)
	})
	g.each(func(d detect.Detector) error { return g.recount(ctx, d, r) })
	g.watch.Paths = heap.Metric("/memory/classes/heap/objects:bytes") < mostHeap
	g.each(func(d detect.Detector) error {
		if isClean(d) {
			return nil
		}
		found, err := d.Findings(ctx)
		for _, f := range found {
			f.PerScenario = map[string]int64{name: f.Count} // the test is the only scenario
			if rate, rest, _ := strings.Cut(f.Detail, "\n"); strings.Contains(rate, " per peer (") {
				f.Detail = rest // a rate says nothing about one test
			}
			run.Findings = append(run.Findings, f)
		}
		return err
	})
	run.Findings = explainHTTP(run.Findings)
	run.Detectors, run.Duration = g.states, time.Since(g.began)
	return run
}

// recount reads the descriptors again if some are left: the GC may have closed those that the
// test dropped. If Unclosed counts these, it reports them with the line that opened them, and they
// must not be reported twice.
func (g *guard) recount(ctx context.Context, d detect.Detector, r *detect.Reading) error {
	switch {
	case d != g.descriptors:
		return nil
	case !slices.ContainsFunc(g.detectors, countsClosed):
		return g.descriptors.FindDropped(ctx, r)
	case slices.ContainsFunc(g.detectors, hasClosed):
		return g.descriptors.Recount()
	}
	return nil
}

func countsClosed(d detect.Detector) bool {
	_, ok := d.(*detect.Unclosed)
	return ok
}

func hasClosed(d detect.Detector) bool {
	u, ok := d.(*detect.Unclosed)
	return ok && u.Seen()
}

// causes are the classes that name a cause. The others may be its consequences.
var causes = []verdict.Class{verdict.Goroutine, verdict.Timer, verdict.Unclosed}

func causesFirst(leaks []verdict.Leak) {
	slices.SortStableFunc(leaks, func(a, b verdict.Leak) int {
		rank := func(l *verdict.Leak) int { return cmp.Or(slices.Index(causes, l.Class)+1, len(causes)+1) }
		return cmp.Compare(rank(&a), rank(&b))
	})
}
