//go:build race

package regress_test

// raceEnabled reports whether the race detector is on, which slows everything several times.
const raceEnabled = true
