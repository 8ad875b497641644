package harness

import (
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// record adds a point to each series.
func (c *Campaign) record(cycle int) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	c.point(cycle, "heap in use", "heap", verdict.Bytes, float64(m.HeapAlloc))
	c.point(cycle, "heap objects", "heap objects", "object", float64(m.HeapObjects))
	c.point(cycle, "goroutines", "goroutines", "goroutine", float64(runtime.NumGoroutine()))
	if fds, err := os.ReadDir("/proc/self/fd"); err == nil {
		c.point(cycle, "descriptors", "descriptors", "descriptor", float64(len(fds)-1)) // without the one of ReadDir
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

// seriesOrder returns the names of series: those of the process first, then the collections.
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
