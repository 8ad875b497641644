package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

const (
	objectWord = "[object Object]"
	maxWord    = 1 << 10 // bytes after which word ends, because ErrorText cuts it anyway
)

// word returns the text that JavaScript's String makes of a validated value, or the
// start of it if it is longer than maxWord.
func word(v []byte) string {
	if v[0] == 'n' {
		return "null"
	}
	var text []byte
	s := scanner{b: v}
	for len(text) <= maxWord {
		c := s.space()
		from := s.i
		switch c {
		case 0:
			return string(text)
		case '[', ']': // an array within an array joins its elements, too
			s.i++
		case ',':
			s.i++
			text = append(text, ',')
		case '{':
			_ = s.value(0) // cannot fail: v is validated
			text = append(text, objectWord...)
		default:
			_ = s.scalar() // cannot fail either
			text = append(text, scalarWord(v[from:s.i])...)
		}
	}
	return string(text)
}

// scalarWord is word for an element of an array that is no container.
func scalarWord(v []byte) string {
	switch v[0] {
	case '"':
		return string(unquote(start(v)))
	case 't', 'f':
		return string(v)
	case 'n':
		return ""
	}
	return numberWord(number(v))
}

// number returns the value of a validated number, an infinity beyond the range. It
// ignores digits after the first hundred that count, so that its cost has a bound.
func number(v []byte) float64 {
	const enough = 100
	spelled := make([]byte, 0, enough+16)
	if v[0] == '-' {
		spelled, v = append(spelled, '-'), v[1:]
	}
	mantissa, exponent := v, 0
	if e := bytes.IndexAny(v, "eE"); e >= 0 {
		mantissa = v[:e]
		exponent, _ = strconv.Atoi(string(v[e+1 : min(len(v), e+enough)])) // an error leaves the largest or smallest
		exponent = min(max(exponent, -1e9), 1e9)
	}
	digits, fraction := 0, false
	for _, c := range mantissa {
		switch {
		case c == '.':
			fraction = true
			continue
		case c == '0' && digits == 0: // leading
		case digits < enough:
			spelled = append(spelled, c)
			digits++
		case !fraction:
			exponent++
			continue
		default:
			continue
		}
		if fraction {
			exponent--
		}
	}
	if digits == 0 {
		return 0
	}
	n, _ := strconv.ParseFloat(string(strconv.AppendInt(append(spelled, 'e'), int64(exponent), 10)), 64)
	return n
}

func numberWord(n float64) string {
	switch {
	case math.IsInf(n, 1):
		return "Infinity"
	case math.IsInf(n, -1):
		return "-Infinity"
	case n == 0:
		return "0" // -0, too
	}
	b, _ := json.Marshal(n) // json writes numbers as JavaScript does
	return string(b)
}
