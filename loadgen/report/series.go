package report

import "github.com/pigeonhub/pigeonhub/harness/verdict"

// labelled is a quantity, and the series that show it.
type labelled struct {
	label, unit string
	series      []string
}

// labels are the quantities of a target that are displayed, each with its series, the best
// first: those that are read while peers are connected precede those read at rest.
var labels = []labelled{
	{"heap", verdict.Bytes, []string{"go_memstats_heap_alloc_bytes", "health.memory.heapUsed", "pprof.heap_live_bytes"}},
	{"rss", verdict.Bytes, []string{"proc.rss_bytes", "process_resident_memory_bytes", "health.memory.rss"}},
	{"goroutines", "", []string{"go_goroutines", "pprof.goroutines"}},
	{"descriptors", "", []string{"proc.descriptors", "process_open_fds"}},
}

// Shown returns the values of a reading that are displayed.
func Shown(r map[string]float64) []Reading {
	var list []Reading
	for _, l := range labels {
		for _, name := range l.series {
			if v, ok := r[name]; ok {
				list = append(list, Reading{l.label, name, l.unit, v})
				break
			}
		}
	}
	return list
}

// Reading is one value of the target.
type Reading struct {
	Label  string // "heap", "rss", "goroutines" or "descriptors"
	Series string
	Unit   string // verdict.Bytes, or "" for a count
	Value  float64
}
