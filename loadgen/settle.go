package loadgen

import (
	"context"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// waits bound how long a run waits for a target. Settling is bounded polling, never a sleep:
// the target is quiet as soon as each of its counts is back where it was, or has stopped
// falling.
type waits struct {
	quiet        time.Duration // without a falling count until a target has settled, at least
	longestQuiet time.Duration // the same, while it is not known how long the target takes
	settle       time.Duration // until the target is read although it has not settled
	answer       time.Duration // until a target without an answer is dead
	delivery     time.Duration // until a message that has not arrived is lost
}

var usualWaits = waits{
	quiet: time.Second, longestQuiet: 5 * time.Second, settle: 30 * time.Second, answer: 10 * time.Second, delivery: 5 * time.Second,
}

// pollEvery is the time between two readings while a target settles.
const pollEvery = 100 * time.Millisecond

// settle waits until the target is quiet, and reads it. A target that does not become
// quiet in time is read as it is.
//
// A count is the least of all readings meanwhile: whoever reads is in it, and the
// connection of the page before may not have ended.
func (t *target) settle(ctx context.Context, before reading) (reading, error) {
	return t.settled(ctx, before, func(reading) {}, false)
}

// usual reads a target at rest before a load. A count is the median of all readings: the
// least may be rare, as that of goroutines is where the page of metrics is made by some
// that may have ended, and what is there after the load would be above it.
func (t *target) usual(ctx context.Context) (reading, error) {
	counts := map[string][]float64{}
	least, err := t.settled(ctx, nil, func(now reading) {
		for name, v := range now {
			if report.KindOf(name).Strict {
				counts[name] = append(counts[name], v)
			}
		}
	}, false)
	for name, values := range counts {
		least[name] = report.Median(values)
	}
	return least, err
}

// settleFirst settles a target for the first time, and learns how long it takes to let
// go of what it does not need any more. Until then it is waited for long.
func (t *target) settleFirst(ctx context.Context, before reading) (reading, error) {
	return t.settled(ctx, before, func(reading) {}, true)
}

func (t *target) settled(ctx context.Context, before reading, read func(reading), learn bool) (reading, error) {
	least := reading{}
	if len(t.probes) == 0 {
		return least, nil
	}
	end, fell := time.Now().Add(t.waits.settle), time.Now()
	longest := time.Duration(0) // that no count fell, before one did
	quiet := t.quiet
	if before == nil { // nobody was there to be let go of
		quiet = t.waits.quiet
	}
	for {
		now, err := t.read(ctx, false)
		read(now)
		if least.lower(now) {
			longest = max(longest, time.Since(fell))
			fell = time.Now()
		}
		if ctx.Err() != nil || err == nil && isBack(least, before) || time.Since(fell) > quiet || time.Now().After(end) {
			break
		}
		if err != nil { // it may be restarting
			fell = time.Now()
		}
		pause(ctx, pollEvery)
	}
	if learn {
		t.quiet = min(max(t.waits.quiet, 2*longest), t.waits.longestQuiet)
	}
	return t.atRest(ctx, least)
}

// What is read of a target at rest.
const (
	restReadings = 2               // of its heap
	restPatience = 5 * time.Second // after which what cannot be read is not tried any more
	restAgain    = time.Second     // until it is
)

// atRest reads everything. A probe may be slow once, as that of the profiles of a large
// heap is: what fails is tried again, at least once. With an error some probe could not
// be read, and its series may be missing.
func (t *target) atRest(ctx context.Context, least reading) (reading, error) {
	end := time.Now().Add(restPatience)
	for tries, good := 0, 0; ; tries++ {
		now, err := t.read(ctx, true)
		least.lower(now)
		if err == nil {
			good++
		}
		switch {
		case good == restReadings || good > 0 && err != nil: // nothing is missing
			return least, nil
		case err == nil:
		case ctx.Err() != nil || tries > 0 && time.Now().After(end):
			return least, err
		default:
			pause(ctx, restAgain)
		}
	}
}
