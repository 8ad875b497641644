package heap

import (
	"debug/dwarf"
	"reflect"
	"runtime"
	"strings"
)

// methodValue ends the name of the function of a method value, which calls the method with the
// receiver that its closure holds. DWARF does not say that it is there.
const methodValue = "-fm"

// receiverOffset is the offset of the receiver in the closure of a method value, after the address of
// the function.
const receiverOffset = 8

// findReceiver returns the receiver in the closure of a method value. entry is the address of its
// function; for any other function there is none. The receiver has no name.
func (s *heapSymbols) findReceiver(entry uint64) (none heapVariable) {
	method, is := strings.CutSuffix(nameOfEntry(entry), methodValue)
	if _, known := s.function(entry); !is || !known {
		return none
	}
	for _, functions := range s.units { // which function has read for the method value, and so for the method
		for other, at := range functions {
			if nameOfEntry(other) == method {
				return heapVariable{addr: receiverOffset, t: s.firstParameter(at)}
			}
		}
	}
	return none
}

func nameOfEntry(entry uint64) string {
	if f := runtime.FuncForPC(uintptr(entry)); f != nil && uint64(f.Entry()) == entry {
		return f.Name()
	}
	return ""
}

// firstParameter returns the type of the first parameter of a function, nil if it is unknown.
func (s *heapSymbols) firstParameter(function dwarf.Offset) reflect.Type {
	r := s.data.Reader()
	r.Seek(function)
	if e, err := r.Next(); err != nil || e == nil || !e.Children {
		return nil
	}
	for {
		e, err := r.Next()
		if err != nil || e == nil || e.Tag == 0 {
			return nil
		}
		if e.Tag == dwarf.TagFormalParameter {
			typ, _ := s.origin(e).Val(dwarf.AttrType).(dwarf.Offset)
			return s.types.at(typ)
		}
		r.SkipChildren()
	}
}
