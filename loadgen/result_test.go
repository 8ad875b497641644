package loadgen

import "testing"

// Of counts that measure the same, the one that does it best is compared.
func TestStayed(t *testing.T) {
	t.Parallel()
	before := reading{"pprof.goroutines": 8, "go_goroutines": 8, "health.peers": 0, "x_total": 1}
	after := reading{"pprof.goroutines": 9, "go_goroutines": 8, "health.peers": 2, "x_total": 5}
	if list := stayed(before, after, "ws://a"); len(list) != 1 || list[0].About != "health.peers" {
		t.Errorf("got %v", list)
	}
	delete(before, "go_goroutines")
	if list := stayed(before, after, "ws://a"); len(list) != 2 {
		t.Errorf("got %v without a better one", list)
	}
}
