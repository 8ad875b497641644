package heap

import (
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

// heapWalk finds the type that a pointer points to from its offset in a region of known type. If
// names is set, it writes the steps to the pointer there: .field, ["key"], [3], .(type).
type heapWalk struct {
	h       *heapTypes
	symbols *heapSymbols
	names   *strings.Builder
}

func (w *heapWalk) name(parts ...string) {
	if w.names != nil {
		for _, p := range parts {
			w.names.WriteString(p)
		}
	}
}

// follow returns the type that the pointer at an offset of a region points to.
func (w *heapWalk) follow(t heapType, m heapRegion, off int) heapType {
	at := off - t.base
	if t.role == roleUnknown || at < 0 {
		return heapType{}
	}
	switch t.role {
	case roleValue:
		return w.word(t.t, m, t.base, at)
	case roleArray:
		size := int(t.t.Size())
		if size == 0 {
			return heapType{}
		}
		if w.names != nil {
			w.name("[", strconv.Itoa(at/size), "]")
		}
		return w.word(t.t, m, off-at%size, at%size)
	case roleMap:
		return w.mapHead(t, m, at)
	case roleMapTables:
		return heapType{t: t.t, role: roleMapTable}
	case roleMapTable:
		if at == mapTableGroups {
			return heapType{t: t.t, role: roleMapGroups}
		}
	case roleMapGroups:
		return w.mapSlot(t.t, m, off, at)
	case roleChan:
		if at == chanBuffer {
			return heapType{t: t.t.Elem(), role: roleArray}
		}
	case roleFunc:
		return w.captured(m, t.base, at)
	case roleTimer:
		if at < timerInner {
			return w.word(t.t, m, t.base, at)
		}
		if w.h.timer != nil {
			return w.word(w.h.timer, m, t.base+timerInner, at-timerInner)
		}
	case roleTrie:
		return w.trie(t, m, t.base, at)
	}
	return heapType{}
}

// word follows the word at offset at of a value of type t, which is at base in the region.
func (w *heapWalk) word(t reflect.Type, m heapRegion, base, at int) heapType {
	for at < int(t.Size()) {
		switch t.Kind() {
		case reflect.Struct:
			switch {
			case t == trieType:
				return heapType{t: t, role: roleTrie}
			case t.PkgPath() == "sync/atomic" && strings.HasPrefix(t.Name(), "Pointer["):
				return pointee(t.Field(0).Type.Elem()) // [0]*T
			}
			f, ok := w.h.field(t, at)
			if !ok {
				return heapType{}
			}
			if t != syncMapType {
				w.name(".", f.Name)
			}
			t, base, at = f.Type, base+int(f.Offset), at-int(f.Offset)
		case reflect.Array:
			t = t.Elem()
			i := at / int(t.Size())
			if w.names != nil {
				w.name("[", strconv.Itoa(i), "]")
			}
			base, at = base+i*int(t.Size()), at%int(t.Size())
		case reflect.Interface:
			if at != 8 {
				return heapType{}
			}
			to, dynamic := w.h.dynamic(t.NumMethod() == 0, w.h.d.word(m, base))
			if dynamic != nil && w.names != nil {
				w.name(".(", dynamic.String(), ")")
			}
			return to
		case reflect.Slice:
			return heapType{t: t.Elem(), role: roleArray}
		default:
			return pointee(t)
		}
	}
	return heapType{}
}

// field returns the field of a struct that contains an offset.
func (h *heapTypes) field(t reflect.Type, at int) (reflect.StructField, bool) {
	fields, ok := h.fields[t]
	if !ok {
		fields = make([]reflect.StructField, t.NumField())
		for i := range fields {
			fields[i] = t.Field(i)
		}
		h.fields[t] = fields
	}
	for _, f := range fields {
		if at >= int(f.Offset) && at < int(f.Offset+f.Type.Size()) {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// Offsets and sizes in types of the runtime, for 64 bits. See triedReleases.
const (
	mapDirectory   = 16 // internal/runtime/maps.Map.dirPtr
	mapDirLen      = 24
	mapTableGroups = 16 // internal/runtime/maps.table.groups
	mapSlots       = 8  // in a group, which the control word begins
	mapGroupSlots  = 8
	mapIndirect    = 128 // larger keys and elements are behind a pointer
	chanBuffer     = 16  // runtime.hchan.buf
	timerInner     = 16  // runtime.timeTimer.timer
)

func (w *heapWalk) mapHead(t heapType, m heapRegion, at int) heapType {
	if at != mapDirectory {
		return heapType{}
	}
	if w.h.d.word(m, t.base+mapDirLen) == 0 {
		return heapType{t: t.t, role: roleMapGroups}
	}
	return heapType{t: t.t, role: roleMapTables}
}

// mapSlotOf returns the layout of a slot of a map type, as the compiler has it.
func mapSlotOf(t reflect.Type) (key, elem reflect.Type, elemAt, size int) {
	key, elem = t.Key(), t.Elem()
	if key.Size() > mapIndirect {
		key = reflect.PointerTo(key)
	}
	if elem.Size() > mapIndirect {
		elem = reflect.PointerTo(elem)
	}
	up := func(n, align int) int { return (n + align - 1) / align * align }
	elemAt = up(int(key.Size()), elem.Align())
	size = elemAt + int(elem.Size())
	if elem.Size() == 0 {
		size++ // a pointer to the element stays inside of the group
	}
	return key, elem, elemAt, up(size, max(key.Align(), elem.Align()))
}

// mapSlot follows a pointer in a key or element of a group of a map.
func (w *heapWalk) mapSlot(t reflect.Type, m heapRegion, off, at int) heapType {
	key, elem, elemAt, size := mapSlotOf(t)
	group := mapSlots + mapGroupSlots*size
	if at %= group; at < mapSlots {
		return heapType{}
	}
	at = (at - mapSlots) % size
	base := off - at
	if at < elemAt {
		w.name("[key]")
		return w.word(key, m, base, at)
	}
	if w.names != nil {
		w.name("[", w.h.key(key, w.h.d.bytesOf(m)[base:]), "]")
	}
	return w.word(elem, m, base+elemAt, at-elemAt)
}

// A sync.Map is a tree of inner nodes and entries.
var (
	syncMapType = reflect.TypeFor[sync.Map]()
	trieType    = func() reflect.Type {
		if f, ok := syncMapType.FieldByName("m"); ok && f.Type.Kind() == reflect.Struct {
			return f.Type
		}
		return nil
	}()
)

// trieEntry is internal/sync.entry[any, any].
type trieEntry struct {
	_          bool           // isEntry
	_          unsafe.Pointer // overflow
	key, value any
}

func (w *heapWalk) trie(t heapType, m heapRegion, base, at int) heapType {
	if w.h.d.word(m, base)&0xff == 0 {
		return t // an inner node
	}
	var e trieEntry
	key, value := int(unsafe.Offsetof(e.key)), int(unsafe.Offsetof(e.value))
	a := reflect.TypeFor[any]()
	switch {
	case at < key:
		return t
	case at < value:
		w.name("[key]")
		return w.word(a, m, base+key, at-key)
	}
	if w.names != nil {
		w.name("[", w.h.key(a, w.h.d.bytesOf(m)[base+key:]), "]")
	}
	return w.word(a, m, base+value, at-value)
}

// captured follows a pointer in a captured variable of a function, or in the receiver of a method
// value.
func (w *heapWalk) captured(m heapRegion, base, at int) heapType {
	if w.symbols == nil {
		return heapType{}
	}
	v, ok := w.symbols.captured(w.h.d.word(m, base), at)
	if !ok {
		return heapType{}
	}
	if v.name != "" {
		w.name(".", v.name)
	}
	if v.t == nil {
		return heapType{}
	}
	return w.word(v.t, m, base+int(v.addr), at-int(v.addr))
}
