package harness

// TB is the part of testing.TB that a guard uses. *testing.T, *testing.B, *testing.F and Ginkgo's
// GinkgoT() implement it.
type TB interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Failed() bool
	Cleanup(func())
}
