package report

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// The kinds of the series of existing hubs, by their names.
func TestKindOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Kind{
		"health.connections":         {Class: verdict.Collection, Strict: true},
		"health.networks":            {Class: verdict.Collection, Strict: true},
		"health.uptime":              {Skip: true},
		"health.memory.heapUsed":     {Unit: verdict.Bytes, Class: verdict.Object, Prefer: 6},
		"health.memory.external":     {Skip: true},
		"go_goroutines":              {Class: verdict.Goroutine, Strict: true, Prefer: 2},
		"go_memstats_mallocs_total":  {Skip: true},
		"go_gc_duration_seconds_sum": {Skip: true},
		`x_seconds{quantile="0.5"}`:  {Skip: true},
		"process_open_fds":           {Class: verdict.Descriptor, Strict: true, Prefer: 1},
		"process_start_time_seconds": {Skip: true},
		"pigeonhub_sessions":         {Class: verdict.Collection, Strict: true},
		"pigeonhub_sessions_limit":   {Skip: true},
		`pigeonhub_messages_dropped_total{reason="bad_target"}`: {Skip: true},
		"pigeonhub_largest_network_members":                     {Skip: true},
		"pigeonhub_queued_bytes":                                {Skip: true},
		"proc.cpu_seconds":                                      {Skip: true},
		"proc.threads":                                          {Skip: true},
		"pprof.heap_live_bytes":                                 {Unit: verdict.Bytes, Class: verdict.Object, Fine: true, Prefer: 9},
	} {
		got := KindOf(name)
		got.pattern = nil
		if got != want {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
}
