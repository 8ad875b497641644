package verdict_test

import (
	"fmt"
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// names are the scenarios of the sample run, doses their peers in each cycle:
// primes, and no two alike.
var names = []string{"clean", "goodbye", "rst", "vanish", "early-close", "roam", "stall"}

var doses = [][]int64{
	{4999, 4973, 1009, 5501, 6007, 4507, 6637},
	{5003, 4987, 1009, 5503, 6011, 4513, 6653},
	{5009, 4993, 1009, 5507, 6029, 4517, 6659},
}

// sampleRun is a run without a finding.
func sampleRun() verdict.Run {
	r := verdict.Run{
		Name: "regress", Target: "hub.Hub in process", Command: "go test ./regress -seed 0x5eed", Seed: 0x5eed, Commit: "1a2b3c4d5e6f",
		Root: "/src/pigeonhub", Report: "regress-report/index.html",
		Start: time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC), Duration: 21 * time.Second,
		Detectors: []verdict.Detector{
			{Name: "watch", State: verdict.Ready, Unit: "object"},
			{Name: "census", State: verdict.Ready, Unit: "entry"},
			{Name: "sites", State: verdict.Ready, Unit: "object", Noise: 1},
			{Name: "goroutines", State: verdict.Ready, Unit: "goroutine"},
			{Name: "descriptors", State: verdict.Ready, Unit: "descriptor"},
			{Name: "timers", State: verdict.Ready, Unit: "timer"},
			{Name: "subscriptions", State: verdict.Ready, Unit: "subscription"},
		},
		Controls: []verdict.Control{
			{Name: "planted canary", Planted: true, Caught: true},
			{Name: "pool warm-up"},
		},
	}
	for i, name := range names {
		s := verdict.Scenario{Name: name}
		for k := range doses {
			if i == 0 {
				r.Cycles = append(r.Cycles, verdict.Cycle{Doses: map[string]int64{}})
			}
			r.Cycles[k].Doses[name] = doses[k][i]
			s.Landed += doses[k][i]
		}
		s.Planned = s.Landed
		r.Lives += s.Landed
		r.Scenarios = append(r.Scenarios, s)
	}
	r.Series = sampleSeries(&r, nil)
	return r
}

// leakingRun is the leak of the design: a reset peer stays a member.
func leakingRun() verdict.Run {
	r := sampleRun()
	perCycle := []int64{1009, 1009, 1009}
	accept := verdict.Site{Function: "github.com/pigeonhub/pigeonhub/hub.(*Hub).accept", File: "/src/pigeonhub/hub/session.go", Line: 88}
	r.Findings = []verdict.Finding{
		{Detector: "watch", Class: verdict.Object, Type: "*github.com/pigeonhub/pigeonhub/hub.session", Born: accept, Count: 3027, PerCycle: perCycle,
			Path: []verdict.Edge{
				{Holder: "hub.Hub", Field: "networks"},
				{Holder: "map[string]*hub.network", Field: `["n-17"]`},
				{Holder: "*hub.network", Field: "members"},
				{Holder: "map[wire.PeerID]*hub.session", Field: `["ab12cd34ef56ab12cd34ef56ab12cd34ef56ab12"]`},
			},
			Stored: verdict.Site{Function: "hub.(*network).join", File: "/src/pigeonhub/hub/network.go", Line: 61}},
		{Detector: "census", Class: verdict.Collection, Field: "hub.Hub.networks[*].members", Count: 3027, PerCycle: perCycle},
		{Detector: "sites", Class: verdict.Object, Born: accept, Count: 3028, Bytes: 1_247_124, PerCycle: []int64{1009, 1009, 1010}},
	}
	r.Series = sampleSeries(&r, perCycle)
	return r
}

// sampleSeries draws the heap, the goroutines and two collections of a run, before
// the first cycle and after each.
func sampleSeries(r *verdict.Run, leak []int64) []verdict.Series {
	heap := verdict.Series{Name: "heap live", Group: "heap", Unit: verdict.Bytes}
	goroutines := verdict.Series{Name: "goroutines", Group: "goroutines"}
	members := verdict.Series{Name: "hub.Hub.networks[*].members", Group: "collections"}
	sessions := verdict.Series{Name: "hub.Hub.sessions", Group: "collections"}
	dose, kept := 0.0, 0.0
	for k := range len(r.Cycles) + 1 {
		if k > 0 {
			for _, n := range r.Cycles[k-1].Doses {
				dose += float64(n)
			}
			if leak != nil {
				kept += float64(leak[k-1])
			}
		}
		p := verdict.Point{Seconds: 7 * float64(k), Cycle: k, Dose: dose}
		at := func(v float64) verdict.Point { p.Value = v; return p }
		heap.Points = append(heap.Points, at(2_400_000+412*kept+float64(k*7919%13)*900))
		goroutines.Points = append(goroutines.Points, at(9))
		members.Points = append(members.Points, at(kept))
		sessions.Points = append(sessions.Points, at(0))
	}
	return []verdict.Series{heap, goroutines, members, sessions}
}

// trendRun is a load test of a hub that nobody can see into.
func trendRun() verdict.Run {
	r := sampleRun()
	r.Name, r.Target, r.Command = "loadgen check", "wss://hub.example.org", "loadgen check --seed 0x5eed wss://hub.example.org"
	r.Cycles, r.Detectors, r.Series, r.Lives = nil, nil, nil, 24_000
	r.Scenarios = []verdict.Scenario{{Name: "rst", Planned: 12_000, Landed: 12_000}, {Name: "roam", Planned: 12_000, Landed: 12_000}}
	flat, grows := blocks("rst", 24, 1000, 0), blocks("roam", 24, 1000, 1.5)
	heap := verdict.Question{Series: "heap", Unit: verdict.Bytes, Step: 1024}
	networks := verdict.Question{Series: "networks", Class: verdict.Collection, Strict: true}
	for _, scenario := range []struct {
		name   string
		blocks []verdict.Block
	}{{"rst", flat}, {"roam", grows}} {
		heap.Scenario, networks.Scenario = scenario.name, scenario.name
		networkBlocks, heapBlocks := scenario.blocks, []verdict.Block{}
		for i, b := range networkBlocks {
			wave := func(i int) float64 { return float64((i*7919+13)%17) * 1700 }
			heapBlocks = append(heapBlocks, verdict.Block{Scenario: b.Scenario, Dose: b.Dose, Before: 90*b.Before + wave(i), After: 90*b.After + wave(i+1)})
		}
		r.Trends = append(r.Trends, verdict.Test(heap, heapBlocks), verdict.Test(networks, networkBlocks))
	}
	return r
}

// blocks alternates on and off blocks whose peers each leave so much behind.
func blocks(scenario string, n int, dose, perPeer float64) []verdict.Block {
	var list []verdict.Block
	level := 10.0
	for i := range n {
		b := verdict.Block{Before: level, After: level}
		if i%2 == 0 {
			b.Scenario, b.Dose, b.After = scenario, dose, level+dose*perPeer
		}
		level = b.After
		list = append(list, b)
	}
	return list
}

func ExampleJudge() {
	v := verdict.Judge(leakingRun())
	l := v.Leaks[0]
	fmt.Println(v.Outcome, l.Type, l.Source, l.Count, "of", l.Peers)
	// Output: leak *hub.session scenario rst 3027 of 3027
}

func ExampleTest() {
	ask := verdict.Question{Series: "heap", Scenario: "roam", Unit: verdict.Bytes, Matters: 64}
	var blocks []verdict.Block
	for pair := 1; ; pair++ {
		on := verdict.Block{Scenario: "roam", Dose: 1000, Before: 0, After: 90_000} // as it was read
		off := verdict.Block{Before: 90_000, After: 90_100}
		blocks = append(blocks, on, off)
		if t := verdict.Test(ask, blocks); t.Outcome != verdict.Inconclusive {
			fmt.Printf("%s after %d pairs: %.0f bytes per 1,000 peers\n", t.Outcome, pair, t.Retained)
			return
		}
	}
	// Output: leak after 3 pairs: 89900 bytes per 1,000 peers
}
