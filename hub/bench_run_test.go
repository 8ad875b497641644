//go:build linux

package hub_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The benchmarks of this folder compare the hub with a naive one over the wire. Each is an experiment of seconds with a
// fresh server process, so b.N does not scale it: the body runs once per -count whatever -benchtime says, ns/op is wall
// time per unit of work, and everything else is the SERVER process per unit (-benchmem would show the client's
// allocations; allocs/x and B/x are the server's). The first metric of a benchmark is what x-naive is the ratio of.
//
//	PIGEONHUB_BENCH_ROUNDS=5   rounds of hub and naive in turn (3)
//	PIGEONHUB_BENCH_PROFILE=d  CPU profiles of every server process into d
const benchRoundsEnv = "PIGEONHUB_BENCH_ROUNDS"

// benchSample is one server's figures of one round, in order of importance.
type benchSample []benchMetric

type benchMetric struct {
	unit  string
	value float64
}

// benchScenario is one experiment. run measures one fresh server of a kind, or fails: a count that does not add up is
// an error, never a figure.
type benchScenario struct {
	rounds int // 0: PIGEONHUB_BENCH_ROUNDS
	run    func(kind string) (benchSample, error)
}

// benchPass holds all rounds of one -count pass: figures[kind][round].
type benchPass map[string][]benchSample

const (
	benchHub   = "hub"
	benchNaive = "naive"
)

// benchCompare runs the scenario as sub-benchmarks hub and naive. Whichever leaf is first in a pass makes all measurements of
// both, in turn, so that a drift of the machine meets both alike; the other leaf only reports.
func benchCompare(b *testing.B, s benchScenario) {
	var passes []benchPass
	for _, kind := range []string{benchHub, benchNaive} {
		done := 0
		b.Run(kind, func(b *testing.B) {
			if b.N == 1 { // testing starts every pass with N = 1, and may go on with more
				done++
			}
			if done > len(passes) {
				pass, err := s.measure()
				passes = append(passes, pass)
				if err != nil {
					b.Fatal(err)
				}
				recordSummary(strings.TrimSuffix(b.Name(), "/"+kind), pass)
			}
			if passes[done-1] == nil {
				b.Skip("this pass has failed")
			}
			passes[done-1].report(b, kind)
		})
	}
}

func (s benchScenario) measure() (benchPass, error) {
	rounds, err := benchRounds(s.rounds)
	if err != nil {
		return nil, err
	}
	pass := benchPass{}
	kinds := []string{benchHub, benchNaive}
	if rand.IntN(2) == 1 {
		slices.Reverse(kinds)
	}
	for round := range rounds {
		for _, kind := range kinds {
			sample, err := s.run(kind)
			if err != nil {
				return nil, fmt.Errorf("%s, round %d: %w", kind, round+1, err)
			}
			pass[kind] = append(pass[kind], sample)
		}
		slices.Reverse(kinds) // alternate which server runs first
	}
	return pass, nil
}

// benchRounds is how many rounds to run. A quick figure that hardly varies asks for fewer.
func benchRounds(fixed int) (int, error) {
	if fixed > 0 {
		return fixed, nil
	}
	s := os.Getenv(benchRoundsEnv)
	if s == "" {
		if testing.Short() {
			return 1, nil
		}
		return 3, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%s=%q: want a positive number", benchRoundsEnv, s)
	}
	return n, nil
}

func (p benchPass) report(b *testing.B, kind string) {
	b.ReportMetric(0, "ns/op") // hidden, unless the scenario has its own
	for i, m := range p[kind][0] {
		b.ReportMetric(benchMedian(p.values(kind, i)), m.unit)
	}
	if kind == benchHub {
		b.ReportMetric(benchMedian(p.ratios(0)), "x-naive")
	}
}

func (p benchPass) values(kind string, metric int) []float64 {
	var out []float64
	for _, sample := range p[kind] {
		out = append(out, sample[metric].value)
	}
	return out
}

// ratios are hub / naive round by round; the median of these resists drift better than the ratio of two medians.
func (p benchPass) ratios(metric int) []float64 {
	var out []float64
	for round := range p[benchHub] {
		out = append(out, p[benchHub][round][metric].value/p[benchNaive][round][metric].value)
	}
	return out
}

func benchMedian(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
