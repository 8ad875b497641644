package heap

import (
	"context"
	"reflect"
	"strings"
	"time"
	"unsafe"
)

// heapType is the type of a region from base on: a value of t, or a part of the runtime's
// implementation of t.
type heapType struct {
	t    reflect.Type
	role heapRole
	base int
}

type heapRole uint8

const (
	roleUnknown   heapRole = iota
	roleValue              // one t
	roleArray              // as many t as fit
	roleMap                // the header of a map t
	roleMapTables          // the directory of a map
	roleMapTable           // a table of a map
	roleMapGroups          // the keys and elements of a table
	roleChan               // the header of a channel t
	roleFunc               // a function and its captured variables
	roleTimer              // a time.Timer or time.Ticker
	roleTrie               // a node of a sync.Map
)

// isPart reports whether a region is part of a map, slice or channel.
func (r heapRole) isPart() bool {
	return r == roleArray || r >= roleMap && r <= roleChan || r == roleTrie
}

// pointee returns the type that a pointer, map, channel or function of type t points to.
func pointee(t reflect.Type) heapType {
	switch t.Kind() {
	case reflect.Pointer:
		if e := t.Elem(); e == reflect.TypeFor[time.Timer]() || e == reflect.TypeFor[time.Ticker]() {
			return heapType{t: e, role: roleTimer}
		}
		return heapType{t: t.Elem(), role: roleValue}
	case reflect.Map:
		return heapType{t: t, role: roleMap}
	case reflect.Chan:
		return heapType{t: t, role: roleChan}
	case reflect.Func:
		return heapType{t: t, role: roleFunc}
	}
	return heapType{}
}

// heapTypes has the types of objects. It begins with the known ones and follows their pointers.
type heapTypes struct {
	d         *heapDump
	byID      []heapType
	queue     []int
	processor reflect.Type // runtime.p, once one was found
	timer     reflect.Type // runtime.timer
	at        map[uint64]reflect.Type
	groups    map[reflect.Type]reflect.Type
	fields    map[reflect.Type][]reflect.StructField
	symbols   *heapSymbols
}

func newHeapTypes(d *heapDump, symbols *heapSymbols) *heapTypes {
	h := &heapTypes{d: d, byID: make([]heapType, len(d.objects)), at: map[uint64]reflect.Type{}, groups: map[reflect.Type]reflect.Type{},
		fields: map[reflect.Type][]reflect.StructField{}}
	h.symbols, symbols.heap = symbols, h
	for i := range d.objects {
		h.header(i)
	}
	return h
}

// of returns the type of an object, an unknown one for -1.
func (h *heapTypes) of(object int) heapType {
	if object < 0 {
		return heapType{}
	}
	return h.byID[object]
}

// Objects with pointers, between these sizes, begin with their type.
const (
	heapHeaderAbove = 512
	heapHeaderUpTo  = 32 << 10
	heapHeader      = 8
)

// start returns the offset of the value in an object.
func (h *heapTypes) start(m heapRegion) int {
	if m.size > heapHeaderAbove && m.size <= heapHeaderUpTo && h.d.raw[m.fields] != 0 {
		return heapHeader
	}
	return 0
}

// header sets the type of an object from its header. The header of an array has the type of the
// elements.
func (h *heapTypes) header(i int) {
	m := h.d.objects[i]
	if h.start(m) == 0 {
		return
	}
	t := h.typeAt(h.d.word(m, 0))
	if t == nil || int(t.Size())+heapHeader > m.size {
		return
	}
	role := roleValue
	if of := h.mapOfGroup(t); of != nil {
		t, role = of, roleMapGroups
	} else if 2*int(t.Size())+heapHeader <= m.size {
		role = roleArray
	}
	h.byID[i] = heapType{t, role, heapHeader}
	h.queue = append(h.queue, i)
	if h.processor == nil && t.String() == "runtime.p" {
		h.processor, h.timer = t, timerOf(t)
	}
}

// mapOfGroup returns the map type whose groups have a type, nil if there is none.
func (h *heapTypes) mapOfGroup(t reflect.Type) reflect.Type {
	of, ok := h.groups[t]
	if !ok {
		of = mapOfGroup(t)
		h.groups[t] = of
	}
	return of
}

func mapOfGroup(t reflect.Type) reflect.Type {
	if t.Kind() != reflect.Struct || !strings.HasPrefix(t.String(), "map.group[") || t.NumField() != 2 {
		return nil
	}
	slots := t.Field(1).Type
	if slots.Kind() != reflect.Array || slots.Elem().Kind() != reflect.Struct || slots.Elem().NumField() != 2 {
		return nil
	}
	key := slots.Elem().Field(0).Type
	if !key.Comparable() {
		return nil
	}
	return reflect.MapOf(key, slots.Elem().Field(1).Type)
}

// timerOf returns runtime.timer, the type of p.timers.heap[0].timer.
func timerOf(p reflect.Type) reflect.Type {
	for _, name := range []string{"timers", "heap", "timer"} {
		if p.Kind() == reflect.Slice {
			p = p.Elem()
		}
		f, ok := reflect.StructField{}, p.Kind() == reflect.Struct
		if ok {
			f, ok = p.FieldByName(name)
		}
		if !ok {
			return nil
		}
		p = f.Type
	}
	if p.Kind() != reflect.Pointer {
		return nil
	}
	return p.Elem()
}

func (h *heapTypes) isProcessor(object int) bool {
	return h.processor != nil && h.byID[object].t == h.processor
}

// seed sets the type of an object by its region.
func (h *heapTypes) seed(m heapRegion, t heapType) {
	if i := h.d.find(m.addr + uint64(t.base)); i >= 0 {
		h.learn(i, t)
	}
}

func (h *heapTypes) seedAt(addr uint64, pointer reflect.Type) {
	h.point(addr, pointee(pointer))
}

// point sets the type of the object at an address.
func (h *heapTypes) point(addr uint64, t heapType) {
	i := h.d.find(addr)
	if i < 0 || t.role == roleUnknown {
		return
	}
	m := h.d.objects[i]
	t.base = int(addr - m.addr)
	if t.role == roleArray {
		if size := int(t.t.Size()); size > 0 {
			start := h.start(m) // a slice may begin in the middle of its array
			t.base = start + (t.base-start)%size
		}
	}
	h.learn(i, t)
}

// learn sets the type of an object. A more specific type, or one of the whole object, replaces
// an earlier one.
func (h *heapTypes) learn(i int, t heapType) {
	switch old := h.byID[i]; {
	case old == t:
		return
	case old.role == roleUnknown, old.base > t.base:
	case old.base == t.base && old.role <= roleArray && t.role > roleArray:
	case old.base == t.base && old.role == roleValue && t.role == roleValue && t.t.Size() > old.t.Size():
	case old.base == t.base && old.role == roleValue && t.role == roleArray && old.t == t.t:
	default:
		return
	}
	h.byID[i] = t
	h.queue = append(h.queue, i)
}

// spread follows the pointers of all objects of known type.
func (h *heapTypes) spread(ctx context.Context) {
	w := heapWalk{h: h}
	for n := 0; len(h.queue) > 0; n++ {
		if n&0xfff == 0 && ctx.Err() != nil {
			return
		}
		last := len(h.queue) - 1
		i := h.queue[last]
		h.queue = h.queue[:last]
		m, t := h.d.objects[i], h.byID[i]
		for off, to := range h.d.pointers(m) {
			h.point(to, w.follow(t, m, off))
		}
	}
}

// dynamic returns the type that the value word of an interface points to, and the dynamic type,
// from its type word.
func (h *heapTypes) dynamic(empty bool, word uint64) (heapType, reflect.Type) {
	if !empty {
		word = h.d.itabs[word]
	}
	t := h.typeAt(word)
	if t == nil {
		return heapType{}, nil
	}
	direct := t // a struct or array of one pointer is stored as the pointer
	for {
		switch {
		case direct.Kind() == reflect.Struct && direct.NumField() == 1:
			direct = direct.Field(0).Type
			continue
		case direct.Kind() == reflect.Array && direct.Len() == 1:
			direct = direct.Elem()
			continue
		}
		break
	}
	if p := pointee(direct); p.role != roleUnknown {
		return p, t
	}
	if direct.Kind() == reflect.UnsafePointer {
		return heapType{}, t
	}
	return heapType{t: t, role: roleValue}, t
}

// typeAt returns the type whose descriptor is at an address, nil if there is none.
func (h *heapTypes) typeAt(addr uint64) reflect.Type {
	if !h.symbols.described.has(addr, 8) {
		return nil
	}
	t, ok := h.at[addr]
	if !ok {
		var v any
		(*[2]uintptr)(unsafe.Pointer(&v))[0] = uintptr(addr)
		t = reflect.TypeOf(v)
		h.at[addr] = t
	}
	return t
}
