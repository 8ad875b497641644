package heap

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// ErrUntriedRuntime is returned, under a Go release that the tests have not tried, by functions
// that depend on the internals of the runtime: heap dumps (Retainers, Watch.Explain) and the
// heap profile by line (Sites, Timers, Footprint). All else works with any release.
var ErrUntriedRuntime = errors.New("not tried with this Go release")

// The releases and experiments that the tests of this package pass with. To add one, run the
// tests with it, and compare with the release before:
//   - the format of runtime.writeheapdump, and the offsets of pointers in it
//   - the layout of runtime.hchan, timeTimer and p.timers, of maps and of sync.Map
//   - the sizes of objects that begin with their type (runtime/mbitmap.go)
//   - the functions of the runtime that allocate, and those that allocate for the runtime alone
var (
	triedReleases    = []string{"go1.26", "go1.27"}
	triedExperiments = []string{"goroutineleakprofile"}
)

// untried returns an error if the tests have not tried the running release.
func untried() error { return untriedRelease(runtime.Version()) }

func untriedRelease(version string) error {
	release, experiments, _ := strings.Cut(version, " X:")
	release, _, _ = strings.Cut(release, " ")
	tried := slices.ContainsFunc(triedReleases, func(r string) bool {
		rest, ok := strings.CutPrefix(release, r)
		return ok && (rest == "" || rest[0] < '0' || rest[0] > '9')
	})
	for x := range strings.SplitSeq(experiments, ",") {
		tried = tried && (x == "" || slices.Contains(triedExperiments, x))
	}
	if tried {
		return nil
	}
	return fmt.Errorf("%w: this is %s, tried are %s", ErrUntriedRuntime, version, strings.Join(triedReleases, " and "))
}
