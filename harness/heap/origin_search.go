package heap

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// originSearch looks for labels near objects.
type originSearch struct {
	*retainerSearch
	label      func(string) string
	barred     []bool         // by object: belongs to no scenario
	goroutines map[uint64]int // by address
	labels     map[string]string

	// Scratch of near, which is called for thousands of objects.
	seen  map[int]bool
	votes map[string]int
}

func newOriginSearch(s *retainerSearch, roots map[string]any, label func(string) string) (*originSearch, error) {
	o := &originSearch{
		retainerSearch: s, label: label, barred: slices.Clone(s.inner), goroutines: map[uint64]int{}, labels: map[string]string{},
		seen: map[int]bool{}, votes: map[string]int{},
	}
	for i, g := range s.d.goroutines {
		o.goroutines[g.addr] = i
	}
	hints, err := s.hints(roots)
	for _, r := range hints {
		if i := s.d.find(r.region.addr); i >= 0 {
			o.barred[i] = true
		}
		for _, to := range s.d.pointers(r.region) {
			if i := s.d.find(to); i >= 0 {
				o.barred[i] = true
			}
		}
	}
	return o, err
}

// shares divides a count among the scenarios of objects. It returns nil if too few have one.
func (o *originSearch) shares(made []heapRegion, count int64) map[string]int64 {
	labelled, asked := map[string]int64{}, int64(0)
	for _, m := range made {
		if o.types.of(o.d.find(m.addr)).role.isPart() {
			continue // part of a collection of many peers, which grew at this line
		}
		asked++
		if label := o.originOf(m); label != "" {
			labelled[label]++
		}
	}
	return verdict.Apportion(labelled, asked, count)
}

// originOf returns the label nearest to an object or goroutine.
func (o *originSearch) originOf(m heapRegion) string {
	if i, ok := o.goroutines[m.addr]; ok {
		g := o.d.goroutines[i]
		var frames []heapRegion
		for _, f := range g.frames {
			frames = append(frames, f.heapRegion)
		}
		if k := o.d.find(g.ctxt); k >= 0 {
			frames = append(frames, o.d.objects[k])
		}
		return o.near(frames, originDepth)
	}
	return cmp.Or(o.near([]heapRegion{m}, originDepth), o.above(m))
}

// Bounds of the search for the label of an object.
const (
	originDepth   = 4   // pointers from the object
	originWidth   = 256 // objects
	originHolders = 8   // holders of the object
	originHops    = 32  // hops of a path whose keys are read
)

// near returns the label that is the fewest pointers away from regions. Of several at one
// distance it returns the most frequent, "" for a tie.
func (o *originSearch) near(regions []heapRegion, depth int) string {
	seen, votes := o.seen, o.votes
	clear(seen)
	for range depth {
		clear(votes)
		var next []heapRegion
		for _, m := range regions {
			for off, to := range o.d.pointers(m) {
				i := o.d.find(to)
				if i < 0 || o.barred[i] {
					continue
				}
				if at := o.d.objects[i]; isText(o.d, at) {
					if label := o.read(m, off, at, to); label != "" {
						votes[label]++
					}
				} else if !seen[i] && len(seen) < originWidth {
					seen[i] = true
					next = append(next, at)
				}
			}
		}
		if len(votes) > 0 {
			return winner(votes)
		}
		regions = next
	}
	return ""
}

// isText reports whether an object has no pointers, as a text does.
func isText(d *heapDump, m heapRegion) bool { return d.raw[m.fields] == 0 }

// longestText bounds the bytes of a text that are searched for a label.
const longestText = 512

// read returns the label of the string or byte slice whose header is at an offset. For a slice
// of length 0 it reads up to the capacity.
func (o *originSearch) read(m heapRegion, off int, at heapRegion, to uint64) string {
	n, left := o.d.word(m, off+8), at.addr+uint64(at.size)-to
	if n == 0 {
		n = o.d.word(m, off+16)
	}
	if n == 0 || n > left {
		return ""
	}
	return o.labelOf(string(o.d.bytesOf(at)[to-at.addr:][:min(n, longestText)]))
}

// labelOf returns the label of a text. It caches labels, because many objects share a text.
func (o *originSearch) labelOf(text string) string {
	label, known := o.labels[text]
	if !known {
		label = o.label(text)
		o.labels[text] = label
	}
	return label
}

// above returns the nearest label on the path from a root to an object: of the object itself if
// it is a text, of texts near its holders, or of the keys of maps.
func (o *originSearch) above(m heapRegion) string {
	object := o.d.find(m.addr)
	if object < 0 {
		return ""
	}
	root, hops, ok := o.path(object, nil)
	if !ok {
		return ""
	}
	for i, hop := range slices.Backward(hops) {
		if hop.object < 0 || o.barred[hop.object] || i < len(hops)-originHolders {
			break
		}
		if i == len(hops)-1 && isText(o.d, m) {
			if label := o.read(hop.region, hop.off, m, o.d.word(hop.region, hop.off)); label != "" {
				return label
			}
		}
		if o.types.of(hop.object).role.isPart() { // of a collection of many peers
			continue
		}
		if label := o.near([]heapRegion{hop.region}, 1); label != "" {
			return label
		}
	}
	if len(hops) > originHops {
		return "" // a long list, whose names would take quadratic time
	}
	return o.keyed(o.name(root, hops).Path)
}

// keyed returns the label of the innermost key in a path that has one.
func (o *originSearch) keyed(path []verdict.Edge) string {
	for _, e := range slices.Backward(path) {
		for _, quoted := range slices.Backward(pathKeys.FindAllString(e.Field, -1)) {
			key, err := strconv.Unquote(strings.Trim(quoted, "[]"))
			if err != nil {
				continue
			}
			if label := o.labelOf(key); label != "" {
				return label
			}
		}
	}
	return ""
}

// winner returns the most frequent label, "" for a tie.
func winner(votes map[string]int) string {
	best, tie := "", false
	for _, label := range slices.Sorted(maps.Keys(votes)) {
		switch n := votes[label]; {
		case best == "" || n > votes[best]:
			best, tie = label, false
		case n == votes[best]:
			tie = true
		}
	}
	if tie {
		return ""
	}
	return best
}
