package report

import "testing"

func TestTicks(t *testing.T) {
	t.Parallel()
	for _, span := range [][2]float64{{0, 1}, {0, 9}, {-3, 3027}, {0, 3.6e6}, {5, 5}, {0, 1e-6}} {
		list := ticks(span[0], span[1], 5)
		if len(list) < 1 || len(list) > 9 {
			t.Errorf("%v has the ticks %v", span, list)
		}
		for i, x := range list {
			if x < span[0] || x > span[1]*1.000001 || i > 0 && x <= list[i-1] {
				t.Errorf("%v has the ticks %v", span, list)
			}
		}
	}
}
