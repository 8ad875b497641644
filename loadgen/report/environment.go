package report

import (
	"runtime"
	"runtime/debug"

	"github.com/pigeonhub/pigeonhub/loadgen/preflight"
)

// Environment is where a run was made, which may explain a difference between two runs.
type Environment struct {
	Version string           `json:"version,omitempty"` // of loadgen
	Commit  string           `json:"commit,omitempty"`  // of loadgen
	Go      string           `json:"go"`
	System  string           `json:"system"`           // operating system and architecture
	Kernel  string           `json:"kernel,omitempty"` // its release
	CPUs    int              `json:"cpus"`             // that loadgen may use
	Limits  preflight.Limits `json:"limits"`
}

// EnvironmentOf describes this process and machine, for a run against a target.
func EnvironmentOf(target string) Environment {
	e := Environment{
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Kernel: preflight.Kernel(), CPUs: runtime.GOMAXPROCS(0),
		Limits: preflight.SystemLimits(preflight.IsLoopback4(target)),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		e.Version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				e.Commit = s.Value
			}
		}
	}
	return e
}
