// Package cover reads which statements of a program ran during a leak test. A test finds no leak
// in code that did not run, and a verdict that passes must name that code.
//
// A test binary that go test -cover built writes its counters into a directory when its tests
// have ended; a program that go build -cover built writes them into $GOCOVERDIR when it ends.
// Both are read together:
//
//	profiles, err := cover.Read(ctx, dirOfTest, dirOfProgram)
//	...
//	v.Coverage, err = cover.Measure(".", profiles, "./hub", "./hub/wire", "./cmd/pigeonhub")
//
// A test binary writes in testing.M.Run, so TestMain is the place to read them. All counters
// must be of one mode: build with -covermode=atomic, which a concurrent program needs anyway.
//
// profile.go reads counters; measure.go counts statements and finds what did not run; span.go
// turns blocks of counters into ranges of lines.
package cover
