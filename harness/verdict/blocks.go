package verdict

import (
	"math"
	"slices"
)

// Block is a stretch of a run against a target that cannot be seen into: peers of
// one scenario were put through (on) or none were (off), they left, the target
// settled, and a series was read before and after.
type Block struct {
	Scenario string  // "" in an off block
	Dose     float64 // peers; 0 in an off block
	Before   float64
	After    float64
}

// Floors reduces a sawtooth to its floors: the lowest reading since each garbage
// collection and before the next. Readings without a collection count are left as
// they are. A line through the teeth has called one healthy run in ten a leak.
func Floors(points []Point) []Point {
	var floors []Point
	for i, p := range points {
		last := len(floors) - 1
		same := i > 0 && p.Collections > 0 && p.Collections == points[i-1].Collections && p.Block == points[i-1].Block
		switch {
		case !same:
			floors = append(floors, p)
		case p.Value <= floors[last].Value:
			floors[last] = p
		}
	}
	return floors
}

// AtRest returns one point for each block: its lowest floor among the readings
// that were taken once all of the block's peers had been put through.
func AtRest(points []Point) []Point {
	var rest []Point
	for start := 0; start < len(points); {
		end := start + 1
		for end < len(points) && points[end].Block == points[start].Block {
			end++
		}
		block := points[start:end]
		full := block[len(block)-1].Dose
		block = slices.DeleteFunc(Floors(block), func(p Point) bool { return p.Dose < full })
		rest = append(rest, slices.MinFunc(block, func(a, b Point) int { return descending(b.Value, a.Value) }))
		start = end
	}
	return rest
}

// Blocks turns readings at rest, the first of them the baseline, into blocks of
// one scenario.
func Blocks(scenario string, rest []Point) []Block {
	var blocks []Block
	for i := 1; i < len(rest); i++ {
		b := Block{Dose: rest[i].Dose - rest[i-1].Dose, Before: rest[i-1].Value, After: rest[i].Value}
		if b.Dose > 0 {
			b.Scenario = scenario
		}
		blocks = append(blocks, b)
	}
	return blocks
}

// pair is an on block against an off block: what the peers changed beyond what
// changes anyway.
type pair struct {
	dose   float64
	change float64
}

// pairs sets the on blocks of a scenario against the off blocks, each in order.
// Background traffic, timers and slow drift are in both and cancel.
func pairs(scenario string, blocks []Block) []pair {
	var on, off []Block
	for _, b := range blocks {
		switch {
		case !readable(b):
		case b.Dose <= 0:
			off = append(off, b)
		case b.Scenario == scenario:
			on = append(on, b)
		}
	}
	list := make([]pair, min(len(on), len(off)))
	for i := range list {
		list[i] = pair{on[i].Dose, on[i].After - on[i].Before - (off[i].After - off[i].Before)}
	}
	return list
}

// perCycle is what each pair changed, in whole numbers.
func perCycle(list []pair) []int64 {
	counts := make([]int64, len(list))
	for i, p := range list {
		counts[i] = int64(math.Round(p.change))
	}
	return counts
}

func readable(b Block) bool {
	return !math.IsNaN(b.After-b.Before) && !math.IsInf(b.After-b.Before, 0)
}
