package source

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// fieldRef is a field of a struct: a number, a keeper of a number, or a collection.
type fieldRef struct {
	root, owner reflect.Type
	name        string
	keeper      reflect.Type  // the type of the field, if only its methods change the number
	in          reflect.Value // the struct of type owner; invalid if a pointer on the way is nil
}

// field returns the field that a gauge is named after. The name begins with the type or the
// name of a root. Fields follow.
func (c *Counters) field(gauge string) (fieldRef, bool) {
	for _, name := range slices.Sorted(maps.Keys(c.Roots)) {
		root := structOf(reflect.TypeOf(c.Roots[name]))
		if root == nil {
			continue
		}
		for _, prefix := range []string{root.String(), name} {
			path, ok := strings.CutPrefix(gauge, prefix+".")
			if !ok {
				continue
			}
			if f, ok := counterIn(root, structIn(reflect.ValueOf(c.Roots[name])), path); ok {
				f.root = root
				return f, true
			}
		}
	}
	return fieldRef{}, false
}

// structOf returns the struct that a type is or points to, or nil.
func structOf(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// structIn returns the struct that a value is or points to, an invalid value for nil.
func structIn(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	return v
}

// counterIn follows fields to a number. A struct with one number stands for that number,
// and a keeper for the number that its methods keep. v is the value of type t, which may be
// invalid.
func counterIn(t reflect.Type, v reflect.Value, path string) (fieldRef, bool) {
	name, rest, more := strings.Cut(path, ".")
	f, ok := t.FieldByName(name)
	if !ok {
		return fieldRef{}, false
	}
	for _, i := range f.Index[:len(f.Index)-1] { // through embedded structs
		t, v = structOf(t.Field(i).Type), fieldOfValue(v, i)
	}
	in := structOf(f.Type)
	switch {
	case !more && isNumber(f.Type):
		return fieldRef{owner: t, name: name, in: v}, t.Name() != ""
	case in == nil:
		return fieldRef{}, false
	case more:
		return counterIn(in, fieldOfValue(v, f.Index[len(f.Index)-1]), rest)
	case in.PkgPath() == t.PkgPath() && isKeeper(in):
		return fieldRef{owner: t, name: name, keeper: in, in: v}, t.Name() != ""
	}
	only := ""
	for i := range in.NumField() {
		if !isNumber(in.Field(i).Type) {
			continue
		}
		if only != "" {
			return fieldRef{}, false
		}
		only = in.Field(i).Name
	}
	return fieldRef{owner: in, name: only}, only != "" && in.Name() != ""
}

func fieldOfValue(v reflect.Value, i int) reflect.Value {
	if !v.IsValid() {
		return v
	}
	return structIn(v.Field(i))
}

// isNumber reports whether a type is a number, an atomic one included.
func isNumber(t reflect.Type) bool {
	if t.PkgPath() == "sync/atomic" {
		return strings.HasPrefix(t.Name(), "Int") || strings.HasPrefix(t.Name(), "Uint")
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

// numberIn returns the value of a number, 0 if v is none.
func numberIn(v reflect.Value) float64 {
	switch {
	case v.CanInt():
		return float64(v.Int())
	case v.CanUint():
		return float64(v.Uint())
	case v.CanFloat():
		return v.Float()
	}
	if !v.CanAddr() {
		return 0
	}
	switch n := reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Interface().(type) {
	case *atomic.Int32:
		return float64(n.Load())
	case *atomic.Int64:
		return float64(n.Load())
	case *atomic.Uint32:
		return float64(n.Load())
	case *atomic.Uint64:
		return float64(n.Load())
	}
	return 0
}

// isKeeper reports whether a struct has a name and consists of numbers, and the lock that
// guards them: its methods keep a count in them.
func isKeeper(t reflect.Type) bool {
	numbers := 0
	for i := range t.NumField() {
		switch f := t.Field(i).Type; {
		case isNumber(f):
			numbers++
		case f != reflect.TypeFor[sync.Mutex]() && f != reflect.TypeFor[sync.RWMutex]():
			return false
		}
	}
	return numbers > 0 && t.Name() != ""
}
