// Package sample has runs of leak tests for the tests of verdict and its writers.
package sample

import (
	"time"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// Scenarios are the scenarios of Clean, in its order.
var Scenarios = []string{"clean", "goodbye", "rst", "vanish", "early-close", "roam", "stall"}

// Doses are the peers of each scenario in each cycle: primes, no two of them alike in a
// cycle.
var Doses = [][]int64{
	{4999, 4973, 1009, 5501, 6007, 4507, 6637},
	{5003, 4987, 1009, 5503, 6011, 4513, 6653},
	{5009, 4993, 1009, 5507, 6029, 4517, 6659},
}

// Clean returns a run without a finding.
func Clean() verdict.Run {
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
	for i, name := range Scenarios {
		s := verdict.Scenario{Name: name}
		for k := range Doses {
			if i == 0 {
				r.Cycles = append(r.Cycles, verdict.Cycle{Doses: map[string]int64{}})
			}
			r.Cycles[k].Doses[name] = Doses[k][i]
			s.Landed += Doses[k][i]
		}
		s.Planned = s.Landed
		r.Lives += s.Landed
		r.Scenarios = append(r.Scenarios, s)
	}
	r.Series, r.Coverage = series(&r, nil), coverage()
	return r
}

// coverage returns the coverage of a suite that runs most of the hub.
func coverage() *verdict.Coverage {
	return &verdict.Coverage{
		Packages: []verdict.Covered{{Package: "hub", Statements: 2011, Ran: 1957}, {Package: "hub/wire", Statements: 640, Ran: 640}},
		Missed: []verdict.Missed{
			{
				Site: verdict.Site{Function: "github.com/pigeonhub/pigeonhub/hub.(*Hub).relieve", File: "hub/batch.go", Line: 83}, To: 106,
				Statements: 21, Whole: true, Releases: []string{"delete(h.dirty, s)", "s.queue.release()"},
			},
			{Site: verdict.Site{Function: "github.com/pigeonhub/pigeonhub/hub.(*session).fail", File: "hub/session.go", Line: 40}, To: 40, Statements: 1},
		},
	}
}

// Leaking returns the run of the design document: a peer whose connection is reset stays
// a member of its network.
func Leaking() verdict.Run {
	r := Clean()
	r.Coverage = nil
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
	r.Series = series(&r, perCycle)
	return r
}

// series returns the heap, the goroutines and two collections of a run, before the first
// cycle and after each.
func series(r *verdict.Run, leak []int64) []verdict.Series {
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

// Trends returns a load test of a hub that can be seen from outside only.
func Trends() verdict.Run {
	r := Clean()
	r.Name, r.Target, r.Command = "loadgen check", "wss://hub.example.org", "loadgen check --seed 0x5eed wss://hub.example.org"
	r.Cycles, r.Detectors, r.Series, r.Lives = nil, nil, nil, 24_000
	r.Scenarios = []verdict.Scenario{{Name: "rst", Planned: 12_000, Landed: 12_000}, {Name: "roam", Planned: 12_000, Landed: 12_000}}
	flat, grows := Blocks("rst", 24, 1000, 0), Blocks("roam", 24, 1000, 1.5)
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

// Blocks alternates on and off blocks. Each peer of an on block leaves perPeer behind.
func Blocks(scenario string, n int, dose, perPeer float64) []verdict.Block {
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

// Hostile returns a run with a leak of each state and with names that try to break the
// formats they are written in.
func Hostile() verdict.Run {
	r := Leaking()
	evil := `</title><script>alert(1)</script> | **b** ` + "`x`" + " \x1b[31m ]]> \"'&"
	r.Target = evil
	r.Findings[0].Path[1].Field = `["` + `<script>|` + `"]`
	r.Findings[2].Detail = evil
	r.Findings = append(r.Findings,
		verdict.Finding{Detector: "goroutines", Class: verdict.Goroutine, Type: "hub.(*session).write", Born: verdict.Site{Function: "hub.(*session).start", File: "/src/pigeonhub/hub/queue.go", Line: 12}, Count: 5, PerCycle: []int64{2, 1, 2}, Detail: "goroutine 7 [select]:\n" + evil},
		verdict.Finding{Detector: "subscriptions", Class: verdict.Subscription, Field: evil, Count: 6007 + 6011 + 6029, PerCycle: []int64{6007, 6011, 6029}},
		Cache(9000, 3000, 500),
	)
	r.Known = []verdict.Rule{{Class: verdict.Subscription, Reason: evil, Issue: "#12", Expires: r.Start.AddDate(0, 1, 0)}}
	r.Detectors = append(r.Detectors, verdict.Detector{Name: "goroutineleak", State: verdict.Off, Why: "this toolchain has no such profile"})
	r.Today = r.Start
	return r
}

// Invalid returns a run with a missing detector, an idle scenario and a control that was
// not caught.
func Invalid() verdict.Run {
	r := Leaking()
	r.Detectors[3] = verdict.Detector{Name: "goroutines", State: verdict.Missing, Why: "/debug/pprof answers 403", Do: "run the target with its debug pages on loopback"}
	r.Scenarios[1].Landed = 9000
	r.Controls[0].Caught = false
	r.Coverage = &verdict.Coverage{Why: "the test was not built with -cover", Do: "go test -coverpkg=./hub/... -covermode=atomic ./regress"}
	return r
}

// Soak returns a run with more points and more series than a chart can show.
func Soak() verdict.Run {
	r := Clean()
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

// A threshold of each outcome.
var (
	Held    = verdict.Threshold{Text: "lost==0", Outcome: verdict.Pass, Actual: "0"}
	Failed  = verdict.Threshold{Text: "p99(offer)<50ms", Outcome: verdict.Failed, Actual: "81ms"}
	Unknown = verdict.Threshold{Text: "p99(ping)<5ms", Outcome: verdict.Inconclusive, Actual: "4ms", Why: "the generator was saturated"}
)

// Thresholds returns a run without a leak and with a threshold of each outcome.
func Thresholds() verdict.Run {
	r := Clean()
	r.Thresholds = []verdict.Threshold{Held, Failed, Unknown}
	return r
}

// Cache returns a finding about a collection that grows, by so much in each cycle.
func Cache(perCycle ...int64) verdict.Finding {
	f := verdict.Finding{Detector: "census", Class: verdict.Collection, Field: "hub.Hub.cache", PerCycle: perCycle}
	for _, n := range perCycle {
		f.Count += n
	}
	return f
}
