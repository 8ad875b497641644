package conformance_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/pigeonhub/pigeonhub/harness/conformance"
	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/hub"
	"github.com/pigeonhub/pigeonhub/hub/hubtest"
)

func TestConformanceNamesItsChecks(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range conformance.Checks() {
		if names[c.Name] || c.Name == "" || c.Section == "" || c.Run == nil {
			t.Errorf("%q has no name of its own, or lacks something", c.Name)
		}
		names[c.Name] = true
	}
	if len(names) < 25 {
		t.Errorf("only %d checks", len(names))
	}
}

// wantNothingLeft compares goroutines and descriptors at the end of the test with the present ones.
// It is not for parallel tests.
func wantNothingLeft(t *testing.T) {
	t.Helper()
	goroutines := goleak.IgnoreCurrent()
	before, err := detect.ReadDescriptors()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := goleak.Find(goroutines); err != nil {
			t.Error(err)
		}
		after, err := detect.ReadDescriptors()
		if err != nil || len(after) > len(before) {
			t.Errorf("descriptors: %d before, then %v: %v", len(before), after, err)
		}
	})
}

// The hub of this module conforms, and nothing is left of the peers of the checks.
func TestConformance(t *testing.T) {
	wantNothingLeft(t)
	target, err := hubtest.Start(hub.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := conformance.Run(t.Context(), target); err != nil {
		t.Errorf("over TCP: %v", err)
	}
	if err := target.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	synctest.Test(t, func(t *testing.T) {
		target, err := hubtest.StartPipes(hub.Config{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := conformance.Run(t.Context(), target); err != nil {
			t.Errorf("over pipes: %v", err)
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("over pipes it waited for %v", took)
		}
		if err := target.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A wrong hub without a mistake passes all checks.
func TestConformanceOfAHubThatIsWrongInNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		target, err := startWrongHub(wrong{})
		if err != nil {
			t.Fatal(err)
		}
		if err := conformance.Run(t.Context(), target); err != nil {
			t.Error(err)
		}
		if err := target.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Each check fails on a hub that is wrong in the behaviour it tests, and its error says so.
func TestConformanceControls(t *testing.T) {
	t.Parallel()
	for _, c := range conformance.Checks() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			wrong, ok := wrongHubs[c.Name]
			if !ok {
				t.Fatal("there is no hub that is wrong in it")
			}
			synctest.Test(t, func(t *testing.T) {
				target, err := startWrongHub(wrong)
				if err != nil {
					t.Fatal(err)
				}
				err = c.Run(t.Context(), target)
				if err == nil {
					t.Error("passed")
				} else if !strings.Contains(err.Error(), "want") {
					t.Errorf("does not say what was wanted: %v", err)
				}
				t.Log(err)
				if err := target.Stop(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
