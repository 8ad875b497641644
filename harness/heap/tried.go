package heap

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
)

// ErrUntriedRuntime is the error of everything that depends on how the Go runtime works
// inside, under a release with which it has not been tried: heap dumps and what is read
// from them (Retainers, Watch.Explain), and the heap profile by line (Sites, Timers,
// Footprint). They do not guess. All else works with any release.
var ErrUntriedRuntime = errors.New("not tried with this Go release")

// The releases and experiments with which the tests of this package pass. To add one,
// run them with it and compare, against the release before:
//   - the format of runtime.writeheapdump and the places of pointers in it
//   - the layout of runtime.hchan, timeTimer and p.timers, of maps and of sync.Map
//   - from which size on, and up to which, objects begin with their type (runtime/mbitmap.go)
//   - the runtime's functions that allocate, and those that only do so for the runtime
var (
	triedReleases    = []string{"go1.26", "go1.27"}
	triedExperiments = []string{"goroutineleakprofile"}
)

// untried returns an error if the running Go is not among those tried.
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
	return fmt.Errorf("%w: it is %s, tried were %s", ErrUntriedRuntime, version, strings.Join(triedReleases, " and "))
}
