package heap

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/pigeonhub/pigeonhub/harness/stack"
	"github.com/pigeonhub/pigeonhub/harness/verdict"
)

// retainerName is how far a path is named: up to where it goes into an object.
type retainerName struct {
	root   *retainerRoot
	path   []verdict.Edge
	edge   verdict.Edge // the last, as far as it goes
	t      heapType     // of what the path has come to
	led    bool         // the way here says what this is
	stored verdict.Site
}

// name turns the path from a root into edges: one for the root, and one for each
// object that is a value of its own. What a map, slice or channel consists of is
// told as part of the field that has it. There is one way to each object, so
// what leads to thousands that were kept by the same thing is named once.
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

// A path of more edges than longestPath lacks those in its middle, so that what leads to
// each of n objects in a chain takes no memory for n*n edges.
const (
	longestPath = 32
	elided      = "..."
	repeated    = " (repeated)"
)

// push appends an edge. An edge that repeats the one before, as in a linked list, marks
// that one instead.
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
		n.path = slices.Concat(n.path[:middle], []verdict.Edge{{Holder: elided}}, n.path[middle+2:])
	}
}

// isRepeated reports whether an edge is the same as the last of a path but for its keys.
func isRepeated(last, e verdict.Edge) bool {
	last.Field = strings.TrimSuffix(last.Field, repeated)
	return e.Field != "" && Normal([]verdict.Edge{last})[0] == Normal([]verdict.Edge{e})[0]
}

// isNamed reports whether the path to an object has been named.
func (s *retainerSearch) isNamed(object int) bool {
	_, ok := s.named[object]
	return ok
}

// nameHop goes on through a hop.
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

// inSlice rewrites the index of an element that a slice leads to: elements count
// from where the slice begins, and may lie outside of it.
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

// based says where in its object the thing begins that a hop points to.
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

// known returns the type of what a hop goes through: what the way there says, or
// what others know, or what it looks like.
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

// isEntry reports whether a word is the address of a function: a closure begins
// with that.
func isEntry(word uint64) bool {
	f := runtime.FuncForPC(uintptr(word))
	return f != nil && uint64(f.Entry()) == word
}

// holder is the edge of an object on the way.
func (s *retainerSearch) holder(t heapType, hop retainerHop) verdict.Edge {
	e := verdict.Edge{Holder: holderName(t, hop.region)}
	if t.role == roleFunc {
		entry := s.d.word(hop.region, t.base)
		if f := runtime.FuncForPC(uintptr(entry)); f != nil {
			e.Holder = "func " + shortFunction(f.Name())
			file, line := f.FileLine(uintptr(entry))
			e.Site = verdict.Site{Function: f.Name(), File: file, Line: line}
		}
		return e
	}
	e.Site = s.d.born(hop.region)
	return e
}

// holderName names what is in a region: by its type, or by its size.
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

// rootEdge is the first edge of a path. That of a variable depends on the pointer.
func (s *retainerSearch) rootEdge(root *retainerRoot) (verdict.Edge, heapType) {
	if root.stack != nil {
		return frameEdge(root.goroutine, root.stack), root.typ
	}
	return root.edge, root.typ
}

// variableEdge names the package variable that a pointer is in.
func (s *retainerSearch) variableEdge(hop retainerHop) (verdict.Edge, heapType) {
	v, ok := s.symbols.variable(hop.region.addr + uint64(hop.off))
	if !ok {
		return verdict.Edge{Holder: "a package variable"}, heapType{}
	}
	e := verdict.Edge{Holder: "var " + shortFunction(v.name)}
	if v.t == nil {
		return e, heapType{}
	}
	return e, heapType{v.t, roleValue, int(v.addr - hop.region.addr)}
}

// variable is the edge for what is no heap object but a package variable itself.
func (s *retainerSearch) variable(addr uint64) verdict.Edge {
	if v, ok := s.symbols.variable(addr); ok {
		return verdict.Edge{Holder: "var " + shortFunction(v.name)}
	}
	return verdict.Edge{Holder: "a package variable"}
}

// frameEdge names a frame by the innermost function of the project's own that it
// belongs to, and where that is.
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
	return verdict.Edge{Holder: fmt.Sprintf("goroutine %d %s", goroutine, shortFunction(site.Function)), Site: site}
}

// siteOfPC returns the line at which a frame is.
func siteOfPC(f heapFrame) verdict.Site {
	frame, _ := runtime.CallersFrames([]uintptr{uintptr(f.pc)}).Next()
	if frame.Function == "" {
		return verdict.Site{Function: f.function}
	}
	return verdict.Site{Function: frame.Function, File: frame.File, Line: frame.Line}
}

// timerRoot rewrites the beginning of a path that leads through the timers of a
// processor.
func timerRoot(path []verdict.Edge) {
	if len(path) == 0 {
		return
	}
	path[0].Holder = "runtime"
	if rest, ok := strings.CutPrefix(path[0].Field, "timers.heap"); ok {
		path[0] = verdict.Edge{Holder: "runtime timers", Field: strings.TrimSuffix(rest, ".timer")}
	}
}

// shortFunction cuts the path of the package from a name.
func shortFunction(name string) string {
	path, _, _ := strings.Cut(name, "[") // not in the arguments of a generic one
	return name[strings.LastIndexByte(path, '/')+1:]
}
