package heap

import (
	"debug/dwarf"
	"debug/elf"
	"os"
	"strconv"
	"strings"
	"unsafe"
)

// newHeapSymbols finds out which names the binary has.
func newHeapSymbols(d *heapDump) *heapSymbols {
	s := &heapSymbols{segments: d.segments, functions: map[uint64]dwarf.Offset{}, captures: map[[2]uint64]heapVariable{}}
	s.described.low = ^uint64(0)
	for _, t := range d.itabs { // the bound if the binary cannot be read
		s.described = addressRange{min(s.described.low, t), max(s.described.high, t+1)}
	}
	path, err := os.Executable()
	if err != nil {
		return s
	}
	f, err := elf.Open(path)
	if err != nil {
		return s
	}
	defer f.Close()
	s.slide = slideOf(f, path)
	known := typeWord("")
	for _, section := range f.Sections {
		where := addressRange{section.Addr + s.slide, section.Addr + section.Size + s.slide}
		if section.Flags&elf.SHF_ALLOC != 0 && where.has(known, 1) {
			s.described, s.path = where, path
		}
		if section.Name == ".rodata" {
			s.constants = where
		}
	}
	if s.path != "" { // else the binary is another one
		s.symbols, s.dwarf = f.Section(".symtab") != nil, f.Section(".debug_info") != nil
	}
	return s
}

// slideOf returns by how much a position-independent program was moved when it was loaded.
func slideOf(f *elf.File, path string) uint64 {
	maps, err := os.ReadFile("/proc/self/maps")
	if f.Type != elf.ET_DYN || err != nil {
		return 0
	}
	first := ^uint64(0)
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			first = min(first, p.Vaddr&^(p.Align-1))
		}
	}
	for line := range strings.Lines(string(maps)) {
		if start, _, ok := strings.Cut(line, "-"); ok && strings.HasSuffix(strings.TrimSpace(line), " "+path) {
			at, _ := strconv.ParseUint(start, 16, 64)
			return at - first
		}
	}
	return 0
}

// addressRange is a range of addresses in the program.
type addressRange struct{ low, high uint64 }

func (r addressRange) has(addr, n uint64) bool {
	return addr >= r.low && addr < r.high && n <= r.high-addr
}

// typeWord returns the address of the type descriptor of a value.
func typeWord(v any) uint64 { return uint64((*[2]uintptr)(unsafe.Pointer(&v))[0]) }
