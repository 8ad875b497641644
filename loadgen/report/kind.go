package report

import (
	"regexp"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Kind is what a series of readings measures, by its name.
type Kind struct {
	pattern *regexp.Regexp
	Skip    bool // says nothing about what is retained
	Unit    string
	Class   verdict.Class
	Strict  bool // counts one by one and rests at the same number
	Fine    bool // bytes that remain after a GC: they show small leaks
	Prefer  int  // of a class, those that have it measure the same: the one with the highest is judged
}

func of(pattern string, k Kind) Kind {
	k.pattern = regexp.MustCompile(pattern)
	return k
}

// kinds are tried in order. The names are those of the target, after the name of the page
// except for /metrics.
var kinds = []Kind{
	// Counters, limits, settings, times: they rise with the traffic, or never change.
	of(`(_total|_sum|_count|_bucket|_created|_info|_limit|_limit_bytes|_seconds|_percent|_max_fds|_level|_threads|_timestamp)(\{.*)?$`, Kind{Skip: true}),
	of(`(?i)(largest|highest|peak|high_?water)`, Kind{Skip: true}),
	of(`quantile=`, Kind{Skip: true}),
	of(`(?i)(uptime|timestamp|time|since|version|port|pid|limit|max|total|sent|received|cpu|threads)[^.]*$`, Kind{Skip: true}),
	of(`^pprof\.collections$`, Kind{Skip: true}),

	of(`^pprof\.heap_live_bytes$`, Kind{Unit: verdict.Bytes, Class: verdict.Object, Fine: true, Prefer: 9}),
	of(`^pprof\.heap_live_objects$`, Kind{Skip: true}),                                 // moves with the bytes
	of(`^pprof\.goroutines$`, Kind{Class: verdict.Goroutine, Strict: true, Prefer: 1}), // the pages read before it may still be closing
	of(`^pprof\.goroutines_leaked$`, Kind{Class: verdict.Goroutine, Strict: true}),
	of(`^go_goroutines$`, Kind{Class: verdict.Goroutine, Strict: true, Prefer: 2}),
	of(`^proc\.descriptors$`, Kind{Class: verdict.Descriptor, Strict: true, Prefer: 2}),
	of(`^process_open_fds$`, Kind{Class: verdict.Descriptor, Strict: true, Prefer: 1}),

	of(`^go_memstats_heap_alloc_bytes$`, Kind{Unit: verdict.Bytes, Class: verdict.Object, Prefer: 7}),
	of(`^health\.memory\.heapUsed$`, Kind{Unit: verdict.Bytes, Class: verdict.Object, Prefer: 6}),
	of(`^health\.memory\.rss$`, Kind{Unit: verdict.Bytes, Class: verdict.Object, Prefer: 4}),
	of(`^process_resident_memory_bytes$`, Kind{Unit: verdict.Bytes, Class: verdict.Object, Prefer: 3}),
	of(`^proc\.rss_anon_bytes$`, Kind{Unit: verdict.Bytes, Class: verdict.Object, Prefer: 2}),
	of(`^proc\.rss_bytes$`, Kind{Unit: verdict.Bytes, Class: verdict.Object, Prefer: 1}),
	of(`^(go_|process_)`, Kind{Skip: true}),
	of(`^health\.memory\.`, Kind{Skip: true}),
	of(`bytes(\{.*)?$`, Kind{Skip: true}), // of the target's own; the heap has them too

	of(``, Kind{Class: verdict.Collection, Strict: true}),
}

// KindOf returns the kind of a series.
func KindOf(name string) Kind {
	for _, k := range kinds {
		if k.pattern.MatchString(name) {
			return k
		}
	}
	return Kind{Skip: true} // not reached: the last pattern fits everything
}
