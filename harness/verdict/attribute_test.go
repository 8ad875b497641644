package verdict_test

import (
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
	"github.com/pigeonhub/pigeonhub/harness/verdict/internal/sample"
)

func plus(a, b []int64) []int64 {
	sum := slices.Clone(a)
	for i := range b {
		sum[i] += b[i]
	}
	return sum
}

func TestSource(t *testing.T) {
	t.Parallel()
	part := func(of []int64, n int64) []int64 {
		part := slices.Clone(of)
		for i := range part {
			part[i] /= n
		}
		return part
	}
	for _, tt := range []struct {
		name     string
		detector string
		counts   []int64
		want     string
		perPeer  float64
	}{
		{"one_scenario", "goroutines", of(1, "stall"), "scenario stall", 1},
		{"three_things_a_peer", "goroutines", of(3, "goodbye"), "scenario goodbye", 3},
		{"every_second_peer", "goroutines", part(of(1, "early-close"), 2), "scenario early-close", 0.5},
		{"every_hundredth_peer_of_as_many", "goroutines", part(of(1, "stall"), 100), "as many in each cycle, whatever the number of peers", 0.00196},
		{"two_scenarios", "goroutines", of(1, "rst", "vanish"), "rst and vanish", 1},
		{"two_scenarios_unlike", "goroutines", plus(of(1, "rst"), of(2, "roam")), "rst and roam", 1.8172543},
		{"three_scenarios", "goroutines", of(1, "rst", "vanish", "stall"), "rst, vanish and stall", 1},
		{"all", "goroutines", of(1, sample.Scenarios...), "every scenario", 1},
		{"all_but_one", "goroutines", of(1, sample.Scenarios[1:]...), "every scenario but clean", 1},
		{"all_but_two", "goroutines", of(2, sample.Scenarios[2:]...), "every scenario but clean and goodbye", 2},
		{"with_noise", "sites", plus(of(1, "vanish"), []int64{1, -1, 1}), "scenario vanish", 1},
		{"nothing_fits", "goroutines", odd, "", 0.01225},
		{"the_clock", "goroutines", []int64{12, 12, 12}, "as many in each cycle, whatever the number of peers", 0.000356},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := sample.Clean()
			r.Findings = []verdict.Finding{finding(tt.detector, verdict.Goroutine, tt.counts)}
			l := verdict.Judge(r).Leaks[0]
			if got := l.Source.String(); got != tt.want {
				t.Errorf("the source of %v is %q, want %q", tt.counts, got, tt.want)
			}
			if got := l.Source.PerPeer; got < tt.perPeer*0.99 || got > tt.perPeer*1.01 {
				t.Errorf("%v are %v per peer, want %v", tt.counts, got, tt.perPeer)
			}
		})
	}
}

// A scenario that a detector names is the source, if that scenario ran.
func TestSourceNamedByDetector(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		named map[string]int64
		want  string
	}{
		{map[string]int64{"stall": 3}, "scenario stall"},
		{map[string]int64{"stall": 3, "rst": 3, "clean": 0}, "rst and stall"},
		{map[string]int64{"no such": 3}, "scenario rst"},
	} {
		r := sample.Clean()
		f := finding("watch", verdict.Object, of(1, "rst"), typed("*hub.session"))
		f.PerScenario = tt.named
		r.Findings = []verdict.Finding{f}
		if got := verdict.Judge(r).Leaks[0].Source.String(); got != tt.want {
			t.Errorf("the detector named %v: got %q, want %q", tt.named, got, tt.want)
		}
	}
}

// If two scenarios have the same doses, the source names both.
func TestSourceThatIsAmbiguous(t *testing.T) {
	t.Parallel()
	r := sample.Clean()
	r.Scenarios = r.Scenarios[:3]
	r.Cycles = []verdict.Cycle{{Doses: map[string]int64{"clean": 101, "goodbye": 101, "rst": 211}}}
	r.Findings = []verdict.Finding{goroutines(101)}
	v := verdict.Judge(r)
	if got := v.Leaks[0].Source.String(); got != "scenario clean (or goodbye)" {
		t.Errorf("got %q, want both", got)
	}
	if len(v.NotLeaking) > 0 {
		t.Errorf("%q are cleared although either of two may leak", v.NotLeaking)
	}
}
