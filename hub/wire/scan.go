package wire

import "errors"

// Errors of Parse.
var (
	ErrSyntax  = errors.New("wire: malformed JSON")
	ErrTooDeep = errors.New("wire: JSON nested too deeply")
	ErrTooMany = errors.New("wire: object with too many members")
	ErrNull    = errors.New("wire: null message")
)

// scanner walks over one JSON text (RFC 8259) and validates it. It does not check
// UTF-8: the session has done that for the whole message.
type scanner struct {
	b []byte
	i int
}

// space skips white space and returns the next byte, or 0 at the end.
func (s *scanner) space() byte {
	for ; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c
		}
	}
	return 0
}

// value scans one value; depth is the number of containers around it.
func (s *scanner) value(depth int) error {
	if c := s.space(); c == '{' || c == '[' {
		return s.container(depth)
	}
	return s.scalar()
}

func (s *scanner) scalar() error {
	switch s.peek() {
	case '"':
		_, _, err := s.str()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

// nesting has a bit for each container that is open: 1 if it is an object.
type nesting [(MaxDepth + 63) / 64]uint64

func (n *nesting) set(depth int, object bool) {
	n[depth/64] &^= 1 << (depth % 64)
	if object {
		n[depth/64] |= 1 << (depth % 64)
	}
}

func (n *nesting) object(depth int) bool { return n[depth/64]>>(depth%64)&1 == 1 }

// container scans an object or an array and all that is in it. It does not recurse,
// because what a peer nests must not grow the stack of its session.
func (s *scanner) container(depth int) error {
	var open nesting
	outside := depth
	for {
		switch c := s.space(); c {
		case '{', '[':
			if depth >= MaxDepth {
				return ErrTooDeep
			}
			open.set(depth, c == '{')
			depth++
			s.i++
			if next := s.space(); next != c+2 { // not closed at once: '}' is '{'+2, ']' is '['+2
				if c == '{' {
					if _, _, err := s.key(); err != nil {
						return err
					}
				}
				continue
			}
			s.i++
			depth--
		default:
			if err := s.scalar(); err != nil {
				return err
			}
		}
		if err := s.after(&open, &depth, outside); err != nil || depth == outside {
			return err
		}
	}
}

// after scans what follows a value: the ends of the containers that end with it, down
// to outside, then the comma and the key of the next value.
func (s *scanner) after(open *nesting, depth *int, outside int) error {
	for *depth > outside {
		object := open.object(*depth - 1)
		end := byte(']')
		if object {
			end = '}'
		}
		done, err := s.more(end)
		switch {
		case err != nil:
			return err
		case done:
			*depth--
		case object:
			_, _, err = s.key()
			return err
		default:
			return nil
		}
	}
	return nil
}

// key scans the key of a member and the colon after it.
func (s *scanner) key() (key []byte, escaped bool, err error) {
	if s.space() != '"' {
		return nil, false, ErrSyntax
	}
	if key, escaped, err = s.str(); err != nil {
		return nil, false, err
	}
	if s.space() != ':' {
		return nil, false, ErrSyntax
	}
	s.i++
	return key, escaped, nil
}

// member is one member of an object: its key without the quotes, the field that the
// key names, and its value.
type member struct {
	key   []byte
	field string // one of the names in fieldName, or ""
	value []byte
}

// longestField is the length of the longest name in fieldName.
const longestField = len("targetPeerId")

// fieldOf returns the field that a key names, with escapes resolved, or "" if the
// protocol has no such field: "\u0074ype" is "type" to every JSON parser, so it must
// not bypass the checks of the field. A key is resolved once, without an allocation,
// and not beyond the longest name.
func fieldOf(key []byte, escaped bool) string {
	if escaped {
		var resolved [longestField + 1]byte
		key = resolved[:unescapeASCII(resolved[:], key)]
	}
	return fieldName(key)
}

func fieldName(key []byte) string {
	switch string(key) {
	case "type":
		return "type"
	case "data":
		return "data"
	case "networkName":
		return "networkName"
	case "targetPeerId":
		return "targetPeerId"
	case "fromPeerId":
		return "fromPeerId"
	case "peerId":
		return "peerId"
	case "isHub":
		return "isHub"
	}
	return ""
}

// unescapeASCII resolves the escapes of a validated string into dst until that is full
// and returns how many bytes it wrote. It writes a byte of no field's name for each
// escape that is not of an ASCII character.
func unescapeASCII(dst, inner []byte) (n int) {
	for i := 0; i < len(inner) && n < len(dst); n++ {
		dst[n] = inner[i]
		if inner[i] != '\\' {
			i++
			continue
		}
		size := escape(inner[i:])
		dst[n] = 0
		if size == 6 && inner[i+2] == '0' && inner[i+3] == '0' {
			dst[n] = byte(hexValue(inner[i+4])<<4 | hexValue(inner[i+5]))
		}
		i += size
	}
	return n
}

// object scans one object and calls visit for each member. It returns ErrTooMany if
// there are more than most.
func (s *scanner) object(most int, visit func(member)) error {
	s.i++ // {
	if s.space() == '}' {
		s.i++
		return nil
	}
	for range most {
		key, escaped, err := s.key()
		if err != nil {
			return err
		}
		s.space()
		from := s.i
		if err := s.value(1); err != nil {
			return err
		}
		visit(member{key, fieldOf(key, escaped), s.b[from:s.i]})
		if done, err := s.more('}'); done || err != nil {
			return err
		}
	}
	return ErrTooMany
}

// more scans the comma between two elements, or the end of their container.
func (s *scanner) more(end byte) (done bool, err error) {
	switch s.space() {
	case ',':
		s.i++
		return false, nil
	case end:
		s.i++
		return true, nil
	}
	return false, ErrSyntax
}
