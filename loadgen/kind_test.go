package loadgen

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// What a name says of a series, for the pages of hubs that exist.
func TestKindOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]kind{
		"health.connections":         {class: verdict.Collection, strict: true},
		"health.networks":            {class: verdict.Collection, strict: true},
		"health.uptime":              {skip: true},
		"health.memory.heapUsed":     {unit: verdict.Bytes, class: verdict.Object, prefer: 6},
		"health.memory.external":     {skip: true},
		"go_goroutines":              {class: verdict.Goroutine, strict: true, prefer: 2},
		"go_memstats_mallocs_total":  {skip: true},
		"go_gc_duration_seconds_sum": {skip: true},
		`x_seconds{quantile="0.5"}`:  {skip: true},
		"process_open_fds":           {class: verdict.Descriptor, strict: true, prefer: 1},
		"process_start_time_seconds": {skip: true},
		"pigeonhub_sessions":         {class: verdict.Collection, strict: true},
		"pigeonhub_sessions_limit":   {skip: true},
		`pigeonhub_messages_dropped_total{reason="bad_target"}`: {skip: true},
		"pigeonhub_largest_network_members":                     {skip: true},
		"pigeonhub_queued_bytes":                                {skip: true},
		"proc.cpu_seconds":                                      {skip: true},
		"proc.threads":                                          {skip: true},
		"pprof.heap_live_bytes":                                 {unit: verdict.Bytes, class: verdict.Object, fine: true, prefer: 9},
	} {
		got := kindOf(name)
		got.pattern = nil
		if got != want {
			t.Errorf("%s is %+v, want %+v", name, got, want)
		}
	}
}
