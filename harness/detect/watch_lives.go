package detect

import (
	"reflect"
	"runtime"
	"strings"
	"weak"
)

// watchLife is one object.
type watchLife struct {
	at      weak.Pointer[byte]
	label   string
	closing *watchClosing // nil unless it must be closed
	kind    uint32
	cycle   uint32
	born    uint32 // index of a stack plus 1, 0 for none
}

// watchKind is all objects of one type and scenario.
type watchKind struct {
	watchKey
	added    int64
	born     uint32   // a stack of one of them
	unclosed []int64  // collected and never closed, by cycle
	names    []string // of some of those
}

type watchKey struct {
	t        reflect.Type
	scenario string
}

// watchClosing is one opening of an object. All lives of the object share it until Closed.
type watchClosing struct {
	at     weak.Pointer[byte]
	addr   uintptr
	closed bool
}

type watchStack [12]uintptr

func (w *Watch) kindLocked(k watchKey) uint32 {
	i, ok := w.byKind[k]
	if !ok {
		k.scenario = strings.Clone(k.scenario)
		i = uint32(len(w.kinds))
		w.byKind[k] = i
		w.kinds = append(w.kinds, &watchKind{watchKey: k})
	}
	return i
}

// stackLocked returns the number of the stack that calls Add.
func (w *Watch) stackLocked() uint32 {
	var pcs watchStack
	n := runtime.Callers(4, pcs[:]) // Callers, stackLocked, add, Add
	i, ok := w.byStack[pcs]
	if !ok {
		w.stacks = append(w.stacks, append([]uintptr(nil), pcs[:n]...))
		i = uint32(len(w.stacks))
		w.byStack[pcs] = i
	}
	return i
}

// sweepLocked drops the lives of objects that were collected.
func (w *Watch) sweepLocked() {
	kept := w.lives[:0]
	for _, l := range w.lives {
		if l.alive() {
			kept = append(kept, l)
		} else {
			w.endLocked(l)
		}
	}
	clear(w.lives[len(kept):])
	w.lives = kept
}

// alive reports whether the object has not been collected. It is not inlined, so that no frame
// keeps the pointer.
//
//go:noinline
func (l *watchLife) alive() bool { return l.at.Value() != nil }

const watchNames = 5

// endLocked records the end of a collected object.
func (w *Watch) endLocked(l watchLife) {
	c := l.closing
	if c == nil || c.closed {
		return
	}
	if w.unclosed[c.addr] == c { // not another object that has the address now
		delete(w.unclosed, c.addr)
	}
	k := w.kinds[l.kind]
	for len(k.unclosed) <= int(l.cycle) {
		k.unclosed = append(k.unclosed, 0)
	}
	k.unclosed[l.cycle]++
	if len(k.names) < watchNames {
		k.names = append(k.names, l.label)
	}
}
