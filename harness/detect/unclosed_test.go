package detect_test

import (
	"net"
	"os"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/detect"
	"github.com/pigeonhub/pigeonhub/harness/internal/fixture"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

func TestUnclosedCountsForgottenConnections(t *testing.T) {
	fixture.DropListeners(t, 7, false) // forgotten before the baseline
	found := findIn(t, &detect.Unclosed{}, []int64{20, 30}, func(_ int, dose int64) { fixture.DropListeners(t, dose, false) })
	f := wantOne(t, found, verdict.Unclosed, 50, "DropListeners")
	wantCycles(t, f, 20, 30)
	if f.Type != "net.Conn" {
		t.Errorf("type %s\n%s", f.Type, f.Detail)
	}
}

// If lines have closed and forgotten listeners, all are in the detail and none is Born.
func TestUnclosedAmongClosed(t *testing.T) {
	found := findIn(t, &detect.Unclosed{}, []int64{1}, func(int, int64) {
		fixture.DropListeners(t, 50, true)
		for range 3 {
			if _, err := os.Open(os.DevNull); err != nil {
				t.Fatal(err)
			}
		}
	})
	f := wantOne(t, found, verdict.Unclosed, 3, "TestUnclosedAmongClosed")
	if f.Type != "*os.File" {
		t.Errorf("type %s\n%s", f.Type, f.Detail)
	}
}

func TestUnclosedBenign(t *testing.T) {
	var kept []net.Listener
	found := findIn(t, &detect.Unclosed{}, []int64{50}, func(_ int, dose int64) {
		fixture.DropListeners(t, dose, true)
		l := fixture.Listen(t, "tcp", "127.0.0.1:0")
		kept = append(kept, l) // open and retained
		f, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	})
	wantNone(t, found)
	kept[0].Close()
}

// Unclosed finds the descriptors that Descriptors misses because the runtime collected within a
// cycle.
func TestDescriptorsAndUnclosedTogether(t *testing.T) {
	for _, collect := range []bool{false, true} {
		all := detect.Detectors{&detect.Descriptors{}, &detect.Unclosed{}}
		found := findIn(t, all, []int64{50}, func(_ int, dose int64) {
			fixture.DropListeners(t, dose, false)
			if collect {
				if err := detect.NewReading(0).Collect(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
		classes := map[verdict.Class]int64{}
		for _, f := range found {
			classes[f.Class] += f.Count
		}
		if classes[verdict.Unclosed] != 50 || !collect && classes[verdict.Descriptor] == 0 || collect && classes[verdict.Descriptor] != 0 {
			t.Errorf("collected %v: %v", collect, classes)
		}
	}
}
