//go:build !race

package loadgen

const testsForProcessor = 3
