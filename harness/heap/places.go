package heap

import (
	"cmp"
	"maps"
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
// leads to what holds the others.
func mostFrequent(list []Retainer) Retainer {
	count, first, most := map[string]int{}, map[string]Retainer{}, 0
	for _, r := range list {
		if r.Path == nil { // it was collected
			continue
		}
		key := PathKey(r.Path)
		if count[key]++; count[key] == 1 {
			first[key] = r
		}
		most = max(most, count[key])
	}
	maps.DeleteFunc(count, func(_ string, n int) bool { return 4*n < most })
	keys := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	if len(keys) == 0 {
		return Retainer{}
	}
	return first[keys[0]]
}
