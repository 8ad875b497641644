package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math/bits"
)

// Errors of Parse.
var (
	ErrSyntax  = errors.New("wire: malformed JSON")
	ErrTooDeep = errors.New("wire: JSON nested too deeply")
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
	switch c := s.space(); c {
	case '"':
		_, _, err := s.str()
		return err
	case '{':
		return s.object(depth, nil)
	case '[':
		return s.array(depth)
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

// member is one member of an object: its key without the quotes, and its value.
type member struct {
	key     []byte
	escaped bool // the key holds a backslash
	value   []byte
}

// is reports whether the key is name, with escapes resolved: "\u0074ype" is "type" to
// every JSON parser, so it must not bypass the checks of the field.
func (m *member) is(name string) bool {
	return string(m.key) == name || m.escaped && unescape(m.key) == name
}

// object scans one object and calls visit for each member, unless visit is nil.
func (s *scanner) object(depth int, visit func(member)) error {
	if depth >= MaxDepth {
		return ErrTooDeep
	}
	s.i++ // {
	if s.space() == '}' {
		s.i++
		return nil
	}
	for {
		if s.space() != '"' {
			return ErrSyntax
		}
		key, escaped, err := s.str()
		if err != nil {
			return err
		}
		if s.space() != ':' {
			return ErrSyntax
		}
		s.i++
		s.space()
		from := s.i
		if err := s.value(depth + 1); err != nil {
			return err
		}
		if visit != nil {
			visit(member{key, escaped, s.b[from:s.i]})
		}
		if done, err := s.more('}'); done || err != nil {
			return err
		}
	}
}

func (s *scanner) array(depth int) error {
	if depth >= MaxDepth {
		return ErrTooDeep
	}
	s.i++ // [
	if s.space() == ']' {
		s.i++
		return nil
	}
	for {
		if err := s.value(depth + 1); err != nil {
			return err
		}
		if done, err := s.more(']'); done || err != nil {
			return err
		}
	}
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

func (s *scanner) literal(word string) error {
	if len(s.b)-s.i < len(word) || string(s.b[s.i:s.i+len(word)]) != word {
		return ErrSyntax
	}
	s.i += len(word)
	return nil
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.i++
	}
	if s.peek() == '0' {
		s.i++
	} else if !s.digits() {
		return ErrSyntax
	}
	if s.peek() == '.' {
		s.i++
		if !s.digits() {
			return ErrSyntax
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.i++
		if c := s.peek(); c == '+' || c == '-' {
			s.i++
		}
		if !s.digits() {
			return ErrSyntax
		}
	}
	return nil
}

func (s *scanner) peek() byte {
	if s.i < len(s.b) {
		return s.b[s.i]
	}
	return 0
}

func (s *scanner) digits() bool {
	from := s.i
	for s.i < len(s.b) && s.b[s.i]-'0' <= 9 {
		s.i++
	}
	return s.i > from
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// str scans one string and returns the bytes between its quotes. It tests eight bytes
// at a time, because most of a message is the text of an SDP. The high bit of a byte of
// m is set if the byte of w is below 0x20, a quote or a backslash. A borrow may set
// bits above the first hit, never below it.
func (s *scanner) str() (inner []byte, escaped bool, err error) {
	b, from := s.b, s.i+1
	for i := from; i < len(b); {
		if i+8 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			m := ((w - 0x20*ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)) &^ w & highs
			if m == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(m) / 8
		}
		switch c := b[i]; {
		case c == '\\':
			escaped = true
			for i < len(b) && b[i] == '\\' { // often several in a row: \r\n
				n := escape(b[i:])
				if n == 0 {
					return nil, false, ErrSyntax
				}
				i += n
			}
		case c == '"':
			s.i = i + 1
			return b[from:i], escaped, nil
		case c < 0x20:
			return nil, false, ErrSyntax
		default:
			i++ // within the last eight bytes
		}
	}
	return nil, false, ErrSyntax
}

// escape returns the length of the escape sequence at the start of b, 0 if there
// is none.
func escape(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		if len(b) >= 6 && hexValue(b[2])|hexValue(b[3])|hexValue(b[4])|hexValue(b[5]) >= 0 {
			return 6
		}
	}
	return 0
}

// unescape resolves the escapes of a validated string.
func unescape(inner []byte) string {
	quoted := make([]byte, 0, len(inner)+2)
	quoted = append(append(append(quoted, '"'), inner...), '"')
	var s string
	_ = json.Unmarshal(quoted, &s) // cannot fail: inner is validated
	return s
}
