package harness

import (
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// noteRest reads the gauges before anybody came: it is how the target is when at
// rest.
func (c *Campaign) noteRest() error {
	target, ok := c.Crowd.Target.(Inspector)
	if !ok {
		return nil
	}
	rest, err := target.Gauges()
	if err != nil {
		return fmt.Errorf("campaign: gauges: %w", err)
	}
	c.rest = rest
	return nil
}

// settle waits until the target is at rest again, or until what is left of it does
// not change: that is for the detectors to report.
func (c *Campaign) settle(ctx context.Context) {
	patience := c.Patience
	if patience <= 0 {
		patience = 10 * time.Second
	}
	_ = settle.Flat(ctx, patience, func() (left int64, err error) {
		if c.busy() != nil {
			left = c.excess() + 1
		}
		return left, nil
	})
}

// busy says what keeps the target from being at rest.
func (c *Campaign) busy() error {
	if n := c.excess(); n > 0 {
		return fmt.Errorf("the gauges are %d above those of the start", n)
	}
	if c.Quiet != nil {
		return c.Quiet()
	}
	return nil
}

// excess is by how much the gauges are above those of the start, all together.
func (c *Campaign) excess() (n int64) {
	if c.rest == nil {
		return 0
	}
	now, err := c.Crowd.Target.(Inspector).Gauges()
	if err != nil {
		return 1 // the detector of gauges will say so
	}
	for name, v := range now {
		n += max(0, int64(v-c.rest[name]))
	}
	return n
}

// record adds a point to each series.
func (c *Campaign) record(cycle int) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.point(cycle, "heap in use", "heap", verdict.Bytes, float64(m.HeapAlloc))
	c.point(cycle, "heap objects", "heap objects", "object", float64(m.HeapObjects))
	c.point(cycle, "goroutines", "goroutines", "goroutine", float64(runtime.NumGoroutine()))
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		c.point(cycle, "descriptors", "descriptors", "descriptor", float64(len(fds)-1)) // without the one that reads
	}
	if target, ok := c.Crowd.Target.(Inspector); ok {
		gauges, err := target.Gauges()
		if err != nil {
			return
		}
		for name, v := range gauges {
			c.point(cycle, name, "collections", "entry", v)
		}
	}
}

func (c *Campaign) point(cycle int, name, group, unit string, v float64) {
	s := c.series[name]
	if s == nil {
		s = &verdict.Series{Name: name, Group: group, Unit: unit}
		c.series[name] = s
	}
	s.Points = append(s.Points, verdict.Point{Seconds: time.Since(c.began).Seconds(), Cycle: cycle, Dose: float64(c.dose), Value: v})
}

// seriesOrder is the process first, then the collections.
func seriesOrder(series map[string]*verdict.Series) []string {
	return slices.SortedFunc(maps.Keys(series), func(a, b string) int {
		if x, y := series[a].Group == "collections", series[b].Group == "collections"; x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
}
