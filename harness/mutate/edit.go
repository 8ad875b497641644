package mutate

import (
	"cmp"
	"go/token"
	"slices"
	"strings"
)

// edits are insertions into the files. None has a newline, so that each line of a mutated
// file has the number that it has in the original.
type edits struct {
	fset    *token.FileSet
	byFile  map[string][]insertion
	ordered int
	of      int // the mutant that inserts, 0 for several
}

// insertion puts text in front of the byte at offset. At one offset what ends comes before
// what begins; of two that end the inner one comes first, of two that begin the outer one.
type insertion struct {
	offset int
	ends   bool
	of     int // the mutant, 0 for several
	order  int // of the node in the walk, which comes to the outer one first
	text   string
}

func (e *edits) insert(at token.Pos, ends bool, text string) {
	where := e.fset.Position(at)
	e.ordered++
	e.byFile[where.Filename] = append(e.byFile[where.Filename], insertion{where.Offset, ends, e.of, e.ordered, text})
}

// wrap puts text around what is between two positions.
func (e *edits) wrap(from, to token.Pos, before, after string) {
	e.insert(from, false, before)
	e.insert(to, true, after)
}

// apply returns the source of a file with the insertions of the mutants that are wanted.
func (e *edits) apply(file string, source []byte, wanted func(mutant int) bool) []byte {
	var list []insertion
	for _, i := range e.byFile[file] {
		if i.of == 0 || wanted(i.of) {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b insertion) int {
		switch {
		case a.offset != b.offset:
			return cmp.Compare(a.offset, b.offset)
		case a.ends != b.ends && a.ends:
			return -1
		case a.ends != b.ends:
			return 1
		case a.ends:
			return cmp.Compare(b.order, a.order)
		}
		return cmp.Compare(a.order, b.order)
	})
	var b strings.Builder
	last := 0
	for _, i := range list {
		b.Write(source[last:i.offset])
		b.WriteString(i.text)
		last = i.offset
	}
	b.Write(source[last:])
	return []byte(b.String())
}
