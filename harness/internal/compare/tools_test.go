package compare_test

import (
	"fmt"
	"io"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega/gleak"
	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
)

// tool looks for what a body leaks. It returns its report, "" if it finds nothing.
type tool struct {
	name string
	find func(t *testing.T, body func(w *detect.Watch)) string
}

// tools are in the order of the columns. The profile comes last: in Go 1.26 a heap dump after it
// crashes the process.
var tools = []tool{
	{"Guard", findByGuard},
	{"goleak", func(_ *testing.T, body func(*detect.Watch)) string {
		before := goleak.IgnoreCurrent()
		body(detect.NewWatch())
		if err := goleak.Find(before); err != nil {
			return err.Error()
		}
		return ""
	}},
	{"gleak", findByGleak},
	{profileColumn, findByProfile},
}

const profileColumn = "goroutineleak"

// test is a test that a guard checks at end.
type test struct {
	*testing.T
	cleanups []func()
	errors   []string
}

func (t *test) Cleanup(f func()) { t.cleanups = append(t.cleanups, f) }
func (t *test) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}
func (t *test) Failed() bool        { return false }
func (t *test) Logf(string, ...any) {}

func findByGuard(t *testing.T, body func(*detect.Watch)) string {
	guarded := &test{T: t}
	body(harness.Guard(guarded, harness.Census(shared, shared)))
	for i := len(guarded.cleanups) - 1; i >= 0; i-- {
		guarded.cleanups[i]()
	}
	return strings.Join(guarded.errors, "\n")
}

// findByGleak retries as long as goleak does, as Eventually would.
func findByGleak(t *testing.T, body func(*detect.Watch)) string {
	before := gleak.Goroutines()
	body(detect.NewWatch())
	leaked := gleak.HaveLeaked(before)
	for end := time.Now().Add(430 * time.Millisecond); ; time.Sleep(10 * time.Millisecond) {
		now := gleak.Goroutines()
		found, err := leaked.Match(now)
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			return ""
		}
		if time.Now().After(end) {
			return leaked.FailureMessage(now)
		}
	}
}

func findByProfile(t *testing.T, body func(*detect.Watch)) string {
	before := profiled(t)
	body(detect.NewWatch())
	if n := profiled(t) - before; n > 0 {
		return fmt.Sprintf("%d goroutines", n)
	}
	return ""
}

// profiled returns how many leaked goroutines the runtime finds. It can find one that has blocked.
func profiled(t *testing.T) (n int) {
	t.Helper()
	time.Sleep(20 * time.Millisecond)
	var text strings.Builder
	if err := pprof.Lookup(profileColumn).WriteTo(&text, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanf(strings.NewReader(text.String()), "goroutineleak profile: total %d", &n); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	return n
}
