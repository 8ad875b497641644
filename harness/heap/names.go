package heap

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// retainerName is the edges of a path up to an object.
type retainerName struct {
	root   *retainerRoot
	path   []verdict.Edge
	edge   verdict.Edge // the last edge, not complete yet
	t      heapType     // the type that the path leads to
	led    bool         // the type comes from the path
	stored verdict.Site
}

// name converts the path from a root to edges: one for the root, and one for each object that
// is a value of its own. The parts of a map, slice or channel belong to the edge of the field
// that holds it. The search has one path to each object, so name caches the edges up to an
// object that many paths share.
func (s *retainerSearch) name(root *retainerRoot, hops []retainerHop) Retainer {
	n, from := retainerName{root: root, led: true}, 0
	if root != nil {
		n.edge, n.t = s.rootEdge(root)
	}
	for i := len(hops) - 1; i > 0; i-- {
		if known, ok := s.named[hops[i].object]; ok {
			n, from = known, i
			break
		}
	}
	for i := from; i < len(hops); i++ {
		if i > 0 && hops[i].object >= 0 {
			n.path = slices.Clip(n.path)
			s.named[hops[i].object] = n
		}
		s.nameHop(&n, hops, i)
	}
	n.path = slices.Clone(n.path)
	if n.edge.Holder != "" {
		n.push(n.edge)
	}
	path := n.path
	if n.root.kind == rootRuntime {
		timerRoot(path)
	}
	return Retainer{Path: path, Stored: n.stored}
}

// A path of more than longestPath edges lacks those in its middle, so that the paths to n
// objects in a chain do not take memory for n*n edges.
const (
	longestPath = 32
	elided      = "..."
	repeated    = " (repeated)"
)

// push appends an edge. If the edge repeats the one before, as in a linked list, push marks that
// one instead.
func (n *retainerName) push(e verdict.Edge) {
	if last := len(n.path) - 1; last >= 0 && isRepeated(n.path[last], e) {
		if !strings.HasSuffix(n.path[last].Field, repeated) {
			n.path = slices.Clone(n.path)
			n.path[last].Field += repeated
		}
		return
	}
	const middle = longestPath / 2
	if n.path = append(n.path, e); len(n.path) > longestPath {
		n.path = slices.Concat(n.path[:middle], []verdict.Edge{{Kind: verdict.ElidedHolder, Holder: elided}}, n.path[middle+2:])
	}
}

// isRepeated reports whether an edge differs from the last one of a path only in its keys.
func isRepeated(last, e verdict.Edge) bool {
	last.Field = strings.TrimSuffix(last.Field, repeated)
	return e.Field != "" && Normal([]verdict.Edge{last})[0] == Normal([]verdict.Edge{e})[0]
}

// isNamed reports whether name has cached the path to an object.
func (s *retainerSearch) isNamed(object int) bool {
	_, ok := s.named[object]
	return ok
}

// nameHop adds a hop to the edges.
func (s *retainerSearch) nameHop(n *retainerName, hops []retainerHop, i int) {
	hop, root := hops[i], n.root
	if i == 0 && root.kind == rootVariable {
		n.edge, n.t = s.variableEdge(hop)
	} else {
		n.t = s.known(n.t, hop)
	}
	inside := n.t.role.isPart()
	if own := !inside || !n.led; i > 0 && own || n.edge.Holder == "" {
		if n.edge.Holder != "" {
			n.push(n.edge)
		}
		n.edge = s.holder(n.t, hop)
	}
	var names strings.Builder
	next := (&heapWalk{h: s.types, symbols: s.symbols, names: &names}).follow(n.t, hop.region, hop.off)
	text := names.String()
	if n.t.role == roleArray && n.led && i > 0 {
		text = s.inSlice(hops[i-1], hop, n.t, text)
	}
	if text == "" && (hop.object >= 0 || root.kind == rootFinalizer) && n.t.role == roleUnknown {
		text = fmt.Sprintf("+%#x", hop.off)
	}
	n.edge.Field = strings.TrimPrefix(n.edge.Field+text, ".")
	if n.stored = (verdict.Site{}); inside && hop.object >= 0 {
		n.stored = s.d.born(hop.region)
	}
	n.led = next.role != roleUnknown
	n.t = s.based(next, hop)
}

// inSlice rewrites the index of an element that a slice leads to. Indexes begin with the slice,
// not with its array, and may be outside of the slice.
func (s *retainerSearch) inSlice(slice, hop retainerHop, t heapType, text string) string {
	size := int(t.t.Size())
	if s.types.of(slice.object).role == roleChan || size == 0 {
		return text
	}
	_, field, _ := strings.Cut(text, "]")
	begin, length := s.d.word(slice.region, slice.off), int(s.d.word(slice.region, slice.off+8))
	at := int(hop.region.addr+uint64(hop.off)) - int(begin)
	switch i := at / size; {
	case at < 0:
		return fmt.Sprintf("[%d, before its start]%s", (at-size+1)/size, field)
	case i >= length:
		return fmt.Sprintf("[%d, beyond its length %d]%s", i, length, field)
	default:
		return fmt.Sprintf("[%d]%s", i, field)
	}
}

// based returns t with the offset in its object of the value that a hop points to.
func (s *retainerSearch) based(t heapType, hop retainerHop) heapType {
	to := s.d.word(hop.region, hop.off)
	if i := s.d.find(to); i >= 0 {
		t.base = int(to - s.d.objects[i].addr)
		if size := 0; t.role == roleArray {
			if size = int(t.t.Size()); size > 0 {
				start := s.types.start(s.d.objects[i])
				t.base = start + (t.base-start)%size
			}
		}
	}
	return t
}

// known returns the type of the region of a hop: the type by the path, or the type of the
// object, or a function if it begins with the address of one.
func (s *retainerSearch) known(t heapType, hop retainerHop) heapType {
	fits := t.role != roleUnknown && hop.off >= t.base
	if fits && t.role == roleValue && hop.off >= t.base+int(t.t.Size()) {
		fits = false
	}
	if fits {
		return t
	}
	if o := s.types.of(hop.object); o.role != roleUnknown {
		return o
	}
	if hop.object >= 0 && isEntry(s.d.word(hop.region, 0)) {
		return heapType{role: roleFunc}
	}
	return heapType{}
}

// isEntry reports whether a word is the address of a function, with which a closure begins.
func isEntry(word uint64) bool {
	f := runtime.FuncForPC(uintptr(word))
	return f != nil && uint64(f.Entry()) == word
}

// holder returns the edge of an object on the path, without a field.
func (s *retainerSearch) holder(t heapType, hop retainerHop) verdict.Edge {
	e := verdict.Edge{Kind: holderKind(t), Holder: holderName(t, hop.region)}
	if t.role == roleFunc {
		entry := s.d.word(hop.region, t.base)
		if f := runtime.FuncForPC(uintptr(entry)); f != nil {
			e.Kind, e.Holder = verdict.FunctionHolder, "func "+shortFunction(f.Name())
			file, line := f.FileLine(uintptr(entry))
			e.Site = verdict.Site{Function: f.Name(), File: file, Line: line}
		}
		return e
	}
	e.Site = s.d.born(hop.region)
	return e
}

func holderKind(t heapType) verdict.HolderKind {
	if t.role == roleUnknown {
		return verdict.UntypedHolder
	}
	return verdict.TypedHolder
}

// holderName returns the type of what is in a region, or its size if the type is unknown.
func holderName(t heapType, m heapRegion) string {
	switch t.role {
	case roleUnknown:
		return fmt.Sprintf("object of %d bytes", m.size)
	case roleArray:
		return "[]" + t.t.String()
	case roleValue, roleTimer:
		return "*" + t.t.String()
	case roleTrie:
		return "*sync.Map"
	case roleFunc:
		return "func"
	}
	return t.t.String()
}

// rootEdge returns the first edge of a path. variableEdge does so for package variables.
func (s *retainerSearch) rootEdge(root *retainerRoot) (verdict.Edge, heapType) {
	if root.stack != nil {
		return frameEdge(root.goroutine, root.stack), root.typ
	}
	return root.edge, root.typ
}

// variableEdge returns the edge and the type of the package variable that a pointer is in.
func (s *retainerSearch) variableEdge(hop retainerHop) (verdict.Edge, heapType) {
	v, ok := s.symbols.variable(hop.region.addr + uint64(hop.off))
	if !ok {
		return verdict.Edge{Kind: verdict.VariableHolder, Holder: "a package variable"}, heapType{}
	}
	e := verdict.Edge{Kind: verdict.VariableHolder, Holder: "var " + shortFunction(v.name)}
	if v.t == nil {
		return e, heapType{}
	}
	return e, heapType{v.t, roleValue, int(v.addr - hop.region.addr)}
}

// variable returns the edge of a package variable that is asked about itself.
func (s *retainerSearch) variable(addr uint64) verdict.Edge {
	if v, ok := s.symbols.variable(addr); ok {
		return verdict.Edge{Kind: verdict.VariableHolder, Holder: "var " + shortFunction(v.name)}
	}
	return verdict.Edge{Kind: verdict.VariableHolder, Holder: "a package variable"}
}

// frameEdge returns the edge of a frame: the innermost function of the project among the frame
// and its callers, and its line.
func frameEdge(goroutine uint64, frames []heapFrame) verdict.Edge {
	var site verdict.Site
	for i, f := range frames {
		at := siteOfPC(f)
		if i == 0 {
			site = at
		}
		if !stack.IsStandard(at) {
			site = at
			break
		}
	}
	return verdict.Edge{
		Kind: verdict.GoroutineHolder, Site: site,
		Holder: fmt.Sprintf("goroutine %d %s", goroutine, shortFunction(site.Function)),
	}
}

// siteOfPC returns the line of a frame.
func siteOfPC(f heapFrame) verdict.Site {
	frame, _ := runtime.CallersFrames([]uintptr{uintptr(f.pc)}).Next()
	if frame.Function == "" {
		return verdict.Site{Function: f.function}
	}
	return verdict.Site{Function: frame.Function, File: frame.File, Line: frame.Line}
}

// timerRoot rewrites the beginning of a path that leads through the timers of a processor.
func timerRoot(path []verdict.Edge) {
	if len(path) == 0 {
		return
	}
	path[0].Kind, path[0].Holder = verdict.RuntimeHolder, "runtime"
	if rest, ok := strings.CutPrefix(path[0].Field, "timers.heap"); ok {
		path[0] = verdict.Edge{Kind: verdict.TimersHolder, Holder: "runtime timers", Field: strings.TrimSuffix(rest, ".timer")}
	}
}

// shortFunction returns the name of a function without the path of its package.
func shortFunction(name string) string {
	path, _, _ := strings.Cut(name, "[") // not in type arguments
	return name[strings.LastIndexByte(path, '/')+1:]
}
