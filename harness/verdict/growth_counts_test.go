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
