package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// buildVersion returns the version of the module, the commit, the Go release and the
// platform.
func buildVersion() string {
	version, commit := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = fmt.Sprintf(" commit %.12s", s.Value)
			}
		}
	}
	return fmt.Sprintf("pigeonhub %s%s %s %s/%s", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
