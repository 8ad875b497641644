package wire

import (
	"encoding/binary"
	"encoding/json"
	"math/bits"
)

// literal consumes one of the words true, false and null.
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
