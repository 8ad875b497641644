package detect_test

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func TestTimersFindsWhatIsNotStopped(t *testing.T) {
	if fixture.InChild(t) {
		return
	}
	long, cancel := context.WithCancel(context.Background())
	defer cancel()
	var kept []any
	for name, arm := range map[string]func(){
		"after func":         func() { time.AfterFunc(time.Hour, func() {}) },
		"timer in use":       func() { kept = append(kept, time.NewTimer(time.Hour)) },
		"context after func": func() { context.AfterFunc(long, func() {}) },
		"context child": func() {
			_, stop := context.WithCancel(long)
			_ = stop
		},
		"context deadline": func() {
			_, stop := context.WithTimeout(long, time.Hour)
			_ = stop
		},
	} {
		t.Run(name, func(t *testing.T) {
			found := findIn(t, &detect.Timers{}, []int64{100, 100}, func(_ int, dose int64) {
				for range dose {
					arm()
				}
			})
			wantCycles(t, wantOne(t, found, verdict.Timer, 200, "TestTimersFindsWhatIsNotStopped"), 100, 100)
		})
	}
	runtime.KeepAlive(kept)
}

func TestTimersBenign(t *testing.T) {
	long, cancel := context.WithCancel(context.Background())
	defer cancel()
	found := findIn(t, &detect.Timers{}, []int64{100, 100}, func(_ int, dose int64) {
		for range dose {
			time.AfterFunc(time.Hour, func() {}).Stop()
			time.NewTicker(time.Hour)
			time.NewTimer(time.Hour)
			time.After(time.Hour)
			context.AfterFunc(long, func() {})()
			child, stop := context.WithTimeout(long, time.Hour)
			stop()
			<-child.Done()
		}
	})
	wantNone(t, found)
}

// A stopped timer stays in the runtime's heap, with all that it refers to, while enough others are
// pending.
func TestTimersAmongManyThatWait(t *testing.T) {
	var others []*time.Timer
	defer func() {
		for _, timer := range others {
			timer.Stop()
		}
	}()
	found := findIn(t, &detect.Timers{Ignore: isOther}, []int64{100, 101, 102}, func(_ int, dose int64) {
		var stops []context.CancelFunc
		for range dose {
			_, stop := context.WithTimeout(context.Background(), time.Hour)
			stops = append(stops, stop)
			others = append(others, waitLong()...)
		}
		for _, stop := range stops {
			stop()
		}
	})
	wantNone(t, found)
}

func waitLong() (timers []*time.Timer) {
	for range 10 {
		timers = append(timers, time.AfterFunc(time.Hour, func() {}))
	}
	return timers
}

func isOther(stack []verdict.Site) bool {
	return slices.ContainsFunc(stack, func(s verdict.Site) bool { return strings.HasSuffix(s.Function, ".waitLong") })
}
