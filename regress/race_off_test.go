//go:build !race

package regress_test

const raceEnabled = false
