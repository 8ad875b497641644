package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

const objectWord = "[object Object]"

// word returns what JavaScript's String makes of a proven value. One longer
// than maxWord is left as it is spelled: ErrorText cuts it anyway.
func word(v []byte) string {
	const maxWord = 4 << 10
	switch {
	case v[0] == '{':
		return objectWord
	case len(v) > maxWord:
		return string(v)
	}
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber() // a number may be beyond a float64
	var decoded any
	_ = d.Decode(&decoded) // proven well-formed: it cannot fail
	return wordOf(decoded)
}

func wordOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return numberWord(string(v))
	case []any:
		words := make([]string, len(v))
		for i, e := range v {
			if e != nil {
				words[i] = wordOf(e)
			}
		}
		return strings.Join(words, ",")
	case map[string]any:
		return objectWord
	}
	return "null"
}

func numberWord(spelled string) string {
	n, _ := strconv.ParseFloat(spelled, 64) // beyond the range: an infinity, as in JavaScript
	switch {
	case math.IsInf(n, 1):
		return "Infinity"
	case math.IsInf(n, -1):
		return "-Infinity"
	case n == 0:
		return "0" // also what is written -0
	}
	b, _ := json.Marshal(n) // it writes numbers as ECMAScript does
	return string(b)
}
