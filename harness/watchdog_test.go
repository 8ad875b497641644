package harness_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pigeonhub/pigeonhub/harness"
)

// watchedTB is a test that a watchdog may fail.
type watchedTB struct {
	*testing.T
	errors []string
	fatals []string
}

func (t *watchedTB) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

func (t *watchedTB) Fatalf(format string, args ...any) {
	t.fatals = append(t.fatals, fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// underWatch runs f under a watchdog in a test of its own, and returns that and whether
// WithWatchdog returned.
func underWatch(t *testing.T, limit time.Duration, f func(ctx context.Context)) (tb *watchedTB, returned bool) {
	t.Helper()
	tb = &watchedTB{T: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		harness.WithWatchdog(tb, limit, f)
		returned = true
	}()
	<-done
	return tb, returned
}

// waitForNobody is where the goroutines of these tests hang.
func waitForNobody(ctx context.Context, ch chan int) {
	select {
	case <-ch:
	case <-ctx.Done():
	}
}

func TestWatchdogInTime(t *testing.T) {
	wantNothingLeft(t)
	tb, returned := underWatch(t, time.Minute, func(ctx context.Context) {
		if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) < 50*time.Second {
			t.Errorf("the deadline is %v", deadline)
		}
	})
	if len(tb.errors) > 0 || len(tb.fatals) > 0 || !returned {
		t.Errorf("%q %q returned %v", tb.errors, tb.fatals, returned)
	}
}

// The report says where the spec waits, and for whom.
func TestWatchdogReports(t *testing.T) {
	wantNothingLeft(t)
	ch := make(chan int)
	tb, returned := underWatch(t, 2*time.Second, func(ctx context.Context) {
		for range 40 {
			go func() { waitForNobody(ctx, ch) }()
		}
		waitForNobody(ctx, ch)
		if !errors.Is(context.Cause(ctx), harness.ErrHang) {
			t.Errorf("cancelled for %v", context.Cause(ctx))
		}
	})
	if len(tb.errors) != 1 || len(tb.fatals) != 0 || !returned {
		t.Fatalf("%q %q returned %v", tb.errors, tb.fatals, returned)
	}
	report := tb.errors[0]
	spec, others := strings.Index(report, "the spec: select"), strings.Index(report, "40 goroutines: select")
	if spec < 0 || others < spec || strings.Count(report, "harness_test.waitForNobody") != 2 || strings.Count(report, "watchdog_test.go:") < 4 {
		t.Errorf("the report is\n%s", report)
	}
	for _, noise := range []string{"testing.tRunner", "testing.(*M)", "(*watched).within", "allStacks"} {
		if strings.Contains(report, noise) {
			t.Errorf("the report has %s:\n%s", noise, report)
		}
	}
	if lines := strings.Count(report, "\n"); lines > 60 {
		t.Errorf("%d lines are no screenful", lines)
	}
}

// The context is cancelled at the limit itself, after the report.
func TestWatchdogCancelsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		tb, returned := underWatch(t, time.Minute, func(ctx context.Context) { <-ctx.Done() })
		if took := time.Since(began); len(tb.errors) != 1 || !returned || took != time.Minute {
			t.Errorf("%q after %v, returned %v", tb.errors, took, returned)
		}
	})
}

// What minds nothing but deadlines ends by the deadline; the times are exact in a
// bubble.
func TestWatchdogEndsWhatMindsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		tb, returned := underWatch(t, time.Minute, func(ctx context.Context) {
			deadline, _ := ctx.Deadline()
			<-time.After(time.Until(deadline))
		})
		if took := time.Since(began); len(tb.errors) != 1 || !returned || took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("%q after %v, returned %v", tb.errors, took, returned)
		}
	})
}

// What minds nothing is left behind, and the message says so.
func TestWatchdogLeavesBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := make(chan struct{})
		tb, returned := underWatch(t, time.Minute, func(context.Context) { <-deaf })
		if len(tb.errors) != 1 || len(tb.fatals) != 1 || returned || !strings.Contains(tb.fatals[0], "left behind") {
			t.Errorf("%q %q returned %v", tb.errors, tb.fatals, returned)
		}
		close(deaf)
	})
}

// Whose context ended before the time was up had been told to end: that it did not
// is the spec's fault.
func TestWatchdogTellsTheCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		cause := errors.New("the hub went away")
		tb := &contextTB{&watchedTB{T: t}, ctx}
		harness.WithWatchdog(tb, time.Minute, func(ctx context.Context) {
			cancel(cause)
			<-time.After(time.Minute + time.Second)
		})
		if len(tb.errors) != 1 || !strings.Contains(tb.errors[0], cause.Error()) {
			t.Errorf("got %q", tb.errors)
		}
	})
}

type contextTB struct {
	*watchedTB
	ctx context.Context
}

func (t *contextTB) Context() context.Context { return t.ctx }

// FailNow and a panic in f are the caller's.
func TestWatchdogPassesOnHowItEnded(t *testing.T) {
	wantNothingLeft(t)
	tb, returned := underWatch(t, time.Minute, func(context.Context) { runtime.Goexit() })
	if returned || len(tb.errors) > 0 {
		t.Errorf("after FailNow: returned %v, %q", returned, tb.errors)
	}
	broken := errors.New("broken")
	defer func() {
		err, _ := recover().(error)
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "watchdog_test.go:") {
			t.Errorf("got panic %v", err)
		}
	}()
	harness.WithWatchdog(t, time.Minute, func(context.Context) { panic(broken) })
}
