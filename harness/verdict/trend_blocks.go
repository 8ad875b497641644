package verdict

import "math"

// Block is a part of a run against a target that is seen from outside only. Peers of one
// scenario went through it and left (on block), or none did (off block). A series was read
// before it, and after it when the target had settled.
type Block struct {
	Scenario string  // "" in an off block
	Dose     float64 // peers; 0 in an off block
	Before   float64
	After    float64
}

// pair is an on block less an off block: the change that comes with the peers.
type pair struct {
	dose   float64
	change float64
}

// pairs pairs the on blocks of a scenario with the off blocks, in order. Background traffic,
// timers and slow drift are in both and cancel.
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

// rests returns how much the level rose from one off block to the next, with the peers that
// came in between. What a block leaves and the next one releases is not part of it.
func rests(scenario string, blocks []Block) []pair {
	var list []pair
	dose, level := 0.0, math.NaN()
	for _, b := range blocks {
		switch {
		case b.Dose > 0 && b.Scenario == scenario:
			dose += b.Dose
		case b.Dose > 0 || math.IsNaN(b.After) || math.IsInf(b.After, 0):
		case math.IsNaN(level):
			dose, level = 0, b.After
		case dose > 0:
			list = append(list, pair{dose, b.After - level})
			dose, level = 0, b.After
		}
	}
	return list
}

// perCycle returns the change of each pair, rounded.
func perCycle(list []pair) []int64 {
	counts := make([]int64, len(list))
	for i, p := range list {
		counts[i] = int64(math.Round(p.change))
	}
	return counts
}

// readable reports whether both readings of a block succeeded.
func readable(b Block) bool {
	return !math.IsNaN(b.After-b.Before) && !math.IsInf(b.After-b.Before, 0)
}
