package regress_test

import (
	"context"
	"errors"
	"math"
	"os"
	"reflect"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub"
)

// settled waits until the sessions have ended and the figure no longer falls, and returns the
// figure.
func (w *witness) settled() float64 {
	deadline := time.Now().Add(pipeWait + 10*time.Second)
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	// A mutant may keep sessions for good, so the error is ignored.
	_ = settle.Until(ctx, func() error {
		if w.target != nil && w.target.Hub.Sessions() > 0 {
			return errors.New("the hub has sessions")
		}
		return nil
	})
	if w.life.ownHub && w.kind.name != "goroutines" {
		time.Sleep(pipeWait) // the timers of net.Pipe deadlines run for so long and cannot be waited for
	}
	last := []float64{w.read()}
	for steady := 0; steady < 10 && time.Now().Before(deadline); steady++ {
		time.Sleep(50 * time.Millisecond) // between two samples
		last = append(last, w.read())
		if n := len(last); last[n-1] < last[n-2] {
			steady = 0
		}
	}
	return slices.Min(last[max(0, len(last)-3):]) // the least of three, because a timer that fires has a goroutine for a moment
}

// read returns the present value of the figure, after three GCs if it is one of the heap.
func (w *witness) read() float64 {
	switch w.kind.name {
	case "goroutines":
		return float64(runtime.NumGoroutine())
	case "descriptors":
		entries, _ := os.ReadDir("/proc/self/fd")
		return float64(len(entries))
	case "mapped":
		return mappedMiB()
	case "stat":
		return statField(w.target.Hub.Stats(), w.kind.field)
	}
	for range 3 {
		runtime.GC()
	}
	switch w.kind.name {
	case "finalizers":
		executed := []metrics.Sample{{Name: "/gc/finalizers/executed:finalizers"}}
		metrics.Read(executed)
		return float64(executed[0].Value.Uint64())
	case "objects":
		return float64(memory().HeapObjects)
	}
	return float64(memory().HeapAlloc)
}

func memory() (st runtime.MemStats) {
	runtime.ReadMemStats(&st)
	return st
}

// mappedMiB returns how many MiB of private memory are mapped.
func mappedMiB() float64 {
	status, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(status), "VmData:")
	kib, err := strconv.ParseFloat(strings.Fields(after + " none")[0], 64)
	if err != nil {
		return math.NaN()
	}
	return kib / 1024
}

// statField returns a field of hub.Stats by its name.
func statField(st hub.Stats, name string) float64 {
	v := reflect.ValueOf(st).FieldByName(name)
	if v.CanInt() {
		return float64(v.Int())
	}
	return math.NaN()
}
