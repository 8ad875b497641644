//go:build !race

package loadgen

const testsForProcessor = 4
