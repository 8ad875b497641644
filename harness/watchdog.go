package harness

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// ErrHang is the cause with which WithWatchdog cancels the context of what took
// too long.
var ErrHang = errors.New("watchdog: the time is up")

// After the report a context's deadline follows, so that what minds only deadlines
// ends as well; and then what minds nothing is given up.
const (
	watchdogSlack = 250 * time.Millisecond
	watchdogGrace = 5 * time.Second
)

// WithWatchdog runs f and returns when it has returned. If it takes longer than
// limit, the test fails with what every goroutine waits for (see Waiting), read
// before anything is done about it; then ctx is cancelled, with ErrHang as its
// cause. It has a deadline, a quarter of a second after limit, for what minds no
// more than that.
//
// f runs in a goroutine of its own. It may end the test by FailNow or SkipNow, and
// a panic in it is one of the caller. When it has not returned 5 s after it was
// cancelled, the test is ended by Fatalf and f is left behind: nothing can end a
// goroutine from outside. Otherwise nothing stays. In a testing/synctest bubble the
// time is that of the bubble.
//
// A panic of go test's own -timeout says the same of all goroutines, each one
// alone and the whole test binary's; it comes after 10 minutes, and ends the other
// tests.
func WithWatchdog(tb TB, limit time.Duration, f func(ctx context.Context)) {
	tb.Helper()
	w := &watched{id: make(chan string, 1)}
	w.ended, w.end = context.WithCancel(context.Background())
	parent := context.Background()
	if t, ok := tb.(interface{ Context() context.Context }); ok {
		parent = t.Context()
	}
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	bounded, stop := context.WithTimeoutCause(ctx, limit+watchdogSlack, ErrHang)
	defer stop()
	go w.run(bounded, f)
	id := <-w.id
	if !w.within(limit) {
		report := Waiting(id)
		why := "nothing has cancelled it before"
		if ctx.Err() != nil {
			why = "its context had ended before: " + context.Cause(ctx).Error()
		}
		tb.Errorf("watchdog: not done after %v; %s\n%s", limit, why, report)
		cancel(ErrHang)
		if !w.within(watchdogGrace) {
			tb.Fatalf("watchdog: not done %v after it was cancelled either: left behind", watchdogGrace)
			return // from a TB whose Fatalf returns
		}
	}
	switch {
	case w.panicked != nil:
		panic(w.panicked)
	case !w.returned:
		runtime.Goexit() // as FailNow did to f
	}
}

// watched is a function that runs under a watchdog.
type watched struct {
	id    chan string     // the goroutine's number
	ended context.Context // ends when the function has
	end   context.CancelFunc

	// Written before ended.
	returned bool
	panicked *watchedPanic
}

func (w *watched) run(ctx context.Context, f func(ctx context.Context)) {
	defer w.end()
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		// The stack that matters is this one, not that of whoever panics again.
		buf := make([]byte, 16<<10)
		w.panicked = &watchedPanic{value, string(buf[:runtime.Stack(buf, false)])}
	}()
	w.id <- goroutineID()
	f(ctx)
	w.returned = true
}

// within reports whether the function has ended, waiting so long for it.
func (w *watched) within(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-w.ended.Done():
		return true
	case <-t.C:
		return false
	}
}

// watchedPanic is a panic of a function under a watchdog, with its stack.
type watchedPanic struct {
	value any
	stack string
}

func (p *watchedPanic) Error() string { return fmt.Sprintf("%v\n\n%s", p.value, p.stack) }

// Unwrap returns the value if it is an error.
func (p *watchedPanic) Unwrap() error {
	err, _ := p.value.(error)
	return err
}
