package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Retained returns the growth in each cycle of Clean if each peer of the scenarios leaves
// so many things behind.
func Retained(each int64, scenarios ...string) []int64 {
	counts := make([]int64, len(Doses))
	for k := range Doses {
		for i, name := range Scenarios {
			if slices.Contains(scenarios, name) {
				counts[k] += each * Doses[k][i]
			}
		}
	}
	return counts
}

// Random returns any run that detectors might report, sensible or not.
func Random(rng *rand.Rand) verdict.Run {
	r := Clean()
	if rng.IntN(5) == 0 {
		r.Cycles = r.Cycles[:rng.IntN(3)]
	}
	if rng.IntN(8) == 0 {
		r.Scenarios = r.Scenarios[:rng.IntN(len(r.Scenarios))]
	}
	for range rng.IntN(9) {
		r.Findings = append(r.Findings, randomFinding(rng, len(r.Cycles)))
	}
	for i := range r.Detectors {
		if rng.IntN(12) == 0 {
			r.Detectors[i].State = []verdict.State{verdict.Missing, verdict.Off, ""}[rng.IntN(3)]
		}
	}
	if rng.IntN(4) == 0 {
		r.Known = append(r.Known, verdict.Rule{Type: pick(rng, "*hub.session", "*", "x"), Reason: "known", Expires: r.Start.Add(time.Duration(rng.IntN(100)-50) * 24 * time.Hour)})
	}
	if rng.IntN(4) == 0 {
		list := Blocks("rst", rng.IntN(30), 500, rng.NormFloat64())
		r.Trends = append(r.Trends, verdict.Test(verdict.Question{Series: "heap", Scenario: "rst", Unit: pick(rng, "", verdict.Bytes), Strict: rng.IntN(2) == 0}, list))
	}
	if rng.IntN(6) == 0 {
		r.Series = append(r.Series, verdict.Series{Name: "odd", Points: []verdict.Point{{Value: math.NaN()}, {Value: math.Inf(1)}, {Value: -1}}}, verdict.Series{Name: "empty"})
	}
	return r
}

func pick(rng *rand.Rand, words ...string) string { return words[rng.IntN(len(words))] }

func randomFinding(rng *rand.Rand, cycles int) verdict.Finding {
	classes := []verdict.Class{verdict.Goroutine, verdict.Object, verdict.Collection, verdict.Memory, verdict.Descriptor, verdict.Unclosed, verdict.Timer,
		verdict.Subscription, verdict.Mapping, verdict.Gauge, verdict.Invariant, verdict.CPU}
	f := verdict.Finding{
		Detector: pick(rng, "watch", "census", "sites", "goroutines", "descriptors", "unheard of"),
		Class:    classes[rng.IntN(len(classes))],
		Type:     pick(rng, "", "", "*hub.session", "*hub.network", "[]uint8"),
		Field:    pick(rng, "", "", "hub.Hub.peers", "hub.Hub.networks[*].members", "a\x00b"),
		Bytes:    rng.Int64N(3) * rng.Int64N(1_000_000),
	}
	if rng.IntN(2) == 0 {
		f.Born = verdict.Site{Function: pick(rng, "", "hub.a", "hub.b"), File: pick(rng, "", "/src/pigeonhub/hub/a.go", "/usr/go/x.go"), Line: 1 + rng.IntN(3)}
	}
	if rng.IntN(3) == 0 {
		f.Path = []verdict.Edge{
			{Holder: "hub.Hub", Field: "networks"},
			{Holder: "map", Field: fmt.Sprintf(`["%d"]`, rng.Int())},
			{Holder: "*hub.network", Field: pick(rng, "members", "hubs")},
		}
	}
	if rng.IntN(3) > 0 {
		f.PerCycle = Retained(rng.Int64N(3), Scenarios[rng.IntN(len(Scenarios))])
		for k := range f.PerCycle {
			f.PerCycle[k] += rng.Int64N(4) - 1
			f.Count += f.PerCycle[k]
		}
		if len(f.PerCycle) > cycles && rng.IntN(10) > 0 {
			f.PerCycle = f.PerCycle[:cycles]
		}
	} else {
		f.Count = rng.Int64N(5000) - 100
	}
	if rng.IntN(5) == 0 {
		f.PerScenario = map[string]int64{Scenarios[rng.IntN(len(Scenarios))]: max(0, f.Count)}
	}
	return f
}
