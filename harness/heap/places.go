package heap

import (
	"cmp"
	"slices"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// objectsOfPlace bounds the objects of a line whose path is searched.
const objectsOfPlace = 16

// retainersOf returns the most frequent retainer of each list of objects.
func (s *retainerSearch) retainersOf(lists [][]uint64) []Retainer {
	found := make([]Retainer, len(lists))
	for i, list := range lists {
		found[i] = mostFrequent(s.retainers(list))
	}
	return found
}

// madeAt returns the addresses of some objects of each line, at equal distances among all.
func (d *heapDump) madeAt(lines []verdict.Site) [][]uint64 {
	index := map[codeLine][]int{} // several findings may be about one line
	for i, l := range lines {
		index[codeLine{l.File, l.Line}] = append(index[codeLine{l.File, l.Line}], i)
	}
	all := make([][]uint64, len(lines))
	for _, sample := range d.samples {
		if k := d.find(sample.object); k >= 0 {
			born := d.born(d.objects[k])
			if born.File == "" {
				continue // its line is unknown
			}
			for _, i := range index[codeLine{born.File, born.Line}] {
				all[i] = append(all[i], sample.object)
			}
		}
	}
	for i, list := range all {
		all[i] = spread(list, objectsOfPlace)
	}
	return all
}

// mostFrequent returns the retainer with the most frequent path, where keys do not count. Of
// all paths that are at least a quarter as frequent, it returns the shortest, because that one
// leads to what holds the others. A path counts only if its root, such as a function of
// goroutines, holds at least a quarter as many objects as the root that holds most: a few
// objects of a line may be at rest in the target itself.
func mostFrequent(list []Retainer) Retainer {
	list = slices.DeleteFunc(slices.Clone(list), func(r Retainer) bool { return len(r.Path) == 0 }) // it was collected
	list = frequent(list, func(r Retainer) string { return Normal(r.Path[:1])[0].Holder })
	list = frequent(list, func(r Retainer) string { return PathKey(r.Path) })
	if len(list) == 0 {
		return Retainer{}
	}
	return slices.MinFunc(list, func(a, b Retainer) int {
		x, y := PathKey(a.Path), PathKey(b.Path)
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	})
}

// frequent returns the retainers whose key is at least a quarter as frequent as the most
// frequent one.
func frequent(list []Retainer, key func(Retainer) string) []Retainer {
	count, most := map[string]int{}, 0
	for _, r := range list {
		count[key(r)]++
		most = max(most, count[key(r)])
	}
	return slices.DeleteFunc(list, func(r Retainer) bool { return 4*count[key(r)] < most })
}
