//go:build race

package regress_test

// raceEnabled: everything takes several times as long.
const raceEnabled = true
