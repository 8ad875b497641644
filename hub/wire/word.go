package wire

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

const objectWord = "[object Object]"

// word returns the text that JavaScript's String makes of a validated value. A value
// longer than maxWord is returned as it is, because ErrorText cuts it anyway.
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
	_ = d.Decode(&decoded) // cannot fail: v is validated
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
		return "0" // -0, too
	}
	b, _ := json.Marshal(n) // json writes numbers as JavaScript does
	return string(b)
}
