package harness_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

var _ harness.TB = (*testing.T)(nil)

// fakeTB is a test whose result another test checks. It ends by a call of end.
type fakeTB struct {
	testing.TB
	name string

	mu       sync.Mutex
	cleanups []func()
	errors   []string
	logs     []string
}

func newFakeTB(t testing.TB) *fakeTB { return &fakeTB{TB: t, name: t.Name() + "/guarded"} }

func (f *fakeTB) Name() string     { return f.name }
func (f *fakeTB) Helper()          {}
func (f *fakeTB) Cleanup(c func()) { f.cleanups = append(f.cleanups, c) }

func (f *fakeTB) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.logs = append(f.logs, fmt.Sprintf(format, args...))
}

func (f *fakeTB) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.errors) > 0
}

// end runs the cleanups as a test does, and returns the errors.
func (f *fakeTB) end() string {
	for len(f.cleanups) > 0 {
		last := len(f.cleanups) - 1
		c := f.cleanups[last]
		f.cleanups = slices.Delete(f.cleanups, last, last+1) // Delete clears it
		c()
	}
	return strings.Join(f.errors, "\n")
}

// guarded is a test with a guard, whose body leaks or does not.
func guarded(t *testing.T, body func(tb *fakeTB, w *detect.Watch), opts ...harness.GuardOption) (errors string, tb *fakeTB) {
	tb = newFakeTB(t)
	w := harness.Guard(tb, append([]harness.GuardOption{harness.Grace(5 * time.Second)}, opts...)...)
	body(tb, w)
	return tb.end(), tb
}

// Each kind of leak is reported, with its line if that is known.
func TestGuardFinds(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	h := fixture.NewHerd(t)
	fixture.DropListeners(t, 1, true) // the first one in a process reads a file
	type room struct{ _ map[string]*room }
	var kept []any
	var timer *time.Timer
	var file *os.File
	const brief, long = 100 * time.Millisecond, 5 * time.Second
	for _, leak := range []struct {
		name  string
		body  func(*fakeTB, *detect.Watch)
		want  []string
		grace time.Duration // short for a leak that stays
	}{
		{"goroutine", func(*fakeTB, *detect.Watch) { h.Leak(2) }, []string{"goroutine of fixture.(*Herd).Leak does not end", "leaks.go:", "2 of them", "(*Herd).wait"}, brief},
		{"descriptor", func(*fakeTB, *detect.Watch) { file = mustOpen(t) }, []string{"file left open", os.DevNull}, brief},
		{"unclosed", func(*fakeTB, *detect.Watch) { fixture.DropListeners(t, 1, false) }, []string{"net.Conn dropped, never closed", "DropListeners"}, brief},
		{"timer", func(*fakeTB, *detect.Watch) { timer = time.AfterFunc(time.Hour, func() {}) }, []string{"timer *time.Timer still armed", "TestGuardFinds"}, long},
		{"object", func(_ *fakeTB, w *detect.Watch) {
			r := &room{}
			kept = append(kept, r)
			if err := w.Add(r, "lobby"); err != nil {
				t.Fatal(err)
			}
		}, []string{"*harness_test.room retained", "lobby"}, long},
	} {
		got, tb := guarded(t, leak.body, harness.Grace(leak.grace))
		if len(tb.errors) != 1 || !strings.Contains(got, "LEAK 1 of 1") {
			t.Errorf("%s: %d reports, want one leak:\n%s", leak.name, len(tb.errors), got)
		}
		for _, want := range leak.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: the report lacks %q:\n%s", leak.name, want, got)
			}
		}
		for _, unwanted := range []string{"NOT LEAKING", "verdict LEAK", "bytes each", "peer", "scenario", "cycle"} {
			if strings.Contains(got, unwanted) {
				t.Errorf("%s: the report has %q:\n%s", leak.name, unwanted, got)
			}
		}
	}
	runtime.KeepAlive(kept)
	timer.Stop()
	file.Close()
}

func mustOpen(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A test that cleans up passes, whatever existed before it. Its later cleanups run before the
// guard.
func TestGuardClean(t *testing.T) {
	before := fixture.NewHerd(t)
	before.Leak(3)
	old := mustOpen(t)
	defer old.Close()
	got, tb := guarded(t, func(tb *fakeTB, w *detect.Watch) {
		h, f := fixture.NewHerd(t), mustOpen(t)
		h.Leak(10)
		timer := time.AfterFunc(time.Hour, func() {})
		tb.Cleanup(func() {
			h.End()
			f.Close()
			timer.Stop()
		})
		slow := make(chan struct{})
		h.WG.Go(func() { <-slow })
		tb.Cleanup(func() { close(slow) })
		if err := w.Add(new([64]int), "short"); err != nil {
			t.Fatal(err)
		}
		fixture.DropListeners(t, 5, true)
	})
	if got != "" {
		t.Error(got)
	}
	for _, log := range tb.logs {
		if !strings.Contains(log, "did an earlier test leave them") {
			t.Error(log)
		}
	}
}

// Goroutines from before the test are logged once, with their go statement.
func TestGuardTellsOfBefore(t *testing.T) {
	h := fixture.NewHerd(t)
	ch := make(chan struct{})
	leftRuns++ // more than an earlier run of this test has logged
	for range leftRuns {
		h.WG.Go(func() { leftBehind(ch) })
	}
	t.Cleanup(func() { close(ch) })
	told := 0
	for range 2 {
		got, tb := guarded(t, func(*fakeTB, *detect.Watch) {})
		if got != "" {
			t.Error(got)
		}
		for _, log := range tb.logs {
			if strings.Contains(log, "leftBehind") && strings.Contains(log, "guard_test.go:") {
				told++
			}
		}
	}
	if told != 1 {
		t.Errorf("reported %d times, want once", told)
	}
}

var leftRuns int

func leftBehind(ch chan struct{}) { <-ch }

// A test that has failed is not checked, and the log says so.
func TestGuardOfFailedTest(t *testing.T) {
	h := fixture.NewHerd(t)
	_, tb := guarded(t, func(tb *fakeTB, _ *detect.Watch) {
		h.Leak(1)
		tb.Errorf("it went wrong")
	})
	if len(tb.errors) != 1 || !slices.ContainsFunc(tb.logs, func(s string) bool { return strings.Contains(s, "was not checked for leaks") }) {
		t.Errorf("errors %q, logs %q", tb.errors, tb.logs)
	}
}

// blind is a detector that cannot look.
type blind struct{ detect.Quiet }

func (*blind) Name() string { return "blind" }

func (*blind) Cycle(context.Context, *detect.Reading) error { return fmt.Errorf("no light") }

// Options add detectors, of which one that cannot look fails the test, and ignore goroutines.
func TestGuardOptions(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	got, _ := guarded(t, func(*fakeTB, *detect.Watch) {}, harness.Also(&blind{}))
	if !strings.Contains(got, "INVALID") || !strings.Contains(got, "detector blind is missing: no light") {
		t.Errorf("a detector that cannot look: %q", got)
	}
	rooms := map[int]int{}
	got, _ = guarded(t, func(*fakeTB, *detect.Watch) { rooms[1] = 1 }, harness.Also(&detect.Census{Roots: map[string]any{"rooms": &rooms}}))
	if !strings.Contains(got, "LEAK 1 of 1") || !strings.Contains(got, "grows") {
		t.Errorf("a map that grows: %q", got)
	}
	got, _ = guarded(t, func(*fakeTB, *detect.Watch) { delete(rooms, 1) }, harness.Also(&detect.Census{Roots: map[string]any{"rooms": &rooms}}))
	if got != "" {
		t.Errorf("a map that shrinks: %q", got)
	}
	h := fixture.NewHerd(t)
	got, _ = guarded(t, func(*fakeTB, *detect.Watch) { h.Leak(1) }, harness.Except(func(stack []verdict.Site) bool {
		return strings.Contains(stack[len(stack)-1].Function, "(*Herd).wait")
	}))
	if got != "" {
		t.Errorf("excepted: %s", got)
	}
}

// A guard with a real *testing.T, in a clean test.
func TestGuardOfThisTest(t *testing.T) {
	w := harness.Guard(t)
	a, b := net.Pipe()
	if err := w.Open(a, "pipe"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { b.Read(make([]byte, 1)) })
	t.Cleanup(func() {
		w.Closed(a)
		a.Close()
		b.Close()
		wg.Wait()
	})
}

func BenchmarkGuard(b *testing.B) {
	for b.Loop() {
		tb := newFakeTB(b)
		harness.Guard(tb)
		if got := tb.end(); got != "" {
			b.Fatal(got)
		}
	}
}
