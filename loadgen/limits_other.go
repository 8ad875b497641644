//go:build !linux

package loadgen

// systemLimits knows nothing of other systems.
func systemLimits(bool) Limits { return Limits{} }

// kernel is not known.
func kernel() string { return "" }
