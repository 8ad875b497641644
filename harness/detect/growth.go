package detect

// perCycle returns by how much the level of something grew in each cycle.
func perCycle[T any](base T, cycles []T, level func(T) int64) []int64 {
	var growth []int64
	before := level(base)
	for _, c := range cycles {
		growth = append(growth, level(c)-before)
		before = level(c)
	}
	return growth
}

func sum(ns []int64) (total int64) {
	for _, n := range ns {
		total += n
	}
	return total
}
