package harness

// TB is what the harness asks of a test: a part of testing.TB that *testing.T,
// *testing.B, *testing.F and Ginkgo's GinkgoT() have.
type TB interface {
	Helper()
	Name() string
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Failed() bool
	Cleanup(func())
}
