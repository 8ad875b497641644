//go:build !linux

package preflight

// SystemLimits returns no limits: they are read on Linux only.
func SystemLimits(bool) Limits { return Limits{} }

// Kernel returns "": the release is read on Linux only.
func Kernel() string { return "" }
