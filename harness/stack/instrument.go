package stack

import (
	"path"
	"reflect"
	"runtime"
)

// instrument holds the packages of the harness, whose allocations and goroutines do not count. The
// set is closed, because a package below them may be the hub under test.
var instrument = func() map[string]bool {
	root := path.Dir(PackageOf(FuncName(PackageOf)))
	own := map[string]bool{root: true}
	for _, name := range []string{"settle", "stack", "heap", "source", "detect", "conformance"} {
		own[root+"/"+name] = true
	}
	return own
}()

// IsInstrument reports whether a function belongs to the harness.
func IsInstrument(function string) bool { return instrument[PackageOf(function)] }

// FuncName returns the name of a function or method expression, as stacks have it.
func FuncName(function any) string {
	return runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
}
