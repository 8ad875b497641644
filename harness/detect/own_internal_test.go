package detect

import (
	"testing"
)

// A name that does not match fails silently: the harness would report its own objects and goroutines.
// An inlined function would have the name of its caller.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	const pkg = "github.com/pigeonhub/pigeonhub/harness/detect."
	if want := pkg + "(*goroutineReader).read"; own.readGoroutines != want {
		t.Errorf("got %s, want %s", own.readGoroutines, want)
	}
	if want := pkg + "(*Footprint).Measure"; own.measure != want {
		t.Errorf("got %s, want %s", own.measure, want)
	}
}
