package heap

import (
	"debug/dwarf"
	"go/token"
	"reflect"
	"unsafe"
)

// dwarfTypes converts types of DWARF to types of reflect. Most have a reference to their
// runtime type. A type that the program does not need at run time has none, and is built from
// its parts.
type dwarfTypes struct {
	data    *dwarf.Data
	symbols *heapSymbols
	usable  bool
	base    uint64                        // added to references to runtime types
	known   map[dwarf.Offset]reflect.Type // nil while a type is being built, which ends recursion
}

// Attributes that Go adds to DWARF: see cmd/internal/dwarf.
const (
	attrGoKind        = dwarf.Attr(0x2900)
	attrGoKey         = dwarf.Attr(0x2901)
	attrGoElem        = dwarf.Attr(0x2902)
	attrGoRuntimeType = dwarf.Attr(0x2904)
)

// at returns the type of an entry, nil if it is unknown.
func (d *dwarfTypes) at(off dwarf.Offset) reflect.Type {
	if t, ok := d.known[off]; ok || off == 0 || !d.usable {
		return t
	}
	d.known[off] = nil
	r := d.data.Reader()
	r.Seek(off)
	e, err := r.Next()
	if err != nil || e == nil {
		return nil
	}
	if d.known[off] = d.runtimeType(e); d.known[off] == nil {
		d.known[off] = d.make(e, r)
	}
	return d.known[off]
}

// runtimeType returns the type that an entry refers to.
func (d *dwarfTypes) runtimeType(e *dwarf.Entry) reflect.Type {
	ref, _ := e.Val(attrGoRuntimeType).(uint64)
	if ref == 0 {
		return nil
	}
	return d.symbols.heap.typeAt(ref + d.base)
}

func (d *dwarfTypes) attr(e *dwarf.Entry, a dwarf.Attr) reflect.Type {
	off, _ := e.Val(a).(dwarf.Offset)
	return d.at(off)
}

func (d *dwarfTypes) make(e *dwarf.Entry, r *dwarf.Reader) (t reflect.Type) {
	defer func() {
		if recover() != nil { // reflect rejects types that no compiler makes
			t = nil
		}
	}()
	kind, _ := e.Val(attrGoKind).(int64)
	switch reflect.Kind(kind) {
	case reflect.Pointer:
		if elem := d.attr(e, dwarf.AttrType); elem != nil {
			return reflect.PointerTo(elem)
		}
		return reflect.TypeFor[unsafe.Pointer]()
	case reflect.Slice:
		if elem := d.attr(e, attrGoElem); elem != nil {
			return reflect.SliceOf(elem)
		}
	case reflect.Map:
		return reflect.MapOf(d.attr(e, attrGoKey), d.attr(e, attrGoElem))
	case reflect.Chan:
		return reflect.ChanOf(reflect.BothDir, d.attr(e, attrGoElem))
	case reflect.Func:
		return reflect.TypeFor[func()]()
	case reflect.Interface:
		return d.iface(e, r)
	case reflect.Array:
		return d.array(e, r)
	case reflect.Struct:
		return d.structure(e, r)
	}
	if e.Tag == dwarf.TagTypedef {
		return d.attr(e, dwarf.AttrType)
	}
	size, _ := e.Val(dwarf.AttrByteSize).(int64)
	return reflect.ArrayOf(int(size), reflect.TypeFor[byte]())
}

// iface returns an interface type with methods or without. Which methods does not matter.
func (d *dwarfTypes) iface(e *dwarf.Entry, r *dwarf.Reader) reflect.Type {
	off, _ := e.Val(dwarf.AttrType).(dwarf.Offset)
	r.Seek(off)
	if s, err := r.Next(); err == nil && s != nil && s.Val(dwarf.AttrName) == "runtime.eface" {
		return reflect.TypeFor[any]()
	}
	return reflect.TypeFor[error]()
}

func (d *dwarfTypes) array(e *dwarf.Entry, r *dwarf.Reader) reflect.Type {
	elem := d.attr(e, dwarf.AttrType)
	for e.Children {
		c, err := r.Next()
		if err != nil || c == nil || c.Tag == 0 {
			break
		}
		if n, ok := c.Val(dwarf.AttrCount).(int64); ok {
			return reflect.ArrayOf(int(n), elem)
		}
	}
	return nil
}

// structure returns a struct with the same fields at the same offsets. A field of unknown type
// becomes a pointer.
func (d *dwarfTypes) structure(e *dwarf.Entry, r *dwarf.Reader) reflect.Type {
	var fields []reflect.StructField
	for e.Children {
		c, err := r.Next()
		if err != nil || c == nil || c.Tag == 0 {
			break
		}
		if c.Tag != dwarf.TagMember {
			continue
		}
		f := reflect.StructField{Type: d.attr(c, dwarf.AttrType)}
		if f.Type == nil {
			f.Type = reflect.TypeFor[unsafe.Pointer]() // a recursive type refers to itself by a pointer
		}
		if f.Name, _ = c.Val(dwarf.AttrName).(string); !token.IsExported(f.Name) {
			f.PkgPath = "p"
		}
		fields = append(fields, f)
	}
	return reflect.StructOf(fields)
}
