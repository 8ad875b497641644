package detect

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Count returns the sizes of all collections by path.
func (c *Census) Count(ctx context.Context) (map[string]Size, error) {
	if len(c.Roots) == 0 {
		return nil, errors.New("census: no roots")
	}
	w := censusWalk{
		stop: c.Stop, label: c.Label, left: c.MaxValues, ctx: ctx,
		seen: map[censusRef]bool{}, sizes: map[string]Size{}, next: map[*censusPath][]reflect.Value{},
		leads: map[reflect.Type]bool{},
	}
	if w.left == 0 {
		w.left = 20_000_000
	}
	if err := w.addRoots(c.Roots); err != nil {
		return nil, err
	}
	if c.Lock != nil {
		c.Lock.Lock()
		defer c.Lock.Unlock()
	}
	if err := w.run(); err != nil {
		return nil, err
	}
	return w.sizes, nil
}

// censusWalk visits values level by level: first those that the roots refer to, then those
// that these refer to. Within a level it goes path by path, the shortest first, because the
// path that a shared value counts for must not depend on the order of a map.
type censusWalk struct {
	ctx   context.Context
	stop  func(reflect.Type) bool
	label func(string) string
	left  int
	seen  map[censusRef]bool
	sizes map[string]Size
	next  map[*censusPath][]reflect.Value // references for the next level
	leads map[reflect.Type]bool           // types by which a collection can be reached
}

// censusRef identifies a visited value. Two slices may share an array, so their lengths
// belong to it.
type censusRef struct {
	at       unsafe.Pointer
	t        reflect.Type
	len, cap int
}

func (w *censusWalk) addRoots(roots map[string]any) error {
	types := map[reflect.Type]int{}
	for _, root := range roots {
		types[reflect.TypeOf(root)]++
	}
	for _, name := range slices.Sorted(maps.Keys(roots)) {
		v := reflect.ValueOf(roots[name])
		if v.Kind() != reflect.Pointer || v.IsNil() {
			return fmt.Errorf("census: root %q is a %T, want a pointer", name, roots[name])
		}
		p := &censusPath{text: v.Type().Elem().String(), step: censusStep{from: v.Type(), field: -100}}
		if types[v.Type()] > 1 {
			p.text += "(" + name + ")"
		}
		w.next[p] = append(w.next[p], v)
	}
	return nil
}

func (w *censusWalk) run() error {
	for len(w.next) > 0 {
		level := w.next
		w.next = map[*censusPath][]reflect.Value{}
		paths := slices.SortedFunc(maps.Keys(level), func(a, b *censusPath) int {
			return cmp.Or(cmp.Compare(len(a.text), len(b.text)), strings.Compare(a.text, b.text))
		})
		for _, p := range paths {
			for i, v := range level[p] {
				if i&1023 == 0 && w.ctx.Err() != nil {
					return fmt.Errorf("census: %w", w.ctx.Err())
				}
				if w.left < 0 {
					return fmt.Errorf("census: more values than MaxValues, at %s", p.text)
				}
				w.follow(p, v)
			}
		}
	}
	return nil
}

// follow visits what a reference leads to, once.
func (w *censusWalk) follow(p *censusPath, v reflect.Value) {
	w.left--
	ref := censusRef{at: v.UnsafePointer(), t: v.Type()}
	if v.Kind() == reflect.Slice {
		ref.len, ref.cap = v.Len(), v.Cap()
	}
	if ref.at == nil || w.seen[ref] {
		return
	}
	w.seen[ref] = true
	switch v.Kind() {
	case reflect.Pointer:
		switch c := v.Interface().(type) {
		case *sync.Map:
			w.library(p, v.Type(), c.Range)
		case *list.List:
			w.library(p, v.Type(), func(yield func(k, v any) bool) {
				for e := c.Front(); e != nil && yield(nil, e.Value); e = e.Next() {
				}
			})
		default:
			w.value(p, v.Elem())
		}
	case reflect.Map:
		w.add(p.text, v.Len(), 0)
		w.labels(p.text, v)
		w.mapOf(p, v)
	case reflect.Slice:
		w.add(p.text, v.Len(), v.Cap())
		w.labels(p.text, v)
		if w.leadsOn(v.Type().Elem()) && !p.shut {
			elem, again := p.down(censusStep{from: v.Type(), field: stepElem}, "[*]")
			for i := range v.Len() {
				w.reach(elem, v.Index(i), again)
			}
		}
	case reflect.Chan:
		w.add(p.text, v.Len(), v.Cap())
	}
}

func (w *censusWalk) mapOf(p *censusPath, v reflect.Value) {
	keys, elems := w.leadsOn(v.Type().Key()), w.leadsOn(v.Type().Elem())
	if p.shut || !keys && !elems {
		return
	}
	elem, elemAgain := p.down(censusStep{from: v.Type(), field: stepElem}, "[*]")
	key, keyAgain := p.down(censusStep{from: v.Type(), field: stepKey}, "[key]")
	for it := v.MapRange(); it.Next(); {
		if elems {
			w.reach(elem, it.Value(), elemAgain)
		}
		if keys {
			w.reach(key, it.Key(), keyAgain)
		}
	}
}

// library visits the elements of a collection of the standard library.
func (w *censusWalk) library(p *censusPath, t reflect.Type, all iter.Seq2[any, any]) {
	elem, _ := p.down(censusStep{from: t, field: stepElem}, "[*]")
	key, _ := p.down(censusStep{from: t, field: stepKey}, "[key]")
	n := 0
	for k, v := range all {
		n++
		if key := reflect.ValueOf(k); w.label != nil && key.Kind() == reflect.String {
			w.labelled(p.text, key.String())
		}
		w.dynamic(elem, t, reflect.ValueOf(v))
		w.dynamic(key, t, reflect.ValueOf(k))
	}
	w.add(p.text, n, 0)
}

// reach continues with an element, field or key. A pointer to a value of the same kind, by
// recursion, counts as a link.
func (w *censusWalk) reach(p *censusPath, v reflect.Value, again bool) {
	if again && v.Kind() == reflect.Pointer && !v.IsNil() && !w.seen[censusRef{at: v.UnsafePointer(), t: v.Type()}] {
		w.add(p.text+"*", 1, 0)
	}
	w.value(p, v)
}

// value enters a value in place, and queues references for the next level.
func (w *censusWalk) value(p *censusPath, v reflect.Value) {
	if !w.leadsOn(v.Type()) {
		return
	}
	w.left--
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Chan:
		if !v.IsNil() {
			w.next[p] = append(w.next[p], v)
		}
	case reflect.Interface:
		if !v.IsNil() {
			w.dynamic(p, v.Type(), v.Elem())
		}
	case reflect.Array:
		elem, again := p.down(censusStep{from: v.Type(), field: stepElem}, "[*]")
		v = addressable(v)
		for i := range v.Len() {
			w.reach(elem, v.Index(i), again)
		}
	case reflect.Struct:
		w.structOf(p, addressable(v))
	}
}

// dynamic enters the value in an interface of type from.
func (w *censusWalk) dynamic(p *censusPath, from reflect.Type, v reflect.Value) {
	if v.IsValid() && w.leadsOn(v.Type()) {
		next, again := p.down(censusStep{from, stepDynamic, v.Type()}, ".("+v.Type().String()+")")
		w.reach(next, v, again)
	}
}

func (w *censusWalk) structOf(p *censusPath, v reflect.Value) {
	t := v.Type()
	switch {
	case isLibrary(t):
		w.next[p] = append(w.next[p], v.Addr())
		return
	case t.PkgPath() == "sync/atomic" && strings.HasPrefix(t.Name(), "Pointer["):
		w.atomicPointer(p, v)
		return
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if !w.leadsOn(f.Type) || t.PkgPath() == "context" && !contextFields[f.Name] {
			continue
		}
		next, again := p.down(censusStep{from: t, field: i}, "."+f.Name)
		next.shut = t.PkgPath() == "context" && f.Name == "children"
		w.reach(next, open(v.Field(i)), again)
	}
}

// contextFields are the fields of contexts that the walk visits: the parent, and the children,
// which it only counts.
var contextFields = map[string]bool{"Context": true, "c": true, "cancelCtx": true, "children": true}

// atomicPointer loads an atomic.Pointer[T], whose first field is a [0]*T.
func (w *censusWalk) atomicPointer(p *censusPath, v reflect.Value) {
	to := v.Type().Field(0).Type.Elem().Elem()
	at := atomic.LoadPointer((*unsafe.Pointer)(v.FieldByName("v").Addr().UnsafePointer()))
	if at != nil && w.leadsOn(to) {
		w.value(p, reflect.NewAt(to, at))
	}
}

// open returns a field, unexported or not, as a value that can be used.
func open(v reflect.Value) reflect.Value {
	if v.CanInterface() {
		return v
	}
	return reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
}

// addressable returns the value, or a copy that has an address. The fields of a copy refer to
// the same values.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}
