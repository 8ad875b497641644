package heap

import (
	"fmt"
	"reflect"
	"strconv"
	"unsafe"
)

// longestKey bounds the bytes of a key in a path, because peers choose keys.
const longestKey = 64

// key returns the key of a map as text, from its bytes.
func (h *heapTypes) key(t reflect.Type, b []byte) string {
	if int(t.Size()) > len(b) {
		return "?"
	}
	b = b[:t.Size()]
	switch t.Kind() {
	case reflect.String:
		n := min(number(b[8:16]), longestKey)
		return strconv.Quote(string(h.read(number(b[:8]), int(n))))
	case reflect.Bool:
		return strconv.FormatBool(b[0] != 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		unused := 64 - 8*len(b)
		return strconv.FormatInt(int64(number(b)<<unused)>>unused, 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.FormatUint(number(b), 10)
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return fmt.Sprintf("%x", b[:min(len(b), longestKey)])
		}
	case reflect.Interface:
		to, dynamic := h.dynamic(t.NumMethod() == 0, number(b[:8]))
		switch {
		case dynamic != nil && to.role == roleValue && to.t == dynamic: // by a pointer to the value
			return h.key(dynamic, h.read(number(b[8:16]), int(dynamic.Size())))
		case dynamic != nil:
			return dynamic.String()
		}
	}
	return t.String()
}

// number returns a little-endian number of up to eight bytes.
func number(b []byte) (v uint64) {
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

// read returns up to n bytes at an address of the dump or of the program's constants.
func (h *heapTypes) read(addr uint64, n int) []byte {
	if m, ok := h.d.memory(addr); ok {
		b := h.d.bytesOf(m)[addr-m.addr:]
		return b[:min(n, len(b))]
	}
	if h.symbols.constants.has(addr, uint64(n)) || h.symbols.described.has(addr, uint64(n)) {
		p := uintptr(addr)
		return unsafe.Slice(*(**byte)(unsafe.Pointer(&p)), n)
	}
	return []byte("…")
}
