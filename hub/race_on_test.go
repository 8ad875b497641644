//go:build race

package hub_test

// raceDetector says that this binary is several times slower than a real one.
const raceDetector = true
