package verdict_test

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func TestGrowthOfCounts(t *testing.T) {
	t.Parallel()
	primes := []int64{1009, 1013, 1019, 997, 991, 983}
	for _, c := range []struct {
		name   string
		growth []int64
		site   bool // a leak of a site
		grows  bool // a leak of an exact count
	}{
		{"one per peer", []int64{1009, 1013, 1019}, true, true},
		{"two per peer", []int64{2018, 2026, 2038}, true, true},
		{"two cycles", []int64{1009, 1013}, true, true},
		{"one object more", []int64{1010, 1013, 1019}, true, true},
		{"one of 100 peers", []int64{8, 13, 10}, true, true},
		{"one a cycle", []int64{1, 1, 1}, false, true},
		{"one of 500 peers", []int64{2, 0, 3}, false, true},
		{"nothing", []int64{0, 0, 0}, false, false},
		{"up and down", []int64{40, -38, 41}, false, false},
		{"down", []int64{-10, -20, -30}, false, false},
		{"lazy", []int64{1009, 0, 0}, false, false},
		{"late", []int64{0, 0, 5}, false, false},
		{"fills up", []int64{1009, 500, 3}, false, false},
		{"fills up slowly", []int64{900, 300, 100}, false, false},
		{"rare, six cycles", []int64{5, 0, 6, 3, 0, 6}, true, true},
		{"a step, six cycles", []int64{0, 60, 0, 0, 0, 0}, false, false},
		{"fills up, six cycles", []int64{60, 30, 15, 7, 3, 0}, false, false},
	} {
		doses := primes[:len(c.growth)]
		if why, _ := verdict.SiteGrowth(c.growth, doses); (why != "") != c.site {
			t.Errorf("%s: the site %v is judged %q", c.name, c.growth, why)
		}
		if got := verdict.KeepsGrowing(c.growth, doses); got != c.grows {
			t.Errorf("%s: %v keeps growing: %v", c.name, c.growth, got)
		}
	}
	if why, _ := verdict.SiteGrowth([]int64{14, 22}, []int64{7, 11}); why != "" {
		t.Errorf("small doses prove nothing: %s", why)
	}
	if !verdict.KeepsGrowing([]int64{1}, []int64{0}) {
		t.Error("in a single cycle any growth counts")
	}
}

func TestMemoryGrowth(t *testing.T) {
	t.Parallel()
	doses := []int64{101, 103, 107, 109}
	for _, tt := range []struct {
		name  string
		level []int64
		leak  bool
	}{
		{"exact", []int64{1010, 2020, 3050, 4120, 5210}, true},
		{"steps of append", []int64{2048, 4096, 6144, 6144, 8192}, true},
		{"a bound reached in the last cycle", []int64{211, 422, 633, 844, 844}, false},
		{"from nothing", []int64{0, 1024, 2048, 3072, 4096}, true},
		{"a queue of some hundred pointers", []int64{1024, 1536, 2048, 2560, 3072}, false},
		{"one large message at the end", []int64{1024, 1088, 1152, 1184, 9000}, false},
		{"one doubling", []int64{1024, 1024, 2048, 2048, 2048}, false},
		{"a cache that fills", []int64{1024, 4096, 5000, 5100, 5110}, false},
		{"the largest message", []int64{4096, 4096, 5376, 6144, 6784}, false},
		{"up and down", []int64{1024, 4096, 2048, 8192, 16384}, false},
		{"a few bytes", []int64{16, 32, 48, 64, 80}, false},
		{"at rest", []int64{4096, 4096, 4096, 4096, 4096}, false},
	} {
		if why := verdict.MemoryGrowth(tt.level, doses); (why != "") != tt.leak {
			t.Errorf("%s: %q, want a leak: %v", tt.name, why, tt.leak)
		}
	}
	if why := verdict.MemoryGrowth([]int64{0, 1000, 2000}, doses[:2]); why != "" {
		t.Errorf("two cycles prove nothing: %q", why)
	}
}
