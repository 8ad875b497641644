package regress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
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

// baselineMark is before the result on its line.
const baselineMark = "baselines: "

var baselineNames = []string{"goleak", "gleak", "goroutineleak"}

// TestBaselines asks the detectors that there were before, each used as its
// documentation says: goleak and gleak with what was there before ignored, after
// the peers have left and again after the hub was stopped and forgotten; the
// goroutineleak profile after that, since what is reachable it cannot see. The
// peers are those of the mutant's scenarios, a hundred each. It runs in a binary with
// a mutant in it, or none, and says what was caught.
func TestBaselines(t *testing.T) {
	name := os.Getenv("PIGEONHUB_MUTANT")
	if name == "" {
		t.Skip("PIGEONHUB_MUTANT names no mutant")
	}
	m, err := findMutant(name)
	if err != nil {
		t.Fatal(err)
	}
	caught := map[string]bool{}
	before, known := goleak.IgnoreCurrent(), gleak.Goroutines()
	look := func(ignore goleak.Option, snapshot []gleak.Goroutine) {
		caught["goleak"] = caught["goleak"] || goleak.Find(ignore) != nil
		caught["gleak"] = caught["gleak"] || gleakFinds(t.Context(), snapshot)
	}
	churnForBaselines(t, m, look)
	look(before, known)
	caught["goroutineleak"] = provenLeaks(t) > 0
	result, err := json.Marshal(caught)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("%s%s\n", baselineMark, result)
}

// churnForBaselines starts a hub, sends the peers, has look look, and stops it.
func churnForBaselines(t *testing.T, m *mutant, look func(goleak.Option, []gleak.Goroutine)) {
	t.Helper()
	w, err := newWorld(powerConfig(), 1, hubtest.Start)
	if err != nil {
		t.Fatal(err)
	}
	ignore, snapshot := goleak.IgnoreCurrent(), gleak.Goroutines()
	doses := map[string]int64{}
	for _, s := range w.campaign.Crowd.Scenarios {
		if slices.Contains(m.scenarios, s.Name) {
			doses[s.Name] = 100 // for what hits one in a hundred
		}
	}
	w.campaign.Crowd.Send(t.Context(), 1, doses)
	settled, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_ = settle.Until(settled, func() error { return isEmpty(w.target) }) // a mutant may keep sessions for good
	look(ignore, snapshot)
	_ = shutDown(w.target, w.campaign.Crowd.LifeLimit)
}

// gleakFinds is Eventually(Goroutines).ShouldNot(HaveLeaked(snapshot)), with its
// second of patience.
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

// provenLeaks is what the goroutineleak profile counts.
func provenLeaks(t *testing.T) int {
	t.Helper()
	profile := pprof.Lookup("goroutineleak")
	if profile == nil {
		t.Fatal("there is no goroutineleak profile: build with GOEXPERIMENT=goroutineleakprofile")
	}
	runtime.GC()
	var b bytes.Buffer
	if err := profile.WriteTo(&b, 1); err != nil {
		t.Fatal(err)
	}
	match := profileTotal.FindSubmatch(b.Bytes())
	if match == nil {
		t.Fatalf("the profile is not as expected:\n%.500s", b.String())
	}
	n, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
