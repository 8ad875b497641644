package verdict_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// hostileRun has a leak of each state, and peers that chose their names to break
// what is written.
func hostileRun() verdict.Run {
	r := leakingRun()
	evil := `</title><script>alert(1)</script> | **b** ` + "`x`" + " \x1b[31m ]]> \"'&"
	r.Target = evil
	r.Findings[0].Path[1].Field = `["` + `<script>|` + `"]`
	r.Findings[2].Detail = evil
	r.Findings = append(r.Findings,
		verdict.Finding{Detector: "goroutines", Class: verdict.Goroutine, Type: "hub.(*session).write", Born: verdict.Site{Function: "hub.(*session).start", File: "/src/pigeonhub/hub/queue.go", Line: 12}, Count: 5, PerCycle: []int64{2, 1, 2}, Detail: "goroutine 7 [select]:\n" + evil},
		verdict.Finding{Detector: "subscriptions", Class: verdict.Subscription, Field: evil, Count: 6007 + 6011 + 6029, PerCycle: []int64{6007, 6011, 6029}},
		cache(9000, 3000, 500),
	)
	r.Known = []verdict.Rule{{Class: verdict.Subscription, Reason: evil, Issue: "#12", Expires: r.Start.AddDate(0, 1, 0)}}
	r.Detectors = append(r.Detectors, verdict.Detector{Name: "goroutineleak", State: verdict.Off, Why: "this toolchain has no such profile"})
	r.Today = r.Start
	return r
}

func invalidRun() verdict.Run {
	r := leakingRun()
	r.Detectors[3] = verdict.Detector{Name: "goroutines", State: verdict.Missing, Why: "/debug/pprof answers 403", Do: "run the target with its debug pages on loopback"}
	r.Scenarios[1].Landed = 9000
	r.Controls[0].Caught = false
	return r
}

// soakRun has more points and more series than can be drawn.
func soakRun() verdict.Run {
	r := sampleRun()
	r.Name, r.Cycles, r.Duration = "soak", nil, 26*time.Hour+3*time.Minute
	heap := verdict.Series{Name: "heap live", Unit: verdict.Bytes}
	for i := range 5000 {
		heap.Points = append(heap.Points, verdict.Point{Seconds: float64(i * 18), Value: 40e6 + float64(i*7919%997)*1e4})
	}
	r.Series = []verdict.Series{heap}
	for i := range 9 {
		s := verdict.Series{Name: "collection " + string(rune('a'+i)), Group: "collections"}
		for k := range 6 {
			s.Points = append(s.Points, verdict.Point{Dose: float64(k * 1000), Value: float64(k * (i / 3))})
		}
		r.Series = append(r.Series, s)
	}
	r.Findings = nil
	return r
}

var goldenRuns = []struct {
	name string
	run  func() verdict.Run
}{
	{"leak", leakingRun}, {"pass", sampleRun}, {"trend", trendRun}, {"invalid", invalidRun}, {"hostile", hostileRun}, {"soak", soakRun},
	{"threshold", thresholdRun},
}

// Every form of every sample is as it was; -update accepts what it is now.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, sample := range goldenRuns {
		for _, format := range verdict.Formats() {
			if sample.name == "soak" && format.File != "index.html" {
				continue // thousands of points that only the plots have to cope with
			}
			t.Run(sample.name+"/"+format.File, func(t *testing.T) {
				t.Parallel()
				var got bytes.Buffer
				if err := format.Write(&got, verdict.Judge(sample.run())); err != nil {
					t.Fatal(err)
				}
				file := filepath.Join("testdata", sample.name+"."+format.File+".golden")
				if *update {
					if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got.Bytes(), want) {
					t.Errorf("%s differs from what is written (go test -update accepts it):\n%s", file, firstDifference(got.String(), string(want)))
				}
			})
		}
	}
}
