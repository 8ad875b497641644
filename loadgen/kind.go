package loadgen

import (
	"regexp"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// kind is what a series of readings measures, by its name.
type kind struct {
	pattern *regexp.Regexp
	skip    bool // says nothing about what is retained
	unit    string
	class   verdict.Class
	strict  bool // counts one by one and rests at the same number
	fine    bool // bytes that are left after a collection: they tell small leaks
	prefer  int  // of a class, those that have it measure the same: the one with the highest is judged
}

func of(pattern string, k kind) kind {
	k.pattern = regexp.MustCompile(pattern)
	return k
}

// kinds are tried in order. Names are as the target has them, with the page in
// front except for /metrics.
var kinds = []kind{
	// Counters, limits, settings, times: they go up with the traffic, or never move.
	of(`(_total|_sum|_count|_bucket|_created|_info|_limit|_limit_bytes|_seconds|_percent|_max_fds|_level|_threads|_timestamp)(\{.*)?$`, kind{skip: true}),
	of(`(?i)(largest|highest|peak|high_?water)`, kind{skip: true}),
	of(`quantile=`, kind{skip: true}),
	of(`(?i)(uptime|timestamp|time|since|version|port|pid|limit|max|total|sent|received|cpu|threads)[^.]*$`, kind{skip: true}),
	of(`^pprof\.collections$`, kind{skip: true}),

	of(`^pprof\.heap_live_bytes$`, kind{unit: verdict.Bytes, class: verdict.Object, fine: true, prefer: 9}),
	of(`^pprof\.heap_live_objects$`, kind{skip: true}),                                 // moves with the bytes
	of(`^pprof\.goroutines$`, kind{class: verdict.Goroutine, strict: true, prefer: 1}), // the pages read before it may still be closing
	of(`^pprof\.goroutines_leaked$`, kind{class: verdict.Goroutine, strict: true}),
	of(`^go_goroutines$`, kind{class: verdict.Goroutine, strict: true, prefer: 2}),
	of(`^proc\.descriptors$`, kind{class: verdict.Descriptor, strict: true, prefer: 2}),
	of(`^process_open_fds$`, kind{class: verdict.Descriptor, strict: true, prefer: 1}),

	of(`^go_memstats_heap_alloc_bytes$`, kind{unit: verdict.Bytes, class: verdict.Object, prefer: 7}),
	of(`^health\.memory\.heapUsed$`, kind{unit: verdict.Bytes, class: verdict.Object, prefer: 6}),
	of(`^health\.memory\.rss$`, kind{unit: verdict.Bytes, class: verdict.Object, prefer: 4}),
	of(`^process_resident_memory_bytes$`, kind{unit: verdict.Bytes, class: verdict.Object, prefer: 3}),
	of(`^proc\.rss_anon_bytes$`, kind{unit: verdict.Bytes, class: verdict.Object, prefer: 2}),
	of(`^proc\.rss_bytes$`, kind{unit: verdict.Bytes, class: verdict.Object, prefer: 1}),
	of(`^(go_|process_)`, kind{skip: true}),
	of(`^health\.memory\.`, kind{skip: true}),
	of(`bytes(\{.*)?$`, kind{skip: true}), // of the target's own; the heap has them too

	of(``, kind{class: verdict.Collection, strict: true}),
}

// kindOf returns the kind of a series.
func kindOf(name string) kind {
	for _, k := range kinds {
		if k.pattern.MatchString(name) {
			return k
		}
	}
	return kind{skip: true} // not reached: the last pattern fits everything
}
