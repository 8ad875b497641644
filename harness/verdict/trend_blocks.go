package verdict

import "math"

// Block is a stretch of a run against a target that cannot be seen into: peers of
// one scenario were put through (on) or none were (off), they left, the target
// settled, and a series was read before and after.
type Block struct {
	Scenario string  // "" in an off block
	Dose     float64 // peers; 0 in an off block
	Before   float64
	After    float64
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
