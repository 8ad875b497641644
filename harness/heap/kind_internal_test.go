package heap

import "testing"

// The objects of one line are of one kind, whether the profile shows the function of Go 1.27 that
// was made for their size or not. They were counted as two sites, neither of which grew in each
// cycle.
func TestKindOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		inner []string
		want  string
	}{
		{nil, newObject},
		{[]string{"runtime.mallocgcSmallScanNoHeaderSC3"}, newObject},
		{[]string{"runtime.mallocgc", "runtime.newobject"}, newObject},
		{[]string{"runtime.mallocgc", "runtime.growslice"}, "runtime.growslice"},
	} {
		if got := kindOf(tt.inner); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.inner, got, tt.want)
		}
	}
}
