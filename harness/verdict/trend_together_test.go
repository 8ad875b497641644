package verdict_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// dozen are scenarios, as many as a load test may have.
var dozen = func() (names []string) {
	for i := range 12 {
		names = append(names, fmt.Sprintf("s%02d", i))
	}
	return names
}()

// keeping is pairs of blocks of a series that keeps so many for each peer of a scenario,
// and is off by up to noise each time it is read.
func keeping(cycles []verdict.Cycle, perPeer map[string]float64, noise int, rng *rand.Rand) []verdict.Block {
	level, last, list := 100.0, 100.0, []verdict.Block{}
	read := func() float64 { return level + float64(rng.IntN(noise+1)) }
	for _, c := range cycles {
		total := int64(0)
		for name, n := range c.Doses {
			total += n
			level += perPeer[name] * float64(n)
		}
		on := read()
		off := read()
		list = append(list, verdict.Block{Dose: float64(total), Before: last, After: on}, verdict.Block{Before: on, After: off})
		last = off
	}
	return list
}

// If several of many scenarios leak, TestTogether names those.
func TestTogetherFindsSeveral(t *testing.T) {
	t.Parallel()
	for _, want := range [][]string{{"s03"}, {"s03", "s07"}, {"s01", "s03", "s10"}} {
		rates := map[string]float64{}
		for _, name := range want {
			rates[name] = 1
		}
		cycles := verdict.Doses(dozen, 10, func(string) int { return 40 }, 5)
		q := verdict.Question{Series: "hubs", Class: verdict.Collection, Strict: true, Among: 5}
		got := verdict.TestTogether(q, keeping(cycles, rates, 0, rand.New(rand.NewPCG(1, 2))), cycles)
		of := slices.Sorted(maps.Keys(got.Together))
		if got.Scenario != "" {
			of = []string{got.Scenario}
		}
		if got.Outcome != verdict.Leaking || !slices.Equal(of, want) || got.Retained < 990 || got.Retained > 1010 {
			t.Errorf("%s of %v, %.0f per 1,000, want %v", got.Outcome, of, got.Retained, want)
		}
		r := verdict.Run{Lives: 1, Cycles: cycles, Trends: []verdict.Trend{got}}
		for _, name := range dozen {
			r.Scenarios = append(r.Scenarios, verdict.Scenario{Name: name, Planned: 1, Landed: 1})
		}
		v := verdict.Judge(r)
		if len(v.Leaks) != 1 || len(v.Leaks[0].Source.Shares) != len(want) || len(v.NotLeaking) != len(dozen)-len(want) {
			t.Errorf("%+v, not leaking %v", v.Leaks, v.NotLeaking)
		}
	}
}

// A few objects that are retained once, for the first peers of any scenario, do not hide the
// scenario that leaks.
func TestTogetherTellsTheSourceOfInexactCounts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		cycles := verdict.Doses(dozen, 10, func(string) int { return 40 }, seed)
		blocks := keeping(cycles, map[string]float64{"s01": 1, "s03": 1, "s10": 1}, 3, rand.New(rand.NewPCG(seed, 4)))
		for i := range blocks { // the first leaves five more
			blocks[i].After += 5
			if i > 0 {
				blocks[i].Before += 5
			}
		}
		r := verdict.Run{Lives: 1, Cycles: cycles}
		for _, name := range dozen {
			r.Scenarios = append(r.Scenarios, verdict.Scenario{Name: name, Planned: 1, Landed: 1})
		}
		r.Trends = []verdict.Trend{verdict.TestTogether(verdict.Question{Series: "networks", Class: verdict.Collection, Strict: true, Among: 5}, blocks, cycles)}
		v := verdict.Judge(r)
		if len(v.Leaks) != 1 || len(v.NotLeaking) != 9 || slices.Contains(v.NotLeaking, "s01") || slices.Contains(v.NotLeaking, "s10") {
			t.Errorf("seed %d: %+v, not leaking %v", seed, v.Leaks, v.NotLeaking)
		}
	}
}

// However many combinations are tried, and however often one looks, what comes and goes
// is no leak.
func TestTogetherErrors(t *testing.T) {
	t.Parallel()
	const runs = 100
	for _, noise := range []int{0, 1, 20} {
		alarms := 0
		for seed := range uint64(runs) {
			cycles := verdict.Doses(dozen, 10, func(string) int { return 40 }, seed)
			blocks := keeping(cycles, nil, noise, rand.New(rand.NewPCG(seed, 3)))
			for n := 4; n <= len(cycles); n += 2 {
				q := verdict.Question{Series: "hubs", Class: verdict.Collection, Strict: true}
				if verdict.TestTogether(q, blocks[:2*n], cycles[:n]).Outcome == verdict.Leaking {
					alarms++
					break
				}
			}
		}
		if alarms > 2 {
			t.Errorf("noise %d: %d false alarms in %d runs", noise, alarms, runs)
		}
	}
}
