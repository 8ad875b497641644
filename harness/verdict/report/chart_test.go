package report

import (
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict/units"
)

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, span := range [][2]float64{{0, 1}, {0, 9}, {-3, 3027}, {0, 3.6e6}, {5, 5}, {0, 1e-6}} {
		list := Evenly(5, units.Number)(span[0], span[1])
		if len(list) < 1 || len(list) > 9 {
			t.Errorf("%v has the ticks %v", span, list)
		}
		for i, tick := range list {
			x := tick.At
			if x < span[0]-1e-9 || x > span[1]*1.000001 || i > 0 && x <= list[i-1].At {
				t.Errorf("%v has the ticks %v", span, list)
			}
		}
	}
}
