package loadgen

import (
	"context"
	"time"

	"github.com/pigeonhub/pigeonhub/loadgen/delivery"
	"github.com/pigeonhub/pigeonhub/loadgen/report"
)

// waits bound how long a run waits for a target. Settling is bounded polling, never a sleep:
// the target is quiet as soon as each of its counts is back where it was, or has stopped
// falling.
type waits struct {
	quiet        time.Duration // without a falling count until a target has settled, at least
	longestQuiet time.Duration // the same, while it is not known how long the target takes
	settle       time.Duration // until the target is read although it has not settled
	page         time.Duration // until a probe that does not answer has failed
	rest         time.Duration // until a probe that cannot be read at rest is missing
	answer       time.Duration // until a target without an answer is dead
	delivery     time.Duration // until a message that has not arrived is lost
	slip         time.Duration // beyond which the generator is the limit of a level, default report.SlipBound
}

var usualWaits = waits{
	quiet: time.Second, longestQuiet: 5 * time.Second, settle: 30 * time.Second, page: 10 * time.Second, rest: 5 * time.Second,
	answer: 10 * time.Second, delivery: delivery.Patience,
}

// pollEvery is the time between two readings while a target settles.
const pollEvery = 100 * time.Millisecond

// settle waits until the target is quiet, and reads it. A target that does not become quiet
// in time is read as it is.
//
// A count is the least of all readings, because each reading counts its own connection, and
// the connection of the page before may not have ended.
func (t *target) settle(ctx context.Context, before reading) (reading, error) {
	return t.settled(ctx, before, func(reading) {}, false)
}

// usual reads a target at rest before a load. A count is the median of all readings. The
// least one may be rare: the page of metrics is made by goroutines that may or may not have
// ended, and after the load a count above the least is normal.
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

// settleFirst settles a target for the first time, and learns how long the target takes to
// release what it does not need. Until then the longest wait applies.
func (t *target) settleFirst(ctx context.Context, before reading) (reading, error) {
	return t.settled(ctx, before, func(reading) {}, true)
}

// settled waits until the target is quiet. read sees each reading.
func (t *target) settled(ctx context.Context, before reading, read func(reading), learn bool) (reading, error) {
	least := reading{}
	if len(t.probes) == 0 {
		return least, nil
	}
	end, fell := time.Now().Add(t.waits.settle), time.Now()
	before = t.resting(before)
	longest := time.Duration(0) // without a falling count, before one fell
	quiet := t.quiet
	if before == nil { // no peer was there
		quiet = t.waits.quiet
	}
	for {
		now, err := t.read(ctx, false)
		read(now)
		if len(t.resting(now.only(least.lower(now)))) > 0 {
			longest = max(longest, time.Since(fell))
			fell = time.Now()
		}
		if ctx.Err() != nil || err == nil && isBack(least, before) || time.Since(fell) > quiet || time.Now().After(end) {
			break
		}
		if err != nil { // the target may be restarting
			fell = time.Now()
		}
		pause(ctx, pollEvery)
	}
	if learn {
		t.quiet = min(max(t.waits.quiet, 2*longest), t.waits.longestQuiet)
	}
	return t.atRest(ctx, least)
}

// How a target at rest is read.
const (
	restReadings = 2           // readings of the heap
	restAgain    = time.Second // between two tries
)

// atRest reads everything. A probe may be slow once, such as the profile of a large heap,
// so a failure is tried again at least once. If it returns an error, a probe could not be
// read and its series may be missing.
func (t *target) atRest(ctx context.Context, least reading) (reading, error) {
	end := time.Now().Add(t.waits.rest)
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
