package regress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/onsi/gomega/gleak"
	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness/settle"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

// baselineMark begins the line with the result.
const baselineMark = "baselines: "

// baselineNames are the leak detectors of others that the suite is compared with.
var baselineNames = []string{"goleak", "gleak", "goroutineleak"}

// TestBaselines runs the detectors of baselineNames on a hub, each as its documentation
// describes, and prints which found a leak. It sends a hundred peers of each scenario of the
// mutant. goleak and gleak ignore the goroutines of the start, and check after the peers have
// left and again after the hub has stopped. The goroutineleak profile is read last, because it
// sees only goroutines that are blocked on unreachable objects.
func TestBaselines(t *testing.T) {
	m := builtMutant(t)
	caught := map[string]bool{}
	before, known := goleak.IgnoreCurrent(), gleak.Goroutines()
	check := func(ignore goleak.Option, snapshot []gleak.Goroutine) {
		caught["goleak"] = caught["goleak"] || goleak.Find(ignore) != nil
		caught["gleak"] = caught["gleak"] || gleakFinds(t.Context(), snapshot)
	}
	churnForBaselines(t, m, check)
	check(before, known)
	caught["goroutineleak"] = provenLeaks(t) > 0
	result, err := json.Marshal(caught)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%s%s\n", baselineMark, result)
}

// churnForBaselines starts a hub, sends the peers, calls check, and stops the hub.
func churnForBaselines(t *testing.T, m *mutant, check func(goleak.Option, []gleak.Goroutine)) {
	t.Helper()
	w, err := newWorld(powerConfig(), 1, hubtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	ignore, snapshot := goleak.IgnoreCurrent(), gleak.Goroutines()
	doses := map[string]int64{}
	for _, s := range w.campaign.Crowd.Scenarios {
		if slices.Contains(m.scenarios, s.Name) {
			doses[s.Name] = 100 // some mutants leak for one peer in a hundred
		}
	}
	w.campaign.Crowd.Send(t.Context(), 1, doses)
	settled, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_ = settle.Until(settled, func() error { return isEmpty(w.target) }) // a mutant may keep sessions for good
	check(ignore, snapshot)
	_ = shutDown(w.target, w.campaign.Crowd.LifeLimit)
}

// gleakFinds does the same as Eventually(Goroutines).ShouldNot(HaveLeaked(snapshot)) with its
// default timeout of a second, and reports whether goroutines have leaked.
func gleakFinds(ctx context.Context, snapshot []gleak.Goroutine) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return settle.Until(ctx, func() error {
		leaked, err := gleak.HaveLeaked(snapshot).Match(gleak.Goroutines())
		if err == nil && leaked {
			err = fmt.Errorf("gleak: goroutines have leaked")
		}
		return err
	}) != nil
}

var profileTotal = regexp.MustCompile(`goroutineleak profile: total (\d+)`)

// provenLeaks returns the number of goroutines in the goroutineleak profile.
func provenLeaks(t *testing.T) int {
	t.Helper()
	profile := pprof.Lookup("goroutineleak")
	if profile == nil {
		t.Fatal("the runtime has no goroutineleak profile: build with GOEXPERIMENT=goroutineleakprofile")
	}
	runtime.GC()
	var b bytes.Buffer
	if err := profile.WriteTo(&b, 1); err != nil {
		t.Fatal(err)
	}
	match := profileTotal.FindSubmatch(b.Bytes())
	if match == nil {
		t.Fatalf("the profile has no total:\n%.500s", b.String())
	}
	n, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
