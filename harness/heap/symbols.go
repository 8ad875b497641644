package heap

import (
	"bytes"
	"cmp"
	"debug/dwarf"
	"debug/elf"
	"encoding/binary"
	"reflect"
	"slices"
	"unsafe"
)

// heapSymbols has the names and types of package variables and of captured variables, if the
// binary has them. It loads them at the first use.
type heapSymbols struct {
	path           string
	symbols, dwarf bool         // whether the binary has them
	slide          uint64       // of a position-independent binary
	described      addressRange // of its type descriptors
	constants      addressRange // of its strings
	segments       []heapRegion
	heap           *heapTypes

	loaded    bool
	variables []heapVariable // by address
	data      *dwarf.Data
	units     map[dwarf.Offset]map[uint64]dwarf.Offset // functions by entry, of the units read so far
	functions map[uint64]dwarf.Offset                  // cache by entry; 0 if there is none
	captures  map[[2]uint64]heapVariable
	types     *dwarfTypes
}

// heapVariable is a package variable or a captured variable, whose address is its offset in the
// closure.
type heapVariable struct {
	name string
	addr uint64
	size uint64
	t    reflect.Type // nil if unknown

	entry dwarf.Offset // the entry that has the other fields
}

// isKnown reports whether there is such a variable. The receiver of a method value has no name.
func (v heapVariable) isKnown() bool { return v.name != "" || v.t != nil }

func (s *heapSymbols) tier() Tier {
	return Tier{Variables: s.dwarf, Symbols: s.symbols || s.dwarf}
}

// load reads the symbols of the binary. Nothing has a name without them.
func (s *heapSymbols) load() {
	if s.loaded {
		return
	}
	s.loaded = true
	if !s.symbols && !s.dwarf {
		return
	}
	f, err := elf.Open(s.path)
	if err != nil {
		return
	}
	defer f.Close()
	if data, err := f.DWARF(); s.dwarf && err == nil {
		s.data, s.units = data, map[dwarf.Offset]map[uint64]dwarf.Offset{}
		s.types = &dwarfTypes{data: data, symbols: s, known: map[dwarf.Offset]reflect.Type{}}
		if info, err := f.Section(".debug_info").Data(); err == nil {
			s.scan(info)
		}
		slices.SortFunc(s.variables, byAddress)
		s.types.usable = s.calibrate()
	} else if symbols, err := f.Symbols(); err == nil {
		for _, y := range symbols {
			if elf.ST_TYPE(y.Info) == elf.STT_OBJECT {
				s.variables = append(s.variables, heapVariable{name: y.Name, addr: y.Value + s.slide, size: y.Size})
			}
		}
	}
	slices.SortFunc(s.variables, byAddress)
}

func byAddress(a, b heapVariable) int { return cmp.Compare(a.addr, b.addr) }

// heapProbe is a package variable with a known name, address and type, for calibrate.
var heapProbe []*heapDump

// calibrate finds out how DWARF refers to type descriptors: by address, or since Go 1.26 by the
// distance from the first one. It reports false if it cannot, and then types stay unknown.
func (s *heapSymbols) calibrate() bool {
	at := uint64(uintptr(unsafe.Pointer(&heapProbe)))
	i, ok := slices.BinarySearchFunc(s.variables, at, func(v heapVariable, a uint64) int { return cmp.Compare(v.addr, a) })
	if !ok {
		return false
	}
	e := s.entry(s.variables[i].entry)
	if e == nil || e.Val(dwarf.AttrName) != packagePath+".heapProbe" {
		return false
	}
	typ, _ := e.Val(dwarf.AttrType).(dwarf.Offset)
	if e = s.entry(typ); e == nil {
		return false
	}
	ref, ok := e.Val(attrGoRuntimeType).(uint64)
	s.types.base = typeWord(heapProbe) - ref
	return ok && ref != 0
}

// entry returns the entry at an offset, nil if there is none.
func (s *heapSymbols) entry(at dwarf.Offset) *dwarf.Entry {
	r := s.data.Reader()
	r.Seek(at)
	e, err := r.Next()
	if err != nil {
		return nil
	}
	return e
}

// scan finds the package variables. Reading all entries takes a second in a large program. But
// the entry of a variable ends in its location, an opcode and an address. scan searches for
// these bytes, and read reads the entries that are needed.
func (s *heapSymbols) scan(info []byte) {
	for at := 0; ; {
		i := bytes.Index(info[at:], []byte{9, opAddr})
		if i < 0 || at+i+10 > len(info) {
			return
		}
		at += i
		addr := binary.LittleEndian.Uint64(info[at+2:]) + s.slide
		for _, m := range s.segments {
			if addr >= m.addr && addr < m.addr+uint64(m.size) {
				s.variables = append(s.variables, heapVariable{addr: addr, entry: dwarf.Offset(startOfName(info, at) - 1)})
			}
		}
		at += 2
	}
}

const opAddr = 3 // DW_OP_addr

// startOfName returns the offset of the zero-terminated name that ends before end.
func startOfName(info []byte, end int) int {
	for end -= 2; end >= 0 && info[end] >= ' '; {
		end--
	}
	return end + 1
}

// read reads the entry of a variable. It reports false if scan was wrong and there is none.
func (s *heapSymbols) read(v *heapVariable) bool {
	if v.name != "" {
		return true
	}
	e := s.entry(v.entry)
	if e == nil || e.Tag != dwarf.TagVariable {
		return false
	}
	location, _ := e.Val(dwarf.AttrLocation).([]byte)
	if len(location) != 9 || location[0] != opAddr || binary.LittleEndian.Uint64(location[1:])+s.slide != v.addr {
		return false
	}
	v.name, _ = e.Val(dwarf.AttrName).(string)
	typ, _ := e.Val(dwarf.AttrType).(dwarf.Offset)
	if v.t = s.types.at(typ); v.t != nil {
		v.size = uint64(v.t.Size())
	}
	return v.name != ""
}

// variable returns the package variable that an address is in.
func (s *heapSymbols) variable(addr uint64) (heapVariable, bool) {
	s.load()
	i, ok := slices.BinarySearchFunc(s.variables, addr, func(v heapVariable, a uint64) int { return cmp.Compare(v.addr, a) })
	if !ok {
		i--
	}
	for ; i >= 0; i-- {
		if v := &s.variables[i]; s.read(v) {
			return *v, v.size == 0 || addr < v.addr+v.size
		}
	}
	return heapVariable{}, false
}

// function returns the entry of the function that begins at an address.
func (s *heapSymbols) function(entry uint64) (dwarf.Offset, bool) {
	// To find the unit of an address takes milliseconds, and thousands of objects may have a
	// closure each.
	if at, known := s.functions[entry]; known {
		return at, at != 0
	}
	at, ok := s.findFunction(entry)
	s.functions[entry] = at
	return at, ok
}

func (s *heapSymbols) findFunction(entry uint64) (dwarf.Offset, bool) {
	r := s.data.Reader()
	unit, err := r.SeekPC(entry - s.slide)
	if err != nil {
		return 0, false
	}
	functions, ok := s.units[unit.Offset]
	if !ok {
		functions = map[uint64]dwarf.Offset{}
		s.units[unit.Offset] = functions
		for {
			e, err := r.Next()
			if err != nil || e == nil || e.Tag == 0 || e.Tag == dwarf.TagCompileUnit {
				break
			}
			if low, ok := e.Val(dwarf.AttrLowpc).(uint64); ok && e.Tag == dwarf.TagSubprogram {
				functions[low+s.slide] = e.Offset
			}
			r.SkipChildren()
		}
	}
	at, ok := functions[entry]
	return at, ok
}

// attrClosureOffset is the offset of a variable in its closure (since Go 1.23).
const attrClosureOffset = dwarf.Attr(0x2907)

// captured returns the variable at an offset in a closure of the function at entry.
func (s *heapSymbols) captured(entry uint64, off int) (v heapVariable, ok bool) {
	key := [2]uint64{entry, uint64(off)}
	if known, seen := s.captures[key]; seen {
		return known, known.isKnown()
	}
	if s.load(); s.data == nil {
		return v, false
	}
	if v, ok = s.findCaptured(entry, off); !ok {
		v = s.findReceiver(entry)
	}
	s.captures[key] = v
	return v, v.isKnown()
}

func (s *heapSymbols) findCaptured(entry uint64, off int) (v heapVariable, ok bool) {
	at, known := s.function(entry)
	if !known {
		return v, false
	}
	r := s.data.Reader()
	r.Seek(at)
	if e, err := r.Next(); err != nil || e == nil || !e.Children {
		return v, false
	}
	for {
		e, err := r.Next()
		if err != nil || e == nil || e.Tag == 0 {
			return v, ok
		}
		if n, has := e.Val(attrClosureOffset).(int64); has && n <= int64(off) && (!ok || uint64(n) > v.addr) {
			e = s.origin(e)
			name, _ := e.Val(dwarf.AttrName).(string)
			typ, _ := e.Val(dwarf.AttrType).(dwarf.Offset)
			v, ok = heapVariable{name: name, addr: uint64(n), t: s.types.at(typ)}, true
		}
		r.SkipChildren()
	}
}

// origin returns the entry that an entry is an instance of, as for a variable of an inlined
// function.
func (s *heapSymbols) origin(e *dwarf.Entry) *dwarf.Entry {
	at, ok := e.Val(dwarf.AttrAbstractOrigin).(dwarf.Offset)
	if !ok {
		return e
	}
	if o := s.entry(at); o != nil {
		return o
	}
	return e
}
