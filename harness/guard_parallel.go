package harness

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/pigeonhub/pigeonhub/harness/detect"
)

// GuardParallel is Guard for a parallel test. It labels the calling goroutine, and checks only
// goroutines that inherit the label and objects added to the Watch. It does not see goroutines
// that an older goroutine starts for the test, nor descriptors and timers, which belong to the
// process. A value of Census must be the test's own, because its entries have no label. Ginkgo runs each node in its own goroutine, so call it in the It.
//
// The returned context has the label, for pprof.Do.
func GuardParallel(ctx context.Context, tb TB, opts ...GuardOption) (context.Context, *detect.Watch) {
	tb.Helper()
	g := newGuard(tb, opts)
	// The name alone is not unique, because a test may run twice.
	label := fmt.Sprintf("%s#%d", tb.Name(), guards.Add(1))
	ctx = detect.Label(ctx, guardLabel, label)
	g.goroutines.Labels = map[string]string{guardLabel: label}
	g.add(g.goroutines)
	g.add(g.watch)
	g.addOptional()
	g.start()
	return ctx, g.watch
}

const guardLabel = "harness.Guard"

var guards atomic.Int64

// parallelProbe is the variable that isParallel sets. Nothing reads it.
const parallelProbe = "HARNESS_GUARD_PROBE"

// isParallel reports whether a test or one of its ancestors is parallel. Only Setenv shows this: it
// panics in such a test. In another test it forbids a later call of Parallel, so isParallel must be
// called after the test, where it also sees a call of Parallel that came after that of Guard.
func isParallel(tb TB) (parallel bool) {
	t, ok := tb.(interface{ Setenv(key, value string) })
	if !ok || isOfGinkgo(tb) {
		return false
	}
	defer func() {
		switch reason := recover(); {
		case reason == nil:
		case strings.Contains(fmt.Sprint(reason), "Parallel"):
			parallel = true
		default:
			panic(reason)
		}
	}()
	t.Setenv(parallelProbe, os.Getenv(parallelProbe))
	return false
}

// isOfGinkgo reports whether Ginkgo implements tb. It runs the specs of a process one by one, and
// its Setenv needs a cleanup, which a cleanup must not register.
func isOfGinkgo(tb TB) bool {
	return strings.HasPrefix(reflect.Indirect(reflect.ValueOf(tb)).Type().PkgPath(), "github.com/onsi/ginkgo/")
}

// refusal is the error of Guard in a parallel test.
const refusal = `leak guard: %s is parallel, or a part of a parallel test, and was not checked for leaks
    Guard compares the whole process before and after a test, and cannot tell this test's goroutines from those of its siblings.
    do: ctx, watch := harness.GuardParallel(t.Context(), t) in place of harness.Guard(t), after t.Parallel()`
